"""Addresses under /covid/v2; longer ones precede those that would also match them."""

from django.urls import URLPattern, path

from apis.covid.data_views import (
    StateDayView,
    StateHistoryView,
    StatesHistoryView,
    StateView,
    UsDayView,
    UsHistoryView,
    UsView,
)
from apis.covid.views import ChangesView, CovidView, FieldsView, StatesView, StatusView

# The paths of the RFC, then those of the live API in its last version.
_DATA: tuple[tuple[str, type[CovidView]], ...] = (
    ("states/history", StatesHistoryView),
    ("state/<str:code>", StateView),
    ("state/<str:code>/history", StateHistoryView),
    ("us", UsView),
    ("us/history", UsHistoryView),
    ("states/daily", StatesHistoryView),
    ("states/<str:code>/daily", StateHistoryView),
    ("us/daily", UsHistoryView),
    ("states/<str:code>/<str:day>", StateDayView),
    ("us/<str:day>", UsDayView),
)

urlpatterns: list[URLPattern] = [
    path("v2/changes", ChangesView.as_view()),
    path("v2/status", StatusView.as_view()),
    path("v2/fields", FieldsView.as_view()),
    path("v2/states", StatesView.as_view()),
    *(path(f"v2/{address}/simple", view.as_view(), {"form": "simple"}) for address, view in _DATA),
    *(path(f"v2/{address}", view.as_view()) for address, view in _DATA),
]
