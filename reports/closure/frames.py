"""Rows as a data frame, where the library for it is installed."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any, Literal

from project.base.errors import RowhouseError

Row = dict[str, Any]
Frame = Literal["rows", "pandas", "polars"]


class FrameUnavailable(RowhouseError):
    """The library for this kind of data frame is not installed."""

    code = "frame_unavailable"


def as_frame(rows: list[Row], columns: Sequence[str], frame: Frame) -> Any:
    """Return the rows as they are, or a DataFrame with these columns, also if there are none."""
    if frame == "rows":
        return rows
    try:
        library = import_module(frame)
    except ImportError as error:
        raise FrameUnavailable(f"{frame} is not installed: pip install {frame}") from error
    if frame == "pandas":
        return library.DataFrame(rows, columns=list(columns))
    return library.DataFrame({name: [row[name] for row in rows] for name in columns}, strict=False)
