"""Archives made by an enemy: nothing outside the folder is read, nothing is written."""

import os
import shutil
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django import Settings

from backups.avro.container import encode_block, encode_header
from backups.child.verify import find_problems, verify_external_file
from backups.errors import BackupDamaged, BackupError, BackupUnknown, FileRefused
from backups.restore.plan import RestoreRequest
from backups.restore.restore import restore_backup
from backups.store.archive import find_backup, list_backups
from backups.store.folder import Backup, file_name
from backups.store.manifest import MANIFEST_NAME
from tests.integration.backups.archives import FILE, OTHER, change_entry, reseal
from tests.integration.backups.tables import ask

SYNC = b"0123456789abcdef"
NUMBERS = {"type": "record", "name": "row", "fields": [{"name": "n", "type": "long"}]}

# What leads out of a folder, or to a file that is not a table's.
TRAVERSALS = [
    "../hiring.one.avro",
    "/etc/passwd",
    "./hiring.one.avro",
    "hiring.one.avro/../hiring.two.avro",
    "..",
    "",
    "manifest.json",
    "hiring.two.avro",
    "..\\hiring.one.avro",
    "hiring.one.avro\0",
    "%2e%2e/hiring.one.avro",
    "/dev/stdin",
    "~/hiring.one.avro",
]


def check_refused(backup: Backup) -> None:
    """Check that a backup is found bad, and that a restore from it changes nothing."""
    assert find_problems(backup) != []
    with pytest.raises(BackupError):
        restore_backup(backup, RestoreRequest(tables=["hiring.one"]))
    assert ask("SELECT count(*) FROM hiring.one") == [(3,)]
    assert ask("SELECT count(*) FROM hiring.two") == [(200,)]
    assert ask("SELECT count(*) FROM pg_namespace WHERE nspname ~ '^(restore|undo)_'") == [(0,)]


@pytest.mark.parametrize("name", TRAVERSALS)
def test_a_manifest_names_no_file_but_the_table_s(backup: Backup, name: str) -> None:
    change_entry(backup, file=name)
    check_refused(backup)


@pytest.mark.parametrize(
    "changes",
    [
        {"schema": "../.."},
        {"table": "../../one"},
        {"table": "two"},
        {"schema": "service", "table": "api_key"},
        {"schema": "pg_catalog", "table": "pg_authid"},
        {"table": 'one"; DROP TABLE hiring.two; --'},
        {"table": "one\0"},
        {"columns": ()},
    ],
    ids=str,
)
def test_a_manifest_gives_a_file_to_no_other_table(backup: Backup, changes: dict[str, Any]) -> None:
    entry = backup.read().tables[0]
    schema, table = changes.get("schema", entry.schema), changes.get("table", entry.table)
    change_entry(backup, **changes, file=file_name(schema, table))
    if (backup.folder / FILE).exists() and file_name(schema, table) not in (FILE, OTHER):
        (backup.folder / FILE).rename(backup.folder / file_name(schema, table))
    check_refused(backup)


def test_a_column_s_type_is_no_statement(backup: Backup) -> None:
    first, *others = backup.read().tables[0].columns
    hostile = msgspec.structs.replace(first, type="integer); DROP TABLE hiring.two; --")
    change_entry(backup, columns=(hostile, *others))
    check_refused(backup)


def test_a_manifest_that_names_a_table_twice_is_refused(backup: Backup) -> None:
    reseal(backup, lambda manifest: msgspec.structs.replace(manifest, tables=manifest.tables * 2))
    check_refused(backup)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"null",
        b"[" * 100_000,
        b'{"sha256": "", "manifest": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"sha256": "", "manifest": {}}',
        b"\xff\xfe",
        b'{"manifest": 1e999999999}',
    ],
    ids=["empty", "null", "open", "deep", "checksum", "utf-16", "number"],
)
def test_a_manifest_that_is_none_is_refused(backup: Backup, text: bytes) -> None:
    (backup.folder / MANIFEST_NAME).write_bytes(text)
    with pytest.raises(BackupDamaged):
        backup.read()
    check_refused(backup)


def test_a_manifest_of_endless_length_is_not_read(backup: Backup) -> None:
    with (backup.folder / MANIFEST_NAME).open("ab") as file:
        file.truncate(1 << 40)  # a hole: it takes no room
    check_refused(backup)


def replace_by_link(path: Path, elsewhere: Path) -> None:
    shutil.move(path, elsewhere)
    path.symlink_to(elsewhere)


