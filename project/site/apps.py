"""The `project.site` app: the pages for people, their stylesheet and their scripts."""

from http import HTTPStatus

from django.apps import AppConfig


class SiteConfig(AppConfig):
    name = "project.site"

    def ready(self) -> None:
        """Set the HTTP status of a wrong password."""
        from project.http.problems import register_statuses
        from project.site.login import PasswordRefused

        register_statuses({PasswordRefused: HTTPStatus.UNAUTHORIZED})
