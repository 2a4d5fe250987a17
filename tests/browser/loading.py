"""What a person does on the page that loads a file."""

from pathlib import Path

from playwright.sync_api import Locator, Page, Route, expect

ADDRESS = "**/api/ingest/**"


def choose(page: Page, file: Path, table: str) -> None:
    """Choose a file and a table; wait until the fields and columns are shown."""
    page.get_by_label("Choose a CSV, NDJSON or JSON file").set_input_files(file)
    page.get_by_role("combobox", name="Table", exact=True).select_option(table)
    expect(page.locator("#mapping table")).to_be_visible()


def check_file(page: Page) -> Locator:
    """Check the file to its end; return what is said of it."""
    page.get_by_role("button", name="Check the file").click()
    expect(page.get_by_role("button", name="Load the file")).to_be_enabled()
    return page.locator("#outcome")


def load_file(page: Page) -> Locator:
    """Check the file, then load it to its end; return what is said of it."""
    check_file(page)
    page.get_by_role("button", name="Load the file").click()
    outcome = page.locator("#outcome")
    expect(outcome).to_contain_text("rows received")
    return outcome


def hold_first_batch(page: Page, button: str) -> Route:
    """Press the button; return the request of the first batch, which waits to be continued."""
    held: list[Route] = []
    page.route(ADDRESS, lambda route: route.continue_() if held else held.append(route))
    with page.expect_request(ADDRESS):
        page.get_by_role("button", name=button).click()
    expect(page.get_by_role("button", name="Stop")).to_be_enabled()
    (route,) = held
    return route
