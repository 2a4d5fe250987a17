"""What somebody can do who writes to the archive: nothing without --trust, little with it."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, cast

import msgspec
import psycopg
import pytest
from django.core.management import call_command
from django.test import Client
from msgspec.structs import replace
from pytest_django import Settings

from backups.child.verify import find_problems
from backups.errors import BackupDamaged, BackupError, BackupUntrusted, RestoreRefused
from backups.restore.plan import RestoreRequest
from backups.restore.restore import restore_backup
from backups.runs.detach import find_proven_backup
from backups.runs.runs import run_backup, run_drill, run_verify
from backups.store.archive import archive_folder, find_backup
from backups.store.folder import Backup
from backups.store.manifest import MANIFEST_NAME, Manifest
from backups.store.origin import KEYS_FILE, open_trusted, read_signing_keys
from backups.tables.definition import (
    ConstraintDefinition,
    IndexDefinition,
    TableDefinition,
    TriggerDefinition,
)
from project.base.database import writer_connection
from tests.integration.backups.archives import check_refused, forge
from tests.integration.backups.tables import ask, run

ONE = RestoreRequest(tables=["hiring.one"])


def use_trusted(backup: Backup) -> None:
    """Use a backup in every way there is, whatever its origin."""
    run_verify(backup, trust=True)
    run_drill(backup, trust=True)
    restore_backup(backup, replace_request(trust=True))


def replace_request(**options: Any) -> RestoreRequest:
    return RestoreRequest(tables=["hiring.one"], **options)


WAYS: dict[str, Callable[[Backup], Any]] = {
    "verify": run_verify,
    "drill": run_drill,
    "replace": lambda backup: restore_backup(backup, ONE),
    "new": lambda backup: restore_backup(backup, replace_request(mode="new", into="other")),
    "append": lambda backup: restore_backup(backup, replace_request(mode="append")),
    "dry run": lambda backup: restore_backup(backup, replace_request(dry_run=True)),
}


def check_untrusted(backup: Backup) -> None:
    check_refused(
        BackupUntrusted, "unknown origin", *(partial(use, backup) for use in WAYS.values())
    )
    assert ask("SELECT count(*) FROM hiring.one") == [(3,)]


@pytest.mark.parametrize("key", [None, "another service's"])
def test_a_backup_of_unknown_origin_is_used_by_nobody(backup: Backup, key: str | None) -> None:
    forge(backup, key=key)
    check_untrusted(backup)
    with pytest.raises(BackupUntrusted):
        call_command("verify_backup")
    use_trusted(backup)
    assert ask("SELECT count(*) FROM hiring.one") == [(200,)]


def test_a_changed_manifest_keeps_no_signature(backup: Backup) -> None:
    sealed = backup.read_sealed()
    encoded = (backup.folder / MANIFEST_NAME).read_bytes()
    forge(backup, lambda manifest: replace(manifest, complete=True))
    changed = (backup.folder / MANIFEST_NAME).read_bytes()
    signature = f',"hmac_sha256":"{sealed.signature}"}}'.encode()
    assert encoded.rstrip().endswith(signature)
    (backup.folder / MANIFEST_NAME).write_bytes(changed.rstrip()[:-1] + signature + b"\n")
    assert backup.read().complete
    check_untrusted(backup)


@pytest.fixture
def keys_file(settings: Settings, tmp_path: Path) -> Path:
    """Return the file of the keys, a copy: other tests use the secrets at the same time."""
    read_signing_keys()
    shutil.copytree(settings.SECRETS_DIR, tmp_path / "secrets")
    settings.SECRETS_DIR = tmp_path / "secrets"
    return tmp_path / "secrets" / KEYS_FILE


def test_each_line_of_the_key_file_is_trusted_and_the_first_one_signs(
    backup: Backup, keys_file: Path
) -> None:
    (old,) = read_signing_keys()
    keys_file.write_text(f"new\n{old}\nanother\n")
    run_verify(backup)
    forge(backup, key="another")
    run_verify(backup)
    keys_file.write_text("new\n")
    with pytest.raises(BackupUntrusted):
        run_verify(backup)
    newest = find_backup(str(run_backup(tables=["hiring.one"]).pk))
    assert newest.read_sealed().is_signed_with(["new"])


def test_a_key_file_without_a_key_signs_nothing(backup: Backup, keys_file: Path) -> None:
    keys_file.write_text("\n")
    make = partial(run_backup, tables=["hiring.one"])
    check_refused(BackupError, KEYS_FILE, partial(run_verify, backup), make)


def test_commands_tell_whether_the_signature_holds(
    backup: Backup, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("verify_backup")
    assert "is whole, signed" in capsys.readouterr().out
    forge(backup)
    call_command("verify_backup", "--trust")
    call_command("list_backups")
    said = capsys.readouterr().out
    assert "is whole, of unknown origin" in said
    assert "NO" in said


def test_no_other_manifest_is_read_than_the_one_that_was_trusted(backup: Backup) -> None:
    opened, manifest = open_trusted(backup)
    forge(backup, lambda manifest: replace(manifest, complete=True))
    assert [one.message for one in find_problems(opened)] == [
        "The manifest was changed while the backup was read"
    ]
    assert not manifest.complete


def test_a_proof_is_worth_nothing_once_the_manifest_was_changed(backup: Backup) -> None:
    run_drill(backup)
    assert find_proven_backup("hiring.one") is None  # it has chosen tables, not all
    backup = find_backup(str(run_backup().pk))
    run_drill(backup)
    found = find_proven_backup("hiring.one")
    assert found is not None
    forge(backup, lambda manifest: replace(manifest, next_transaction=1 << 60))
    assert find_proven_backup("hiring.one") is None


def test_the_api_takes_no_backup_of_unknown_origin(backup: Backup, client: Client) -> None:
    forge(backup)
    for path, body in (("verify", {}), ("verify", {"restore": True}), ("restore", {})):
        answer = client.post(
            f"/api/backups/{backup.id}/{path}", body, content_type="application/json"
        )
        assert (answer.status_code, answer.json()["code"]) == (409, "backup_untrusted")
    answer = client.post(
        f"/api/backups/{backup.id}/restore", {"trust": True}, content_type="application/json"
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_shape")


@pytest.fixture
def mark() -> Iterator[Path]:
    """Return a file that does not exist, where the server's own user could make it."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    yield folder / "mark"
    shutil.rmtree(folder)


