"""Addresses of the MDS Metrics API, under /mds."""

from django.urls import URLPattern, path

from apis.metrics.views import MetricsView, ResultView

urlpatterns: list[URLPattern] = [
    path("metrics", MetricsView.as_view()),
    path("metrics/<str:result>", ResultView.as_view()),
]
