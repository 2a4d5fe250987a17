"""A request's line in the log."""

import logging
from collections.abc import Callable

import pytest
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.test import RequestFactory

from project.base.logs import AFTER_ANSWER, RequestLogMiddleware


def answer(
    response: HttpResponseBase, caplog: pytest.LogCaptureFixture
) -> list[Callable[[], None]]:
    """Answer a request with the response; return what is to be called when that is sent."""
    later: list[Callable[[], None]] = []
    caplog.set_level(logging.INFO, logger="rowhouse.request")
    request = RequestFactory().get("/")
    request.META[AFTER_ANSWER] = later
    assert RequestLogMiddleware(lambda request: response)(request) is response
    return later


def test_is_written_when_the_answer_is_sent(caplog: pytest.LogCaptureFixture) -> None:
    (tell,) = answer(HttpResponse(status=404), caplog)
    assert not caplog.records
    tell()
    assert [vars(record)["status"] for record in caplog.records] == [404]


def test_is_written_at_once_for_an_answer_of_unknown_length(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert not answer(StreamingHttpResponse(), caplog)
    assert [vars(record)["status"] for record in caplog.records] == [200]
