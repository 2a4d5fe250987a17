"""Which backup is used, kept or removed, and where backups are written."""

import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from msgspec.structs import replace
from pytest_django.fixtures import Settings

from backups.errors import ArchiveMissing, BackupDamaged, BackupError, BackupInFuture
from backups.models import BackupRun
from backups.runs.detach import find_proven_backup
from backups.runs.runs import apply_retention, run_backup, run_drill
from backups.runs.status import read_backup_status
from backups.store.archive import (
    MARKER_NAME,
    find_backup,
    find_backup_of,
    folder_name,
    list_backups,
)
from backups.store.folder import Backup
from backups.store.manifest import MANIFEST_NAME, Manifest
from project.base.config import Keep
from tests.integration.backups.archives import change_bytes, check_refused, reseal

pytestmark = pytest.mark.usefixtures("scratch")

ONE = ["hiring.jobs"]
USES: list[Callable[[], object]] = [
    lambda: find_backup(None),
    lambda: find_backup_of(ONE),
    run_drill,
]


def keep_newest_only(settings: Settings) -> None:
    keep = Keep(newest=1, daily=0, weekly=0, proven=0)
    settings.CONFIG = replace(settings.CONFIG, backups=replace(settings.CONFIG.backups, keep=keep))


def damage_manifest(folder: Path) -> None:
    change_bytes(folder / MANIFEST_NAME, 200)


def lose_manifest(folder: Path) -> None:
    (folder / MANIFEST_NAME).unlink()


def date_in_future(backup: Backup, archive: Path) -> str:
    """Date a backup in the future; return the folder's name."""
    later = datetime.now(UTC) + timedelta(days=400)
    name = folder_name(backup.id, later)
    reseal(backup, lambda manifest: replace(manifest, name=name, snapshot_at=later))
    backup.folder.rename(archive / name)
    return name


@pytest.mark.parametrize("damage", [damage_manifest, lose_manifest])
def test_a_damaged_newest_backup_is_named_never_passed_over(
    archive: Path, capsys: pytest.CaptureFixture[str], damage: Callable[[Path], None]
) -> None:
    older, newest = run_backup(), run_backup()
    damage(archive / newest.folder)
    restore = partial(call_command, "restore", *ONE, "--dry-run")
    check_refused(BackupDamaged, f"{newest.folder} is damaged", *USES, restore)
    assert find_backup(str(older.pk)).read().complete
    status = read_backup_status()
    assert status.good_at == find_backup(str(older.pk)).taken_at
    assert [newest.folder in one for one in status.warnings] == [True]
    call_command("list_backups")
    assert "DAMAGED" in capsys.readouterr().out
    assert apply_retention() == []


def test_a_backup_from_the_future_is_named_never_used_or_passed_over(
    archive: Path, capsys: pytest.CaptureFixture[str], settings: Settings
) -> None:
    older, made = run_backup(), find_backup(str(run_backup().pk))
    name = date_in_future(made, archive)
    check_refused(BackupInFuture, f"{name} is dated in the future", *USES)
    status = read_backup_status()
    assert status.good_at == find_backup(str(older.pk)).taken_at
    assert [name in one for one in status.warnings] == [True]
    keep_newest_only(settings)
    assert apply_retention() == []
    call_command("expire_backups", "--dry-run")
    call_command("list_backups")
    said = capsys.readouterr().out
    assert "a backup is newer than the clock" in said
    assert "IN THE FUTURE" in said


def lose_departments(manifest: Manifest) -> Manifest:
    tables = tuple(one for one in manifest.tables if one.table != "departments")
    return replace(
        manifest, complete=False, tables=tables, failures={"hiring.departments": "locked"}
    )


