"""The `project.site` app: the pages for people, their stylesheet and their scripts."""

from django.apps import AppConfig


class SiteConfig(AppConfig):
    name = "project.site"
