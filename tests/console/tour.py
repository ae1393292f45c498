"""Make the animated tour of the console: `python -m tests.console.tour FILE.svg`. Its frames are screenshots."""

from __future__ import annotations

import base64
import sys
import tempfile
from collections.abc import Callable, Iterator
from html import escape
from pathlib import Path

from playwright.sync_api import Page
from tqdm import tqdm

from tests.console.browsing import CONTRACT, chromium, log_in, served, settle

WIDTH, HEIGHT, CAPTION = 1200, 700, 54
SECONDS = 9
"""Seconds that each frame is shown: twelve frames take about two minutes."""


def _write(page: Page, old: str, new: str) -> None:
    text = page.locator("#id_schema").input_value()
    page.get_by_role("textbox", name="JSON Schema").click()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.insert_text(text.replace(old, new))


def _break(page: Page) -> None:
    _write(page, '"maxItems": 50', '"maxItems": 40')
    page.get_by_role("button", name="Publish as 3.0.0").wait_for()


def _fix(page: Page) -> None:
    _write(page, '"maxItems": 40', '"maxItems": 60')
    page.get_by_role("button", name="Publish order.created 2.1.0").wait_for()


def _misspell(page: Page) -> None:
    _write(page, '"type": "object"', '"type": "objekt"')
    page.get_by_text("is not a type").first.wait_for()


def _preview(page: Page) -> None:
    page.get_by_label("Compatibility").select_option("full")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("What this changes").wait_for()


Action = Callable[[Page], None] | None
FRAMES: list[tuple[str, str, Action]] = [
    ("The overview: what there is, what changed last, what ends soon", "/admin/", None),
    ("One search for names, owners, labels and fields: who uses sku, and as what?", f"{CONTRACT}/?q=sku", None),
    ("A contract: its versions, each with its verdict", f"{CONTRACT}/order.created/change/", None),
    ("What broke in 2.0.0, each time with an example", f"{CONTRACT}/order.created/compare/?from=1.2.0&to=2.0.0", None),
    ("A new version starts from the latest, in an editor", f"{CONTRACT}/add/?name=order.created", None),
    ("The verdict: this would break, and needs 3.0.0", "", _break),
    ("Fixed: it may be published as 2.1.0", "", _fix),
    ("Errors have their line", "", _misspell),
    ("Who depends on what, both ways", f"{CONTRACT}/order.item/versions/1.0.0/?view=relations", None),
    ("Deprecate, with a successor and a sunset", f"{CONTRACT}/order.created/versions/1.2.0/do/deprecate/", None),
    (
        "A policy shows what it changes before it is saved",
        "/admin/contracts_app/policy/prefix/payment/change/",
        _preview,
    ),
    ("Who did what, when and why", "/admin/contracts_app/auditentry/", None),
]


def frames() -> Iterator[tuple[str, bytes]]:
    """Yield the caption and the JPEG of each frame."""
    with tempfile.TemporaryDirectory() as temporary, served(Path(temporary)) as console, chromium() as browser:
        size = {"width": WIDTH, "height": HEIGHT}
        page = browser.new_context(viewport=size, base_url=console.url, reduced_motion="reduce").new_page()
        log_in(page, console)
        for caption, path, action in tqdm(FRAMES, desc="frames"):
            if path:
                page.goto(path)
            settle(page)
            if action is not None:
                action(page)
            yield caption, page.screenshot(type="jpeg", quality=55)


def animated(shown: list[tuple[str, bytes]]) -> str:
    """Return the frames as one SVG that needs no script: each is visible for its share of the time."""
    total, share = len(shown) * SECONDS, 100 / len(shown)
    style = (
        f".f{{visibility:hidden;animation:show {total}s step-end infinite}}"
        f"@keyframes show{{0%{{visibility:visible}}{share:.3f}%{{visibility:hidden}}}}"
        "text{font:600 22px system-ui,sans-serif;fill:#fff}"
    )
    groups = []
    for number, (caption, picture) in enumerate(shown):
        data = base64.b64encode(picture).decode()
        groups.append(
            f'<g class="f" style="animation-delay:{number * SECONDS}s">'
            f'<image y="{CAPTION}" width="{WIDTH}" height="{HEIGHT}" href="data:image/jpeg;base64,{data}"/>'
            f'<text x="24" y="35">{number + 1}/{len(shown)}  {escape(caption)}</text></g>'
        )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT + CAPTION}" role="img" '
        f'aria-label="A tour of the console"><style>{style}</style>'
        f'<rect width="{WIDTH}" height="{HEIGHT + CAPTION}" fill="#11163a"/>{"".join(groups)}</svg>\n'
    )


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(animated(list(frames())), encoding="utf-8")