def test_a_plan_says_why_it_is_of_this_backup(
    archive: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, chosen, incomplete = run_backup(), run_backup(tables=ONE), run_backup()
    reseal(find_backup(str(incomplete.pk)), lose_departments)
    call_command("restore", "departments", "--dry-run")
    first, why, *newer = capsys.readouterr().out.splitlines()[:4]
    assert first.startswith(f"{whole.folder}, taken 20")
    assert first.endswith(" ago")
    assert why == "  used because: the newest that has departments"
    assert [line.partition(" UTC: ")[2] for line in newer] == [
        "incomplete: lacks hiring.departments; There is no table 'departments' here",
        "of chosen tables; There is no table 'departments' here",
    ]
    damaged, future = run_backup(), find_backup(str(run_backup().pk))
    damage_manifest(archive / damaged.folder)
    name = date_in_future(future, archive)
    call_command("restore", *ONE, "--dry-run", "--from", str(whole.pk))
    choice = (BackupRun.objects.latest("id").report or {})["choice"]
    assert choice["reason"] == "it was asked for"
    assert [one["backup"] for one in choice["newer"]] == [
        *(name, damaged.folder, incomplete.folder, chosen.folder)
    ]
    states = [one["state"] for one in choice["newer"]]
    assert states[0] == "dated in the future"
    assert states[1].startswith("damaged: The manifest")
    assert states[2:] == ["incomplete: lacks hiring.departments", "of chosen tables"]
    call_command("restore", *ONE, "--from", str(whole.pk))
    assert (BackupRun.objects.latest("id").report or {})["choice"] is None


def test_chosen_and_incomplete_backups_are_neither_good_nor_proof(archive: Path) -> None:
    chosen = find_backup(str(run_backup(tables=ONE).pk))
    incomplete = find_backup(str(run_backup().pk))
    reseal(
        incomplete,
        lambda manifest: replace(
            manifest, complete=False, failures={"hiring.departments": "locked"}
        ),
    )
    for backup in (chosen, incomplete):
        run_drill(backup)
    status = read_backup_status()
    assert (status.good_at, status.proven_at, status.count) == (None, None, 2)
    assert find_proven_backup("hiring.jobs") is None
    with pytest.raises(BackupError, match="no backup of all tables"):
        find_backup_of(())


def test_an_incomplete_backup_displaces_no_good_one(settings: Settings) -> None:
    keep_newest_only(settings)
    good, other = run_backup(), find_backup(str(run_backup(tables=ONE).pk))
    reseal(other, lambda manifest: replace(manifest, failures={"hiring.departments": "locked"}))
    assert apply_retention() == []
    assert {one.id for one in list_backups()} == {good.pk, other.id}


def test_a_pinned_backup_stays_until_it_is_unpinned(
    settings: Settings, capsys: pytest.CaptureFixture[str], client: Any
) -> None:
    pinned = run_backup()
    call_command("pin_backup", str(pinned.pk))
    keep_newest_only(settings)
    newest = run_backup()
    call_command("expire_backups")
    assert [one.id for one in list_backups()] == [newest.pk, pinned.pk]
    documents = client.get("/api/backups").json()["results"]
    assert [one["pinned"] for one in documents] == [False, True]
    call_command("unpin_backup", str(pinned.pk))
    capsys.readouterr()
    call_command("expire_backups", "--dry-run")
    assert capsys.readouterr().out.splitlines() == [
        f"keep {newest.folder}: newest",
        f"remove {pinned.folder}: no rule of backups.keep keeps it",
    ]
    assert len(list_backups()) == 2
    call_command("expire_backups")
    assert [one.id for one in list_backups()] == [newest.pk]


def test_a_missing_mount_is_not_filled(archive: Path) -> None:
    run_backup(tables=ONE)
    shutil.rmtree(archive)
    for make_mount_point in (lambda: None, archive.mkdir):
        make_mount_point()
        with pytest.raises(ArchiveMissing, match="is its disk mounted"):
            run_backup(tables=ONE)
        assert not archive.exists() or os.listdir(archive) == []  # noqa: PTH208
    failed = BackupRun.objects.latest("id")
    assert (failed.state, failed.report) == ("failed", {"code": "archive_missing"})
    call_command("init_archive")
    assert run_backup(tables=ONE).state == "done"


def test_an_archive_of_an_earlier_version_is_marked_where_it_has_the_last_backup(
    archive: Path,
) -> None:
    (archive / run_backup(tables=ONE).folder).rename(archive / "elsewhere")
    (archive / MARKER_NAME).unlink()
    with pytest.raises(ArchiveMissing):
        run_backup(tables=ONE)
    last = BackupRun.objects.exclude(folder="").get()
    (archive / "elsewhere").rename(archive / last.folder)
    assert run_backup(tables=ONE).state == "done"
    assert (archive / MARKER_NAME).is_file()


def test_the_default_folder_is_marked_by_the_first_backup_of_a_database(
    archive: Path, settings: Settings, tmp_path: Path
) -> None:
    default = settings.CONFIG.backups
    settings.CONFIG = replace(settings.CONFIG, backups=replace(default, folder=None))
    settings.BASE_DIR = tmp_path / "house"
    assert run_backup(tables=ONE).state == "done"
    shutil.rmtree(settings.BASE_DIR)
    with pytest.raises(ArchiveMissing):
        run_backup(tables=ONE)
