"""ISO 8601 durations."""

import pytest

from apis.metrics.time.durations import Duration, DurationInvalid, parse_duration


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("PT15M", Duration("minute", 15)),
        ("PT1H", Duration("minute", 60)),
        ("PT60M", Duration("minute", 60)),
        ("PT1H30M", Duration("minute", 90)),
        ("P1D", Duration("day", 1)),
        ("P1W", Duration("week", 1)),
        ("P1M", Duration("month", 1)),
        ("P3M", Duration("month", 3)),
        ("P1Y", Duration("month", 12)),
    ],
)
def test_understands_a_duration_that_makes_a_grid(text: str, duration: Duration) -> None:
    assert parse_duration(text) == duration
    assert parse_duration(str(duration)) == duration


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "P",
            "PT",
            "1H",
            "pt1h",
            "PT1.5H",
            "-PT1H",
            "PT0M",
            "PT7H",
            "PT25M",
            "PT24H",
            "PT48H",
        ),
        *("P2D", "P7D", "P2W", "P5M", "P2Y", "P1DT1H", "PT1S", "PT15M ", "PT١H", "P0D", "P99999D"),
    ],
)
def test_refuses_any_other_text(text: str) -> None:
    with pytest.raises(DurationInvalid):
        parse_duration(text)