def add_index(definition: str) -> Callable[[TableDefinition], dict[str, Any]]:
    index = IndexDefinition(name="i", definition=definition, comment=None)
    return lambda entry: {"indexes": (index,)}


def add_constraint(definition: str, kind: Any = "c") -> Callable[[TableDefinition], dict[str, Any]]:
    constraint = ConstraintDefinition(
        name="evil", kind=kind, definition=definition, refers_to=None, comment=None
    )
    return lambda entry: {"constraints": (*entry.constraints, constraint)}


def add_trigger(definition: str) -> Callable[[TableDefinition], dict[str, Any]]:
    trigger = TriggerDefinition(name="evil", definition=definition, enabled="O")
    return lambda entry: {"triggers": (trigger,)}


def change_column(**changes: Any) -> Callable[[TableDefinition], dict[str, Any]]:
    return lambda entry: {"columns": (*entry.columns[:-1], replace(entry.columns[-1], **changes))}


def change_privilege(privilege: Any) -> Callable[[TableDefinition], dict[str, Any]]:
    return lambda entry: {
        "privileges": tuple(replace(one, privilege=privilege) for one in entry.privileges)
    }


COPY = "COPY (SELECT 1) TO PROGRAM 'touch {mark}'"
READ = "pg_read_file('/etc/passwd')"
# Closes CREATE TABLE, executes something, and takes what follows in the first statement.
BETWEEN = f"); {COPY}; CREATE TEMP TABLE t (a text"
TRIGGER = "CREATE TRIGGER evil BEFORE UPDATE ON one FOR EACH ROW EXECUTE FUNCTION"

EVIL = {
    "a second statement of an index": add_index(f"CREATE INDEX i ON one (id); {COPY}"),
    "no index": add_index(COPY),
    "an index over a function": add_index(f"CREATE INDEX i ON one ((length({READ})))"),
    "a second statement of a check": add_constraint(f"CHECK (true){BETWEEN}"),
    "a check that reads files": add_constraint(f"CHECK ({READ} <> '')"),
    "a second statement of a key": add_constraint(f"UNIQUE (note); {COPY}", "u"),
    "a check that is not valid": add_constraint(f"CHECK (true); {COPY}; SELECT 1 -- NOT VALID"),
    "a trigger": add_trigger(f"{TRIGGER} suppress_redundant_updates_trigger(); {COPY}"),
    "a password": add_trigger("ALTER ROLE CURRENT_USER PASSWORD 'known'"),
    "a second statement of a default": change_column(default=f"'1'{BETWEEN}"),
    "a generated column": change_column(generated=READ),
    "a collation": change_column(collation=f'"C"{BETWEEN}'),
    "a storage": change_column(storage=f"PLAIN{BETWEEN}"),
    "table options": lambda entry: {"options": (f"fillfactor=70{BETWEEN}",)},
    "a partition key": lambda entry: {"partition_key": f"LIST (id); {COPY}"},
    "a privilege": change_privilege(f"SELECT ON hiring.two TO PUBLIC; {COPY}; GRANT SELECT"),
}


def forge_entry(
    backup: Backup, change: Callable[[TableDefinition], dict[str, Any]], mark: Path
) -> None:
    """Change what an unsigned manifest says of hiring.one, with the file's name in its texts."""

    def change_first(manifest: Manifest) -> Manifest:
        first, *others = manifest.tables
        changed = replace(manifest, tables=(replace(first, **change(first)), *others))
        # Without the decoder's checks, which a forger need not care for.
        text = msgspec.json.encode(changed).replace(b"{mark}", str(mark).encode())
        return cast("Manifest", msgspec.Raw(text))

    forge(backup, change_first)


