"""Addresses under /open311."""

from django.urls import URLPattern, path

from apis.open311 import oauth, views

urlpatterns: list[URLPattern] = [
    path("", views.show_page),
    path("api", views.call_method),
    path("openapi.json", views.show_openapi),
    path("oauth/login", oauth.LogIn.as_view()),
    path("oauth/authorize", oauth.Authorize.as_view()),
    path("oauth/token", oauth.issue_token),
    path("oauth/revoke", oauth.revoke_token),
]
