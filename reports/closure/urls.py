"""Addresses under /api/nyc311: closure of service requests."""

from django.urls import URLPattern, path

from reports.closure.api import ClosureView, DailyView, WithinADayView

urlpatterns: list[URLPattern] = [
    path("closure", ClosureView.as_view()),
    path("closure/daily", DailyView.as_view()),
    path("closure/within-a-day", WithinADayView.as_view()),
]
