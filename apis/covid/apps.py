"""The `covid` app: the versioned data API over COVID-19 figures."""

from django.apps import AppConfig


class CovidConfig(AppConfig):
    name = "apis.covid"
    label = "covid"
