"""Damaged and hostile backups: all of it is found before a row is written."""

import hashlib
import random
import shutil
import zlib
from collections.abc import Callable
from pathlib import Path

import fastavro
import msgspec
import pytest
from django.core.management import call_command
from msgspec.structs import replace

from backups.avro.container import MAGIC, encode_block, encode_header, encode_long
from backups.child.check import check_backup
from backups.child.verify import find_problems, verify_external_file
from backups.errors import BackupDamaged, FileRefused, RestoreRefused
from backups.models import BackupRun
from backups.progress import NO_PROGRESS
from backups.restore.plan import RestoreRequest
from backups.restore.restore import restore_backup
from backups.runs.runs import run_backup, run_restore
from backups.store.archive import find_backup
from backups.store.folder import Backup, Problem
from backups.store.manifest import MANIFEST_NAME
from backups.store.origin import is_signed
from tests.integration.backups.archives import FILE, OTHER, change_bytes, change_entry, reseal
from tests.integration.backups.tables import ask, run

pytestmark = pytest.mark.usefixtures("scratch")

SYNC = b"0123456789abcdef"


def change_length(path: Path, by: int) -> None:
    with path.open("ab") as file:
        file.truncate(path.stat().st_size + by)


def change_codec(backup: Backup) -> None:
    path = backup.folder / FILE
    with path.open("rb") as file:
        reader = fastavro.reader(file)
        schema, rows = reader.writer_schema, list(reader)
    with path.open("wb") as file:
        fastavro.writer(file, schema, rows, codec="deflate")