def replace_by_pipe(path: Path, elsewhere: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def replace_by_folder(path: Path, elsewhere: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("name", [FILE, MANIFEST_NAME])
@pytest.mark.parametrize("replace", [replace_by_link, replace_by_pipe, replace_by_folder])
def test_what_is_not_a_file_is_not_opened(
    backup: Backup, tmp_path: Path, name: str, replace: Callable[[Path, Path], None]
) -> None:
    replace(backup.folder / name, tmp_path / "elsewhere")
    check_refused(backup)


def test_a_link_to_a_folder_is_no_backup(backup: Backup, tmp_path: Path) -> None:
    elsewhere = tmp_path / backup.folder.name
    shutil.move(backup.folder, elsewhere)
    backup.folder.symlink_to(elsewhere)
    assert list_backups() == []
    with pytest.raises(BackupUnknown):
        find_backup(str(backup.id))


def test_a_copy_under_another_name_is_no_backup(backup: Backup) -> None:
    copy = backup.folder.with_name(f"20200101T000000Z-{uuid4()}")
    shutil.copytree(backup.folder, copy)
    found = find_backup(copy.name)
    with pytest.raises(BackupDamaged, match="another backup"):
        found.read()


@pytest.mark.parametrize(
    "name", ["..", "../archive", ".", "", "/", "%2e%2e", "..%2f..", "a\0b", "*", "x" * 5000]
)
def test_a_backup_is_named_by_its_id_alone(backup: Backup, client: Client, name: str) -> None:
    with pytest.raises(BackupUnknown):
        find_backup(name)
    with pytest.raises((BackupError, CommandError)):
        call_command("restore", "one", "--from", name)
    quoted = name.replace("/", "%2F").replace("\0", "%00") or "%20"
    for method, path in (("GET", ""), ("POST", "/verify"), ("POST", "/restore")):
        answer = client.generic(method, f"/api/backups/{quoted}{path}")
        assert answer.status_code == 404, answer.content


@pytest.mark.parametrize("replace", [replace_by_link, replace_by_pipe, replace_by_folder])
def test_another_tool_s_file_is_a_file(
    tmp_path: Path, replace: Callable[[Path, Path], None]
) -> None:
    path = tmp_path / "numbers.avro"
    header = encode_header(msgspec.json.encode(NUMBERS), "null", SYNC)
    path.write_bytes(header + encode_block(1, b"\x02", SYNC))
    verify_external_file(path)
    replace(path, tmp_path / "elsewhere")
    with pytest.raises(FileRefused):
        verify_external_file(path)


def limit(settings: Settings, **limits: int) -> None:
    backups = msgspec.structs.replace(settings.CONFIG.backups, **limits)
    settings.CONFIG = msgspec.structs.replace(settings.CONFIG, backups=backups)


def test_two_gigabytes_in_two_megabytes_are_refused(tmp_path: Path) -> None:
    packer = zlib.compressobj(9, wbits=-15)
    # After a full flush the same bytes are packed alike: once is enough.
    piece = packer.compress(bytes(1 << 24)) + packer.flush(zlib.Z_FULL_FLUSH)
    packed = piece * 128 + packer.flush()
    path = tmp_path / "bomb.avro"
    header = encode_header(msgspec.json.encode(NUMBERS), "deflate", SYNC)
    path.write_bytes(header + encode_block(1, packed, SYNC))
    assert path.stat().st_size < 3 << 20
    with pytest.raises(FileRefused, match="more than"):
        verify_external_file(path)


def test_the_process_that_looks_has_only_so_much_memory(tmp_path: Path, settings: Settings) -> None:
    record = {"type": "record", "name": "row", "fields": [{"name": "b", "type": "bytes"}]}
    path = tmp_path / "large.avro"
    header = encode_header(msgspec.json.encode(record), "deflate", SYNC)
    size = 240 << 20
    length = b"\x80\x80\x80\xf0\x01"  # 240 MiB, as Avro writes numbers
    packer = zlib.compressobj(1, wbits=-15)
    packed = packer.compress(length + bytes(size)) + packer.flush()
    path.write_bytes(header + encode_block(1, packed, SYNC))
    verify_external_file(path)
    limit(settings, check_memory_mb=512)
    with pytest.raises(FileRefused, match=r"memory|not safe"):
        verify_external_file(path)


def test_the_process_that_looks_has_only_so_much_time(tmp_path: Path, settings: Settings) -> None:
    path = tmp_path / "long.avro"
    header = encode_header(msgspec.json.encode(NUMBERS), "deflate", SYNC)
    packer = zlib.compressobj(1, wbits=-15)
    packed = packer.compress(bytes(8_000_000)) + packer.flush()
    path.write_bytes(header + encode_block(8_000_000, packed, SYNC))
    limit(settings, check_timeout_s=1)
    with pytest.raises(FileRefused, match="not safe"):
        verify_external_file(path)
