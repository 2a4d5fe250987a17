"""The reports that are defined: read again whenever their files change, without a restart."""

import re
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import msgspec
from django.conf import settings

from project.base.config import RESERVED_SCHEMAS, ReportOverride
from reports.engine.definition import Definition, read_definition
from reports.errors import DefinitionInvalid, ReportUnknown

# A word before a dot, as a schema stands in SQL.
QUALIFIER = re.compile(r'(\w+)"?\s*\.')

# A file's path, mtime in ns and size: where one differs, the file is read again.
Stamp = tuple[Path, int, int]


@dataclass(frozen=True)
class Reports:
    """Every usable definition by name, and what is wrong with the others."""

    found: dict[str, Definition] = field(default_factory=dict)
    broken: dict[str, DefinitionInvalid] = field(default_factory=dict)


def find_reports() -> Reports:
    """Return the reports as their files and rest_conf.yml are now."""
    folder: Path = settings.REPORTS_DIR
    files = sorted(path for path in folder.rglob("*.sql") if path.is_file())
    stamps = tuple((path, path.stat().st_mtime_ns, path.stat().st_size) for path in files)
    read, changes = _read(folder, stamps), settings.CONFIG.reports.definitions
    reports = Reports(broken=dict(read.broken))
    for name, definition in read.found.items():
        try:
            reports.found[name] = override(definition, changes.get(name, ReportOverride()))
        except DefinitionInvalid as error:
            reports.broken[name] = error
    return reports


def find_report(name: str) -> Definition:
    """Return one report; raise `ReportUnknown`, or `DefinitionInvalid` where it is broken."""
    reports = find_reports()
    if name in reports.broken:
        raise reports.broken[name]
    try:
        return reports.found[name]
    except KeyError as error:
        raise ReportUnknown(f"There is no report {name!r}"[:200], report=name[:100]) from error


def datasets_of(definition: Definition) -> set[str]:
    """Return the schemas of a report's sources, and others that its SELECT names."""
    named = set(QUALIFIER.findall(definition.query.lower()))
    sources = {source.partition(".")[0] for source in definition.header.sources}
    return sources | (named & (RESERVED_SCHEMAS | set(settings.CONFIG.datasets)))


def datasets_of_report(name: str, **parts: str) -> set[str]:
    """Return the datasets that the report of this name reads; none where it cannot be told."""
    definition = find_reports().found.get(name)
    return datasets_of(definition) if definition else set()


def override(definition: Definition, changes: ReportOverride) -> Definition:
    """Return the definition with the parameters and the schedule that rest_conf.yml gives it."""
    for key, value in changes.parameters.items():
        if key not in definition.parameters:
            _refuse(definition, f"parameters.{key}", "the report has no such parameter")
        if type(value) is not type(definition.parameters[key]):
            wanted = type(definition.parameters[key]).__name__
            _refuse(definition, f"parameters.{key}", f"expected {wanted}, got {value!r}")
    is_given = changes.schedule is not msgspec.UNSET
    return msgspec.structs.replace(
        definition,
        parameters=definition.parameters | changes.parameters,
        schedule=changes.schedule if is_given else definition.schedule,
    )


@lru_cache(maxsize=2)
def _read(folder: Path, stamps: tuple[Stamp, ...]) -> Reports:
    reports = Reports()
    for path in sorted({folder / path.relative_to(folder).parts[0] for path, _, _ in stamps}):
        try:
            definition = read_definition(path)
            if definition.name in reports.found:
                raise DefinitionInvalid(
                    f"{definition.name}: there is a file and a folder of this name",
                    report=definition.name,
                )
            reports.found[definition.name] = definition
        except DefinitionInvalid as error:
            reports.broken[path.stem] = error
    return reports


def _refuse(definition: Definition, key: str, reason: str) -> None:
    key_path = f"reports.definitions.{definition.name}.{key}"
    raise DefinitionInvalid(
        f"rest_conf.yml: {key_path}: {reason}", report=definition.name, key_path=key_path
    )
