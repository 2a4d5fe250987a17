"""The scheduled job: every dataset that was loaded once is brought up to date."""

from django.conf import settings

from ingest.loaders.client import IngestClient
from ingest.loaders.delivery import Totals
from ingest.loaders.socrata.load import LoadOrder, load_dataset
from ingest.loaders.socrata.sources import open_client
from ingest.models import SocrataMark
from project.base.errors import ConfigError


def load_changes() -> str:
    """Load what changed in each configured dataset that has a mark; say what was done.

    The first load of a dataset can be millions of rows and is started by a person.
    """
    started = set(SocrataMark.objects.values_list("name", flat=True))
    names = [name for name in settings.CONFIG.socrata.datasets if name in started]
    return "; ".join(f"{name}: {_load(name)}" for name in names) or "nothing was loaded before"


def service_address() -> str:
    """Return the address of the service on this machine."""
    return f"http://127.0.0.1:{settings.PORT}"


def read_api_key() -> str:
    """Return the API key that the first start left in the data folder."""
    try:
        key: str = settings.API_KEY_FILE.read_text(encoding="ascii").strip()
    except OSError as error:
        raise ConfigError(f"There is no API key in {settings.API_KEY_FILE}") from error
    return key


def describe(totals: Totals) -> str:
    """Return the totals in words."""
    doubt = f", {totals.unanswered:,} sent without an answer" if totals.unanswered else ""
    return (
        f"{totals.received:,} rows received: {totals.inserted:,} inserted, "
        f"{totals.updated:,} updated, {totals.ignored:,} ignored, "
        f"{totals.rejected:,} rejected{doubt}"
    )


def _load(name: str) -> str:
    with open_client(name) as soda, IngestClient(service_address(), read_api_key()) as client:
        return describe(load_dataset(soda, client, LoadOrder(name=name)))