def test_no_definition_of_a_manifest_is_executed_by_a_superuser(backup: Backup, mark: Path) -> None:
    original = (backup.folder / MANIFEST_NAME).read_bytes()
    run("DROP TABLE hiring.one")
    executed = []
    for name, change in EVIL.items():
        (backup.folder / MANIFEST_NAME).write_bytes(original)
        forge_entry(backup, change, mark)
        with pytest.raises(BackupError) as refused:
            restore_backup(backup, ONE)
        assert isinstance(refused.value, BackupUntrusted | BackupDamaged), name
        with suppress(RestoreRefused, BackupDamaged):
            restore_backup(backup, replace_request(trust=True))
            executed.append(name)
        assert not mark.exists(), name
        assert ask("SELECT to_regclass('hiring.one')") == [(None,)], name
    assert executed == []


def test_a_drill_executes_no_second_statement_and_reads_no_file(backup: Backup, mark: Path) -> None:
    original = (backup.folder / MANIFEST_NAME).read_bytes()
    for name in ("a second statement of an index", "a check that reads files"):
        (backup.folder / MANIFEST_NAME).write_bytes(original)
        forge_entry(backup, EVIL[name], mark)
        with pytest.raises(RestoreRefused):
            run_drill(backup, trust=True)
        assert not mark.exists(), name


def test_a_default_of_a_trusted_manifest_is_evaluated_by_who_inserts(
    backup: Backup, mark: Path
) -> None:
    forge_entry(backup, change_column(default=READ), mark)
    run("DROP TABLE hiring.one")
    restore_backup(backup, replace_request(trust=True))
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        writer_connection().execute("INSERT INTO hiring.one (id) VALUES (0)")


def test_a_drill_and_a_restore_run_functions_as_nobody_s_superuser(scratch: Path) -> None:
    refusing = (
        "CREATE OR REPLACE FUNCTION hiring.told(int) RETURNS text IMMUTABLE LANGUAGE plpgsql AS"
        " $$ BEGIN {} RETURN current_user; END $$"
    )
    run(
        refusing.format(""),
        "CREATE TABLE hiring.one (id int PRIMARY KEY,"
        " who text GENERATED ALWAYS AS (hiring.told(id)) STORED)",
        "CREATE INDEX one_told_idx ON hiring.one (hiring.told(id))",
        "INSERT INTO hiring.one VALUES (1)",
        refusing.format(
            "IF current_setting('is_superuser') = 'on' THEN RAISE 'a superuser'; END IF;"
        ),
    )
    made = find_backup(str(run_backup(tables=["hiring.one"]).pk))
    run_drill(made)
    run("DELETE FROM hiring.one")
    restore_backup(made, ONE)
    restore_backup(made, replace_request(mode="new", into="one_then"))
    assert ask("SELECT who FROM hiring.one") == [("ingest_writer",)]
    run("DROP TABLE hiring.one, hiring.one_then")
    restore_backup(made, ONE)
    assert ask("SELECT who FROM hiring.one") == [("backup_restorer",)]
    owners = ask("SELECT DISTINCT relowner::regrole::text FROM pg_class WHERE relname ~ '^one'")
    assert owners == ask("SELECT current_user::text")
    run("DROP FUNCTION hiring.told CASCADE")


def test_what_restores_run_as_owns_nothing(backup: Backup) -> None:
    run_drill(backup)
    restore_backup(backup, ONE)
    owned = (
        "SELECT objid FROM pg_shdepend WHERE refobjid = 'backup_restorer'::regrole"
        " AND deptype = 'o' AND dbid = (SELECT oid FROM pg_database"
        " WHERE datname = current_database())"
    )
    assert ask(owned) == []
    powers = (
        "SELECT rolname FROM pg_roles WHERE oid <> 'backup_restorer'::regrole"
        " AND pg_has_role('backup_restorer', oid, 'MEMBER')"
    )
    assert ask(powers) == []
    assert ask(
        "SELECT has_database_privilege('backup_restorer', current_database(), 'CREATE')"
    ) == [(False,)]


def test_a_superuser_executes_no_definition_even_without_roles(
    backup: Backup, settings: Settings
) -> None:
    database = replace(settings.CONFIG.database, separate_roles=False)
    settings.CONFIG = replace(settings.CONFIG, database=database)
    restore = partial(restore_backup, backup, ONE)
    check_refused(RestoreRefused, "separate_roles", partial(run_drill, backup), restore)


def test_a_manifest_names_no_table_that_backups_have_not(backup: Backup) -> None:
    def rename(manifest: Manifest) -> Manifest:
        tables = (replace(manifest.tables[0], schema="reports"), manifest.tables[1])
        return replace(manifest, tables=tables)

    forge(backup, rename)
    with pytest.raises(RestoreRefused, match=r"reports\.one"):
        restore_backup(backup, RestoreRequest(tables=["reports.one"], trust=True))


def test_an_archive_is_read_by_its_owner_alone(backup: Backup) -> None:
    def mode_of(path: Path) -> int:
        return path.stat().st_mode & 0o777

    assert mode_of(archive_folder()) == 0o700
    assert mode_of(backup.folder) == 0o700
    assert {mode_of(path) for path in backup.folder.iterdir()} == {0o600}
