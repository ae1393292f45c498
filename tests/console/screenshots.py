"""Screenshots of the main pages, light, dark and on a phone: `python -m tests.console.screenshots FOLDER`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page
from tqdm import tqdm

from tests.console.browsing import PAGES, chromium, log_in, served, settle

WIDTH, HEIGHT, PHONE = 1280, 860, 390


def take(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary, served(Path(temporary)) as console, chromium() as browser:
        for name, scheme, width in (("light", "light", WIDTH), ("dark", "dark", WIDTH), ("phone", "light", PHONE)):
            context = browser.new_context(
                viewport={"width": width, "height": HEIGHT},
                base_url=console.url,
                color_scheme=scheme,
                reduced_motion="reduce",
            )
            page = context.new_page()
            log_in(page, console)
            for shown, path in tqdm(PAGES.items(), desc=name):
                page.goto(path)
                if shown == "publish":
                    _check(page)
                settle(page)
                page.screenshot(path=folder / f"{shown}-{name}.png")
            context.close()


def _check(page: Page) -> None:
    """A verdict shows more than an empty form."""
    schema = page.locator("#id_schema").input_value()
    page.get_by_role("textbox", name="JSON Schema").click()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.insert_text(schema.replace('"maxItems": 50', '"maxItems": 40'))
    page.get_by_role("button", name="Publish as").wait_for()


if __name__ == "__main__":
    take(Path(sys.argv[1]))
