"""backups.child.second_reader: fastavro finds in the files what we wrote."""

import pytest
from msgspec.structs import replace

from backups.avro.rows import RowCodec
from backups.child.check import open_table
from backups.child.second_reader import compare_table, compare_values
from backups.child.verify import verify_with_second_reader
from backups.errors import BackupDamaged
from backups.runs.runs import run_backup
from backups.store.archive import find_backup
from backups.store.folder import Backup
from tests.integration.backups.tables import BEYOND_LOGICAL, EVERY_TYPE, make_every_type, run

pytestmark = pytest.mark.usefixtures("scratch")


def back_up(name: str, codec: str = "snappy") -> Backup:
    return find_backup(str(run_backup(tables=[f"hiring.{name}"], codec=codec).pk))


@pytest.mark.parametrize("codec", ["snappy", "deflate", "zstandard", "null"])
def test_every_type_is_read_alike(codec: str) -> None:
    make_every_type("usual", EVERY_TYPE)
    make_every_type("beyond", EVERY_TYPE | BEYOND_LOGICAL)
    for name in ("usual", "beyond"):
        verify_with_second_reader(back_up(name, codec))


def test_rows_beyond_the_first_block_are_counted_and_compared() -> None:
    run(
        "CREATE TABLE hiring.long AS SELECT n, repeat('x', 5000) || n AS word"
        " FROM generate_series(1, 3000) n"
    )
    backup = back_up("long")
    manifest = backup.read()
    (entry,) = manifest.tables
    assert entry.blocks > 2
    verify_with_second_reader(backup)
    with pytest.raises(BackupDamaged, match="fastavro reads 3000 rows where there are 2999"):
        compare_table(backup, manifest, replace(entry, rows=2999))


def test_another_value_is_noticed() -> None:
    run("CREATE TABLE hiring.days AS SELECT date '2024-02-29' AS day, 'NaN'::real AS share")
    backup = back_up("days")
    manifest = backup.read()
    (entry,) = manifest.tables
    with open_table(backup, manifest, entry) as (container, schema):
        (block,) = container.blocks()
        frame = RowCodec(schema.fields).decode(block.count, block.data)
    columns = frame.to_dict(as_series=False)
    records = [{"day": 19782, "share": float("nan")}]
    compare_values(columns, records, schema)
    with pytest.raises(BackupDamaged, match="other values of day"):
        compare_values(columns, [records[0] | {"day": 19783}], schema)
