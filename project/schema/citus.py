"""Datasets distributed over the nodes of a Citus cluster, where the database is one."""

from collections.abc import Mapping
from pathlib import Path

import msgspec
import psycopg
from psycopg import Connection

from project.base.config import Dataset
from project.base.errors import RowhouseError
from project.base.sql_files import read_sql
from project.schema.distribution import Layout, Placement, TableShape, plan_distribution

FOLDER = Path(__file__).parent / "sql"
ABSENT = "not distributed: the database does not have the extension citus"

SEQUENTIAL = "SELECT set_config('citus.multi_shard_modify_mode', 'sequential', %s)"
LOCAL_FOREIGN_KEYS = "SELECT set_config('citus.enable_local_reference_table_foreign_keys', %s, %s)"

_shape = msgspec.json.Decoder(TableShape).decode


class DistributionRefused(RowhouseError):
    """A dataset cannot be distributed as the settings want it."""

    code = "distribution_refused"


def distribute_datasets(
    connection: Connection, datasets: Mapping[str, Dataset]
) -> dict[str, list[str]]:
    """Distribute what the settings want distributed; return what was done, in words.

    Runs in the caller's transaction, one statement at a time, and may be repeated. Where there is
    no Citus nothing is done, which is returned too. Raises `DistributionRefused` with all reasons.
    """
    wanted = {name: dataset.distribute for name, dataset in datasets.items()}
    chosen = [name for name, how in wanted.items() if how != "none"]
    if not chosen:
        return {}
    if not _has_citus(connection):
        return {name: [ABSENT] for name in chosen}
    # Tables that were made in this transaction are only seen by its own connections to the nodes.
    connection.execute(SEQUENTIAL, [True])
    done: dict[str, list[str]] = {}
    for name in chosen:
        plan = plan_distribution(name, _read_layout(connection, datasets))
        if plan.refusals:
            lines = "".join(f"\n- {refusal}" for refusal in plan.refusals)
            raise DistributionRefused(
                f"datasets.{name}.distribute: nothing was changed:{lines}",
                dataset=name,
                refusals=plan.refusals,
            )
        done[name] = []
        for move in plan.moves:
            kept = "on" if move.serves_local_tables else "off"
            try:
                connection.execute(LOCAL_FOREIGN_KEYS, [kept, True])
                connection.execute(move.statement)
            except psycopg.Error as error:
                raise DistributionRefused(
                    f"datasets.{name}.distribute: {move.description}: "
                    f"{error.diag.message_primary or error}",
                    dataset=name,
                ) from error
            done[name].append(move.description)
    return done


def keep_local(connection: Connection) -> None:
    """Have tables that this session makes stay as they are until they are distributed.

    Citus would make a table its own as soon as it refers to a copied one, which it cannot with
    every partitioned table. Nothing happens where there is no Citus.
    """
    connection.execute(LOCAL_FOREIGN_KEYS, ["off", False])


def go_step_by_step(connection: Connection) -> None:
    """Have statements of this session that change tables run over one connection to each node.

    Otherwise Citus refuses some that follow each other in a transaction. Nothing happens where
    there is no Citus.
    """
    connection.execute(SEQUENTIAL, [False])


def _has_citus(connection: Connection) -> bool:
    found = connection.execute("SELECT FROM pg_extension WHERE extname = 'citus'")
    return found.fetchone() is not None


def _read_layout(connection: Connection, datasets: Mapping[str, Dataset]) -> Layout:
    shapes = connection.execute(
        read_sql(FOLDER / "table_shapes.sql"), {"schemas": list(datasets)}
    ).fetchall()
    tables = [_shape(text) for (text,) in shapes]
    placements = connection.execute(read_sql(FOLDER / "placements.sql")).fetchall()
    return Layout(
        tables={(table.schema, table.name): table for table in tables},
        placements={
            (schema, name): Placement(kind, column if kind == "distributed" else None)
            for schema, name, kind, column in placements
            if kind in {"distributed", "reference", "schema"}
        },
        wanted={name: dataset.distribute for name, dataset in datasets.items()},
    )
