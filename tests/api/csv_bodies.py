"""A table that CSV bodies are sent to."""

from typing import Any

from django.test import Client

from tests.api.sending import execute, send, stored


def make_people() -> None:
    """Make hiring.made, with a required column, a default and names to be matched."""
    execute("""
        CREATE TABLE hiring.made (
            id int PRIMARY KEY, full_name text NOT NULL, "birthDate" date,
            city text DEFAULT 'Bern', note varchar(20))
    """)


def send_csv(client: Client, body: str | bytes, query: str = "", charset: str = "") -> Any:
    """POST a CSV body to hiring.made."""
    content_type = f"text/csv; charset={charset}" if charset else "text/csv"
    return send(client, "made", body, query, content_type=content_type)


def made_rows() -> list[Any]:
    """Return what hiring.made holds."""
    return stored(
        'SELECT id, full_name, "birthDate"::text, city, note FROM hiring.made ORDER BY id'
    )
