"""The service on this machine, as jobs and commands reach it."""

from django.conf import settings

from project.base.errors import ConfigError
from project.server.data_lock import find_running


def service_address() -> str:
    """Return the address of the service that runs on the data folder, else where it would."""
    return find_running(settings.DATA_DIR) or f"http://127.0.0.1:{settings.PORT}"


def read_api_key() -> str:
    """Return the API key that the first start left in the data folder."""
    try:
        key: str = settings.API_KEY_FILE.read_text(encoding="ascii").strip()
    except OSError as error:
        raise ConfigError(f"There is no API key in {settings.API_KEY_FILE}") from error
    return key
