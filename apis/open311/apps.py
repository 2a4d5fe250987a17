"""The `open311` app: the Open311 Simple API over what was ingested."""

from django.apps import AppConfig


class Open311Config(AppConfig):
    name = "apis.open311"
    label = "open311"
