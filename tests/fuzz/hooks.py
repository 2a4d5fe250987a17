"""What the fuzzer must know about this service beside its OpenAPI description."""

from datetime import UTC, datetime, time, timedelta, timezone
from typing import Any

import schemathesis
from hypothesis import strategies as st
from schemathesis.specs.openapi import checks

# A column's time may have the offsets that PostgreSQL takes; RFC 3339 has more of them.
_offsets = st.integers(-15 * 60 - 59, 15 * 60 + 59).map(lambda m: timezone(timedelta(minutes=m)))
_zones = st.one_of(st.just(UTC), _offsets)
_moments = st.datetimes(
    min_value=datetime(1, 1, 3),  # noqa: DTZ001 - the strategy adds the offset
    max_value=datetime(9999, 12, 29),  # noqa: DTZ001
    timezones=_zones,
).map(datetime.isoformat)
schemathesis.openapi.format("date-time", _moments)
schemathesis.openapi.format("time", st.times(timezones=_zones).map(time.isoformat))

# A body that the description calls text, or a query whose names only the database knows.
UNSAYABLE = {"csv_header", "csv_syntax", "query_invalid", "group_unknown", "criterion_missing"}

# What may stand beside the type of a parameter that is just text or texts, or a number whose most
# depends.
WORDS = {"description", "default", "contentEncoding", "maxLength", "minimum", "items"}


@schemathesis.check
def valid_data_is_taken(ctx: Any, response: Any, case: Any) -> bool | None:
    """Judge as `positive_data_acceptance` does, but for refusals of what cannot be described."""
    if response.status_code == 400 and _is_about_the_unsayable(response, case):
        return None
    return checks.positive_data_acceptance(ctx, response, case)


def _is_about_the_unsayable(response: Any, case: Any) -> bool:
    """Return whether a parameter is refused of which OpenAPI can say no more than that it is text.

    Such as a cursor that was not signed here, an order by a column that is not there, parameters
    of Open311 that do not go with the method.
    """
    answer = response.json()
    problem = answer.get("error", answer)
    if problem["code"] in UNSAYABLE:
        return True
    if problem["code"] == "bad_parameter" and "parameter" not in problem:
        return True  # the value of a type that PostgreSQL alone can judge
    described = {
        one["name"]: set(one["schema"]) - WORDS
        for one in case.operation.definition.raw.get("parameters", [])
    }
    return described.get(problem.get("parameter")) == {"type"}


@schemathesis.serializer("application/x-ndjson", "text/csv")
def serialize_text(ctx: Any, value: Any) -> bytes:
    """Send text as it is; anything else is no valid body of these types."""
    return str(value).encode("utf-8", "surrogatepass")