DAMAGE: dict[str, Callable[[Backup], object]] = {
    "a file is missing": lambda b: (b.folder / FILE).unlink(),
    "there is one more file": lambda b: (b.folder / "hiring.more.avro").write_bytes(b""),
    "a file is shorter": lambda b: (b.folder / FILE).write_bytes(
        (b.folder / FILE).read_bytes()[:-9]
    ),
    "a file is longer": lambda b: (b.folder / FILE).write_bytes(
        (b.folder / FILE).read_bytes() + b"x"
    ),
    "a bit of a header is flipped": lambda b: change_bytes(b.folder / FILE, 30),
    "a bit of a block is flipped": lambda b: change_bytes(b.folder / FILE, -40),
    "a bit of the manifest is flipped": lambda b: change_bytes(b.folder / MANIFEST_NAME, 200),
    "the rows are counted wrong": lambda b: change_entry(b, rows=199),
    "the codec is another one": change_codec,
    "a file is another table's": lambda b: shutil.copy(b.folder / OTHER, b.folder / FILE),
    "the schemas are swapped": lambda b: change_entry(
        b, avro_schema=b.read().tables[1].avro_schema
    ),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_finds_damage_before_anything_is_written(backup: Backup, kind: str) -> None:
    DAMAGE[kind](backup)
    assert find_problems(backup) != []
    with pytest.raises(BackupDamaged):
        restore_backup(backup, RestoreRequest(tables=["hiring.one"]))
    assert ask("SELECT count(*) FROM hiring.one") == [(3,)]
    assert ask("SELECT count(*) FROM pg_namespace WHERE nspname ~ '^(restore|undo)_'") == [(0,)]


def test_no_table_is_loaded_while_all_files_are_damaged(
    backup: Backup, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (FILE, OTHER):
        change_bytes(backup.folder / name, -40)
    loaded: list[object] = []
    monkeypatch.setattr(
        "backups.restore.execution.load_rows", lambda *given, **options: loaded.append(given)
    )
    with pytest.raises(BackupDamaged):
        restore_backup(backup, RestoreRequest(tables=["hiring.one", "hiring.two"]))
    assert loaded == []


def test_finds_every_one_of_200_flipped_bits(backup: Backup) -> None:
    dice = random.Random(5)
    paths = [backup.folder / name for name in (FILE, OTHER, MANIFEST_NAME)]
    unnoticed = []
    for _ in range(200):
        path = dice.choice(paths)
        place, mask = dice.randrange(path.stat().st_size), 1 << dice.randrange(8)
        change_bytes(path, place, mask)
        if not find_problems_here(backup) and is_signed(backup.read_sealed()):
            unnoticed.append((path.name, place, mask))
        change_bytes(path, place, mask)
    assert unnoticed == []


def find_problems_here(backup: Backup) -> list[Problem]:
    """Check without a child process, which would take minutes 200 times."""
    return list(check_backup(backup, [], decode=True, progress=NO_PROGRESS))


def hostile(schema: object, *blocks: bytes, magic: bytes = MAGIC, codec: str = "null") -> bytes:
    text = schema if isinstance(schema, bytes) else msgspec.json.encode(schema)
    return magic + encode_header(text, codec, SYNC)[4:] + b"".join(blocks)


def record(*fields: object) -> dict[str, object]:
    named = [{"name": f"f{place}", "type": one} for place, one in enumerate(fields)]
    return {"type": "record", "name": "row", "fields": named}


NUMBERS = record("long")
NODE = {"type": "record", "name": "row", "fields": [{"name": "next", "type": "row"}]}
GOOD = encode_block(2, b"\x02\x04", SYNC)
BOMB = zlib.compressobj(9, wbits=-15)
DEFLATED = BOMB.compress(bytes(1 << 29)) + BOMB.flush()

HOSTILE: dict[str, bytes] = {
    "wrong magic": hostile(NUMBERS, GOOD, magic=b"Obj\x02"),
    "cut inside a block": hostile(NUMBERS, GOOD)[:-3],
    "a count that lies": hostile(NUMBERS, encode_block(3, b"\x02\x04", SYNC)),
    "a count that is too small": hostile(NUMBERS, encode_block(1, b"\x02\x04", SYNC)),
    "a negative count": hostile(NUMBERS, encode_block(-2, b"\x02\x04", SYNC)),
    "another sync mark": hostile(NUMBERS, encode_block(2, b"\x02\x04", b"x" * 16)),
    "a union branch of -1": hostile(record(["null", "long"]), encode_block(1, b"\x01\x02", SYNC)),
    "a union branch of 2": hostile(record(["null", "long"]), encode_block(1, b"\x04\x02", SYNC)),
    "a schema that contains itself": hostile(NODE, encode_block(1, b"\x02", SYNC)),
    "a schema nested 5000 deep": hostile(b'{"type":' * 5000 + b'"long"' + b"}" * 5000, GOOD),
    "2^40 rows of nothing": hostile(record("null"), encode_block(1 << 40, b"", SYNC)),
    "an array of 2^40 nulls": hostile(
        record({"type": "array", "items": "null"}),
        encode_block(1, encode_long(1 << 40) + b"\0", SYNC),
    ),
    "a string longer than its block": hostile(record("string"), encode_block(1, b"\x7ea", SYNC)),
    "a string that is no UTF-8": hostile(record("string"), encode_block(1, b"\x02\xff", SYNC)),
    "512 MB in half a megabyte": hostile(NUMBERS, encode_block(1, DEFLATED, SYNC), codec="deflate"),
    "an unknown codec": hostile(NUMBERS, GOOD, codec="rot13"),
    "a schema that is no schema": hostile(b"[1,2]", GOOD),
    "nothing at all": b"",
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_refuses_a_hostile_file(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "hostile.avro"
    path.write_bytes(HOSTILE[kind])
    with pytest.raises(FileRefused):
        verify_external_file(path)


def test_accepts_the_file_that_the_hostile_ones_are_made_of(tmp_path: Path) -> None:
    path = tmp_path / "good.avro"
    path.write_bytes(hostile(NUMBERS, GOOD, GOOD))
    verify_external_file(path)


@pytest.mark.parametrize("data", [b"\x01\x02\x00", b"\x04\x02\x00", b"\x02\x82\x00\x00"])
def test_finds_records_that_no_backup_writes_though_every_checksum_fits(
    backup: Backup, data: bytes
) -> None:
    path = backup.folder / FILE
    head = path.read_bytes()
    header = head[: head.index(b"\0", head.index(b"avro.codec")) + 17]
    path.write_bytes(header + encode_block(1, data, header[-16:]))
    change_entry(
        backup,
        rows=1,
        blocks=1,
        bytes=path.stat().st_size,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        content_sha256=hashlib.sha256(data).hexdigest(),
    )
    assert [one.file for one in find_problems(backup)] == [FILE]
    with pytest.raises(BackupDamaged):
        restore_backup(backup, RestoreRequest(tables=["hiring.one"]))
    assert ask("SELECT count(*) FROM hiring.one") == [(3,)]


def test_a_link_in_the_place_of_a_file_is_not_followed(backup: Backup, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere.avro"
    shutil.move(backup.folder / FILE, moved)
    (backup.folder / FILE).symlink_to(moved)
    assert find_problems(backup) != []


def damage_parent(backup: Backup) -> None:
    change_bytes(backup.folder / "hiring.parent.avro", -40)


def lose_parent(backup: Backup) -> None:
    (backup.folder / "hiring.parent.avro").unlink()


@pytest.fixture
def family(scratch: Path) -> Backup:
    """Back up and empty two tables, of which one refers to the other, and one beside them."""
    run(
        "CREATE TABLE hiring.parent (id int PRIMARY KEY)",
        "CREATE TABLE hiring.child (parent int CONSTRAINT to_parent REFERENCES hiring.parent)",
        "CREATE TABLE hiring.other (id int PRIMARY KEY)",
        *(f"INSERT INTO hiring.{name} VALUES (1)" for name in ("parent", "child", "other")),
    )
    made = run_backup(codec="null")
    run(*(f"DELETE FROM hiring.{name}" for name in ("child", "parent", "other")))
    return find_backup(str(made.pk))


@pytest.mark.parametrize("damage", [damage_parent, lose_parent])
def test_a_damaged_file_keeps_no_other_table_from_being_restored(
    family: Backup, capsys: pytest.CaptureFixture[str], damage: Callable[[Backup], None]
) -> None:
    damage(family)
    for arguments, rows in (["--dry-run"], 0), ([], 1):
        with pytest.raises(SystemExit) as ended:
            call_command("restore", "parent", "other", *arguments)
        assert ended.value.code == 3
        assert "NOT RESTORED: hiring.parent: damaged: The file" in capsys.readouterr().out
        done = BackupRun.objects.latest("id")
        report = done.report or {}
        assert (done.state, report["code"]) == ("incomplete", "restore_incomplete")
        assert list(report["not_restored"]) == ["hiring.parent"]
        assert ask("SELECT count(*) FROM hiring.other") == [(rows,)]
    run("DELETE FROM hiring.other")
    # Its rows would refer to nothing, unless those are there already.
    with pytest.raises(RestoreRefused, match=r"to_parent.*; not restored: hiring\.parent: damaged"):
        run_restore(family, RestoreRequest(everything=True))
    assert ask("SELECT count(*) FROM hiring.other") == [(0,)]
    run("INSERT INTO hiring.parent VALUES (1)")
    run_restore(family, RestoreRequest(everything=True))
    assert ask("SELECT count(*) FROM hiring.child") == [(1,)]
    with pytest.raises(BackupDamaged):
        run_restore(family, RestoreRequest(tables=["parent"]))


def test_what_the_backup_lacks_is_named_where_all_of_it_is_restored(
    family: Backup, capsys: pytest.CaptureFixture[str]
) -> None:
    failures = {"hiring.gone": "locked", "service.rejection": "locked"}
    reseal(family, lambda manifest: replace(manifest, complete=False, failures=failures))
    with pytest.raises(SystemExit) as ended:
        call_command("restore", "--all", "--from", str(family.id))
    assert ended.value.code == 3
    said = capsys.readouterr().out
    assert "NOT RESTORED: hiring.gone: the backup lacks it: locked\n" in said
    assert "NOT RESTORED: service.rejection: the backup lacks it: locked\n" in said
    assert ask("SELECT count(*) FROM hiring.child") == [(1,)]
    done, report = run_restore(family, RestoreRequest(everything=True))
    assert (done.state, list(report.not_restored)) == ("incomplete", ["hiring.gone"])
    done, report = run_restore(family, RestoreRequest(tables=["other"]))
    assert (done.state, report.not_restored) == ("done", {})
