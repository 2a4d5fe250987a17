"""A person at a browser: a page, what went wrong on it, and what it asked for."""

import json
import os
import re
from pathlib import Path
from typing import Any, Literal

import pytest
from django.conf import settings
from playwright.sync_api import Browser, ConsoleMessage, Page, Request

from tests.needs import need

AXE: Path = settings.BASE_DIR / "tests/npm/node_modules/axe-core/axe.min.js"
PICTURES: Path = settings.BASE_DIR / "docs" / "pictures"

# Generous: CI runs several tests at once.
PATIENCE_MS = 60_000

WIDE = (1280, 900)
NARROW = (360, 740)

# Without `preload` it reads no stylesheet anew, for which it would need inline styles; what passes
# is not told.
_FIND_FAULTS = """async part =>
    (await axe.run(part, { preload: false, resultTypes: ["violations"] })).violations"""

_status = re.compile(r"the server responded with a status of (\d+)")


class Visit:
    """One browser window with its own cookies; `check` at the end tells what went wrong in it."""

    def __init__(
        self,
        browser: Browser,
        server: str,
        *,
        scheme: Literal["light", "dark"] = "light",
        size: tuple[int, int] = WIDE,
    ) -> None:
        self.server = server
        self.faults: list[str] = []
        self.allowed_statuses: set[int] = set()
        self.context = browser.new_context(
            base_url=server,
            color_scheme=scheme,
            viewport={"width": size[0], "height": size[1]},
            reduced_motion="reduce",
        )
        self.context.set_default_timeout(PATIENCE_MS)
        self.page: Page = self.context.new_page()
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.faults.append(f"uncaught: {error}"))
        self.page.on("request", self._see)

    def log_in(self, key: str, to: str = "/") -> Page:
        """Log in with the key on the login page, as a person does; return the page after it."""
        self.page.goto(f"/login/?next={to}")
        self.page.get_by_role("textbox", name="API key").fill(key)
        self.page.get_by_role("button", name="Log in with the key").click()
        self.page.wait_for_url(f"{self.server}{to}")
        return self.page

    def allow_status(self, *statuses: int) -> None:
        """Let answers with these statuses be no fault, which browsers report as errors."""
        self.allowed_statuses.update(statuses)

    def check(self) -> None:
        """Fail where there was a console error, an uncaught one or a request to another host."""
        if self.faults:
            pytest.fail("\n".join(self.faults))

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type not in {"error", "warning"}:
            return
        status = _status.search(message.text)
        if status is None or int(status[1]) not in self.allowed_statuses:
            where = message.location.get("url", "")
            self.faults.append(f"{message.type}: {message.text} ({where})")

    def _see(self, request: Request) -> None:
        if not request.url.startswith((f"{self.server}/", "data:", "blob:")):
            self.faults.append(f"request to {request.url}")


def check_accessibility(page: Page, part: str = "html") -> None:
    """Fail where axe-core finds a serious or critical fault on a page, or a part, as it is now."""
    need(AXE.exists(), "axe-core is not there: run tests/install_packages.sh")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = page.evaluate(_FIND_FAULTS, part)
    serious = [
        {
            "id": one["id"],
            "help": one["help"],
            "nodes": [(node["html"], node["failureSummary"]) for node in one["nodes"]],
        }
        for one in found
        if one["impact"] in {"serious", "critical"}
    ]
    if serious:
        pytest.fail(f"{page.url}\n{json.dumps(serious, indent=1)}")


def check_no_sideways_scrolling(page: Page) -> None:
    """Fail where the page is wider than its window."""
    too_wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    assert not page.evaluate(too_wide), f"{page.url} scrolls sideways"


def pictures_are_wanted() -> bool:
    """Return whether this run is to write the pictures of the documentation."""
    return os.environ.get("ROWHOUSE_PICTURES") == "1"


def take_picture(page: Page, name: str) -> None:
    """Write docs/pictures/NAME.png where `make pictures` asks for it."""
    if pictures_are_wanted():
        page.screenshot(path=PICTURES / f"{name}.png")
