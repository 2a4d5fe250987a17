"""Who may read what comes from a dataset: anyone, or who has a key of the scope `read`.

The one rule is `datasets.<name>.public` in rest_conf.yml. A view asks it by its attribute
`datasets`, a function that takes the address's parts by name and returns the datasets that the
answer comes from; an answer that lists several things comes from `public_datasets` and holds what
`readable_datasets` allows.
"""

from collections.abc import Callable, Collection
from typing import cast

from django.conf import settings
from rest_framework.request import Request

from project.http.errors import KeyRequired, ScopeMissing
from project.models import ApiKey, Scope

FindDatasets = Callable[..., Collection[str]]


def caller_of(request: Request) -> ApiKey | None:
    """Return the key that a request of DRF's was made with, by a header or a session."""
    return cast("ApiKey | None", request.auth)


def are_public(datasets: Collection[str]) -> bool:
    """Return whether anyone may read what comes from all of these; where it is unknown, nobody."""
    return bool(datasets) and set(public_datasets()).issuperset(datasets)


def public_datasets(**parts: str) -> list[str]:
    """Return the datasets that anyone may read, whatever the address."""
    return [name for name, one in settings.CONFIG.datasets.items() if one.public]


def readable_datasets(key: ApiKey | None) -> list[str]:
    """Return the datasets that the holder of a key may read, or anyone without one."""
    if key is not None and key.may(Scope.READ):
        return list(settings.CONFIG.datasets)
    return public_datasets()


def may_read(key: ApiKey | None, datasets: Collection[str]) -> bool:
    """Return whether the holder of a key, or anyone without one, may read what comes from these."""
    return (key is not None and key.may(Scope.READ)) or are_public(datasets)


def check_reading(key: ApiKey | None, datasets: Collection[str]) -> None:
    """Raise `KeyRequired` or `ScopeMissing` where `may_read` says no."""
    if not may_read(key, datasets):
        raise refuse(key, (Scope.READ,))


def refuse(key: ApiKey | None, scopes: Collection[Scope]) -> KeyRequired | ScopeMissing:
    """Return the error of a request whose key, if any, has none of the scopes."""
    if key is None:
        return KeyRequired()
    words = " or ".join(scopes)
    return ScopeMissing(f"This needs a key with the scope {words}", scope=words)


def always_from(*names: str) -> FindDatasets:
    """Return the `datasets` of a view whose answers all come from the same ones."""
    return lambda **parts: names
