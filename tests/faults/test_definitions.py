"""The table is altered, moved and rebuilt while clients send: every row has one outcome."""

from itertools import cycle, islice

from tests.database import log_in
from tests.faults.clients import REASONS
from tests.faults.conftest import FleetMaker, Judge
from tests.faults.stage import Stage
from tests.scale import scale

CHANGES = 14  # 280 in the long form

# What rows are refused for while a column has another name or type.
RENAMED = frozenset({"unknown_column", "required_missing", "not_number"})

# Each pair ends as it began; rows that come in between may be refused, but are not lost.
DDL = (
    "ALTER TABLE hiring.elements ADD COLUMN note text DEFAULT 'none'",
    "ALTER TABLE hiring.elements DROP COLUMN note",
    "ALTER TABLE hiring.elements RENAME COLUMN size TO width",
    "ALTER TABLE hiring.elements RENAME COLUMN width TO size",
    "ALTER TABLE hiring.elements ALTER COLUMN size TYPE numeric(12, 2)",
    "ALTER TABLE hiring.elements ALTER COLUMN size TYPE int",
    "ALTER TABLE hiring.elements RENAME TO things",
    "ALTER TABLE hiring.things RENAME TO elements",
    "ALTER TABLE hiring.elements ADD CONSTRAINT small CHECK (size < 100)",
    "ALTER TABLE hiring.elements DROP CONSTRAINT small",
    "ALTER TABLE hiring.elements DROP CONSTRAINT parent_is_there",
    "ALTER TABLE hiring.elements ADD CONSTRAINT parent_is_there"
    " FOREIGN KEY (parent) REFERENCES hiring.parents",
    "CREATE INDEX elements_element ON hiring.elements (element)",
    "DROP INDEX hiring.elements_element",
)


def test_no_row_is_lost_or_doubled_while_the_table_is_altered(
    stage: Stage, fleet_for: FleetMaker, judge: Judge
) -> None:
    fleet = fleet_for(stage.url, passing=frozenset({404, 503}))
    changes = scale(CHANGES)
    with fleet.sending(), log_in() as administrator:
        administrator.autocommit = True
        administrator.execute("SET lock_timeout = 0")
        for statement in islice(cycle(DDL), changes):
            administrator.execute(statement)
            if "TO things" not in statement:
                fleet.wait_for_progress(4)
    assert judge(fleet, changes, reasons=REASONS | RENAMED).is_sound
    assert len(fleet.history.acknowledged) == len(fleet.history.attempted)
