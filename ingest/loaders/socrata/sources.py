"""Which Socrata datasets are configured, and clients for them."""

from django.conf import settings

from ingest.loaders.retries import OnWait, RetryPolicy
from ingest.loaders.socrata.client import SodaClient
from project.base.config import SocrataDataset
from project.base.errors import RowhouseError


class DatasetUnknown(RowhouseError):
    """No Socrata dataset of this name is configured."""

    code = "dataset_unknown"


def find_dataset(name: str) -> SocrataDataset:
    """Return the dataset of this name in rest_conf.yml; raise `DatasetUnknown` without one."""
    datasets: dict[str, SocrataDataset] = settings.CONFIG.socrata.datasets
    if name not in datasets:
        known = ", ".join(sorted(datasets)) or "none"
        raise DatasetUnknown(
            f"{name!r} is not among the Socrata datasets of rest_conf.yml: {known}"
        )
    return datasets[name]


def open_client(name: str, *, on_wait: OnWait | None = None) -> SodaClient:
    """Return a client of a configured dataset, with the token of the environment."""
    dataset = find_dataset(name)
    config = settings.CONFIG.socrata
    return SodaClient(
        dataset.domain,
        dataset.dataset,
        token=settings.SOCRATA_APP_TOKEN,
        version=dataset.version,
        timeout_s=config.timeout_s,
        retry=RetryPolicy(retry_for_s=config.retry_for_s),
        on_wait=on_wait,
    )
