"""The console in a real Chromium: no errors of accessibility, scripts or content policy on any page."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.console.browsing import (
    CHROMIUM,
    CONTRACT,
    MORE_PAGES,
    PAGES,
    Served,
    chromium,
    faults_of,
    log_in,
    served,
    settle,
)
from tests.console.prepare import PASSWORD

# One test worker has the browser: two servers and browsers would slow each other down.
pytestmark = [pytest.mark.xdist_group("browser")]
if not CHROMIUM and not os.environ.get("REQUIRE_CHROMIUM"):
    pytestmark.append(pytest.mark.skip("Chromium is not installed: the console's pages were NOT tried in a browser"))


@pytest.fixture(scope="module")
def console(tmp_path_factory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("console")) as console:
        yield console


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser, console: Served) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, base_url=console.url)
    yield context.new_page()
    context.close()


def grave(page: Page, *rules: str) -> list[str]:
    """Return the serious and critical violations that axe-core finds: of some of its rules, or of all."""
    # To read a style sheet that imports another one, axe would add inline styles, which the policy forbids.
    only = {"runOnly": {"type": "rule", "values": rules}} if rules else {}
    found = Axe().run(page, options={"preload": False, **only}).response["violations"]
    return [
        f"{each['id']}: {each['help']} {[node['target'] for node in each['nodes']][:3]}"
        for each in found
        if each["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize(("scheme", "rules"), [("light", ()), ("dark", ("color-contrast", "link-in-text-block"))])
def test_every_page_is_accessible_and_without_errors(browser, console, scheme, rules):
    context = browser.new_context(viewport={"width": 1280, "height": 900}, base_url=console.url, color_scheme=scheme)
    page = context.new_page()
    faults = faults_of(page)
    page.goto("/admin/login/")
    assert grave(page, *rules) == []
    log_in(page, console)
    found = {}
    for name, path in (PAGES | MORE_PAGES).items():
        page.goto(path)
        settle(page)
        found[name] = [*grave(page, *rules), *faults]
        faults.clear()
    assert {name: each for name, each in found.items() if each} == {}
    context.close()


def test_every_page_fits_a_narrow_screen(browser, console):
    context = browser.new_context(viewport={"width": 360, "height": 740}, base_url=console.url)
    page = context.new_page()
    log_in(page, console)
    found = {}
    for name, path in (PAGES | MORE_PAGES).items():
        page.goto(path)
        settle(page)
        width = page.evaluate("document.documentElement.scrollWidth")
        found[name] = [*grave(page), *([f"{width} px wide"] if width != 360 else [])]
    assert {name: each for name, each in found.items() if each} == {}
    context.close()


def test_no_asset_comes_from_another_host(page, console):
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    log_in(page, console)
    for path in PAGES.values():
        page.goto(path)
        settle(page)
    assert {url for url in requested if not url.startswith((console.url, "data:"))} == set()


def write(page: Page, text: str) -> None:
    """Write a schema into the editor, as a paste over all of it does."""
    expect(page.locator("#id_schema")).to_be_hidden()  # the editor has taken its place
    page.get_by_role("textbox", name="JSON Schema").click()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.insert_text(text)


def test_an_operator_publishes_and_deprecates_in_the_browser(page, console):
    """Find a contract, read it, try a change, correct it, publish, deprecate the old version, read the audit log."""
    faults = faults_of(page)
    log_in(page, console)
    page.get_by_role("link", name="All contracts").click()
    page.keyboard.press("/")
    page.keyboard.type("places customer")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="order.created").click()
    expect(page.get_by_role("row", name=re.compile("2.0.0")).get_by_text("breaking", exact=True)).to_be_visible()
    page.get_by_role("link", name="New version").click()
    expect(page.get_by_role("heading", name="Nothing has changed since 2.0.0")).to_be_visible()
    text = page.locator("#id_schema").input_value()
    write(page, text.replace('"maxItems": 50', '"maxItems": 40'))
    expect(page.get_by_text("The lowest version that may make these changes: 3.0.0")).to_be_visible()
    expect(page.get_by_role("button", name="Publish as 3.0.0")).to_be_visible()
    write(page, text.replace('"maxItems": 50', '"maxItems": 60'))
    expect(page.get_by_role("heading", name="compatible compared with 2.0.0")).to_be_visible()
    page.get_by_role("button", name="Publish order.created 2.1.0").click()
    expect(page.get_by_text("Published: order.created 2.1.0.")).to_be_visible()
    page.goto(f"{CONTRACT}/order.created/versions/2.0.0/")
    page.get_by_role("link", name="Deprecate").click()
    page.get_by_label("Reason").fill("2.1.0 takes longer orders")
    page.get_by_label("Successor").select_option("2.1.0")
    page.get_by_role("button", name="Deprecate", exact=True).click()
    expect(page.get_by_text("2.1.0 takes longer orders")).to_be_visible()
    page.goto("/admin/contracts_app/auditentry/?actor=mara&contract=order.created")
    expect(page.locator("table.audit tbody tr").nth(0)).to_contain_text("deprecate")
    expect(page.locator("table.audit tbody tr").nth(1)).to_contain_text("publish")
    assert faults == []


def test_a_form_is_restored_after_the_session_expired(page, console):
    faults = faults_of(page)

    def log_in_again(name: str) -> None:
        expect(page).to_have_url(re.compile("/admin/login/"))
        page.get_by_label("Username").fill(name)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()

    def send_without_a_session() -> None:
        page.goto(f"{CONTRACT}/add/?name=order.created")
        page.get_by_label("Version").fill("9.0.0-rc.1")
        write(page, '{"title": "typed long"}')
        page.get_by_text("WIT and descriptor").click()
        page.get_by_role("textbox", name="Descriptor").fill("{}")
        page.context.clear_cookies(name="sessionid")
        page.get_by_role("button", name="Check").click()

    log_in(page, console)
    send_without_a_session()
    log_in_again("mara")
    expect(page.get_by_role("status")).to_contain_text("Your session had expired")
    expect(page.get_by_label("Version")).to_have_value("9.0.0-rc.1")
    expect(page.locator("#id_schema")).to_have_value('{"title": "typed long"}')
    expect(page.get_by_role("textbox", name="JSON Schema")).to_have_text('{"title": "typed long"}')
    expect(page.get_by_role("textbox", name="Descriptor")).to_have_text("{}")
    assert grave(page) == []
    page.reload()  # what was typed is there after a reload, too, until it is discarded
    expect(page.get_by_label("Version")).to_have_value("9.0.0-rc.1")
    page.get_by_role("button", name="Discard it").click()
    expect(page.get_by_label("Version")).not_to_have_value("9.0.0-rc.1")
    # Another user who logs in there does not get it either.
    send_without_a_session()
    log_in_again("steward")
    expect(page.get_by_role("textbox", name="JSON Schema")).to_be_visible()
    expect(page.locator("#id_schema")).not_to_have_value('{"title": "typed long"}')
    assert faults == []


def test_a_page_is_usable_by_keyboard_alone(page, console):
    log_in(page, console)
    page.goto(PAGES["contract"])
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Skip to main content")
    page.keyboard.press("Enter")
    for _ in range(30):
        page.keyboard.press("Tab")
        if "New version" in page.locator(":focus").inner_text():
            break
    assert page.locator(":focus").evaluate("e => getComputedStyle(e).outlineStyle") != "none"
    page.keyboard.press("Enter")
    page.wait_for_url("**/add/?name=order.created")


def test_the_digest_is_copied(browser, console):
    context = browser.new_context(base_url=console.url, permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    log_in(page, console)
    page.goto(PAGES["version"])
    page.get_by_role("button", name="Copy the digest").click()
    copied = page.evaluate("() => navigator.clipboard.readText()")
    assert copied == page.locator("#digest").inner_text()
    assert len(copied) == 64
    context.close()


def test_user_content_is_never_executed(page, console):
    log_in(page, console)
    for path in (f"{CONTRACT}/", f"{CONTRACT}/odd.names/change/", MORE_PAGES["odd"]):
        page.goto(path)
        assert "pwned" not in page.title()
        expect(page.get_by_text("document.title='pwned'").first).to_be_visible()


def test_a_tree_is_opened_and_closed(page, console):
    log_in(page, console)
    page.goto(MORE_PAGES["tree"])
    shown = page.get_by_text("Stays the same over all events")
    expect(shown).to_be_hidden()
    page.get_by_role("button", name="Open all").click()
    expect(shown).to_be_visible()
    page.get_by_role("button", name="Close all").click()
    expect(shown).to_be_hidden()


def test_a_viewer_sees_no_link_that_would_be_refused(page, console):
    log_in(page, console, "viewer")
    page.goto(PAGES["version"])
    expect(page.get_by_role("link", name="Withdraw")).to_have_count(0)
    page.goto(f"{CONTRACT}/")
    expect(page.get_by_role("checkbox")).to_have_count(0)
    page.goto(PAGES["deprecate"])
    expect(page.get_by_role("heading", name="Not permitted")).to_be_visible()


def test_the_second_of_two_operators_sees_the_conflict(browser, console):
    pages = []
    for name in ("mara", "steward"):
        page = browser.new_context(base_url=console.url).new_page()
        log_in(page, console, name)
        page.goto(f"{CONTRACT}/telemetry.reading/versions/1.0.0/do/deprecate/")
        page.get_by_label("Reason").fill(f"so says {name}")
        pages.append(page)
    for page in pages:
        page.get_by_role("button", name="Deprecate", exact=True).click()
    expect(pages[0].get_by_text("so says mara")).to_be_visible()
    expect(pages[1].get_by_role("alert")).to_contain_text("Another user changed this version")
    expect(pages[1].get_by_text("so says mara")).to_be_visible()
    expect(pages[1].get_by_label("Reason")).to_have_value("so says steward")
    for page in pages:
        page.context.close()


def test_a_very_large_contract_is_shown_in_time(page, console):
    from tests.console.sample import fill_ugly

    fill_ugly(console.store.url, "sample")
    log_in(page, console)
    ugly = f"{CONTRACT}/ugly.giant"
    paths = [f"{ugly}/change/", f"{ugly}/change/?page=2", f"{ugly}/compare/?from=1.0.0&to=1.299.0"]
    paths += [f"{ugly}/versions/1.299.0/?view={view}" for view in ("overview", "fields", "schema", "tree")]
    for path in paths:
        started = time.monotonic()
        page.goto(path, wait_until="load")
        # Two seconds are the limit on an idle machine; `make test` runs other tests at the same time.
        assert time.monotonic() - started < 20, path
        assert page.evaluate("document.documentElement.scrollWidth") == 1280
    page.goto(paths[4])
    page.get_by_label(re.compile("Find among")).fill("2999")
    page.get_by_role("button", name="Find").click()
    expect(page.locator("table.fields tbody tr")).to_have_count(1)


def test_pages_recover_when_the_store_is_back(page, console):
    log_in(page, console)
    page.goto(PAGES["publish"])
    page.get_by_label("Description").fill("what was typed")
    console.store.stop()
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_role("alert")).to_contain_text("Your input is kept", timeout=30_000)
    expect(page.get_by_label("Description")).to_have_value("what was typed")
    for path, heading in {
        f"{CONTRACT}/": "Contracts",
        f"{CONTRACT}/?q=order": "Search: order",
        f"{CONTRACT}/order.item/change/": "order.item",
        f"{CONTRACT}/order.item/versions/1.0.0/": "order.item 1.0.0 active",
        "/admin/contracts_app/policy/": "Policies",
        "/admin/": "Overview",
    }.items():
        started = time.monotonic()
        page.goto(path)
        assert time.monotonic() - started < 2, path
        expect(page.get_by_role("heading", name=heading, exact=True)).to_be_visible()
        expect(page.get_by_role("alert").first).to_contain_text("cannot be reached since")
    started = time.monotonic()
    page.goto(PAGES["audit"])
    assert time.monotonic() - started < 2
    expect(page.get_by_role("heading", name="The store is unavailable")).to_be_visible()
    console.start_store()
    expect(page.get_by_role("heading", name="Audit")).to_be_visible(timeout=30_000)


def test_ten_tasks_take_at_most_four_clicks_from_the_overview(page, console):
    """The tasks of an operator, each from the start page: clicks, typed searches and pressed keys of a menu count."""
    clicks = 0

    def click(role: str, name: str | re.Pattern[str], **more: bool) -> None:
        nonlocal clicks
        page.get_by_role(role, name=name, **more).first.click()  # type: ignore[arg-type]
        clicks += 1

    def search(words: str) -> None:
        nonlocal clicks
        page.keyboard.press("/")
        page.keyboard.type(words)
        page.keyboard.press("Enter")
        clicks += 1

    def task(done: str | re.Pattern[str]) -> int:
        nonlocal clicks
        expect(page.get_by_text(done).first).to_be_visible()
        taken, clicks = clicks, 0
        page.goto("/admin/")
        return taken

    log_in(page, console)
    counts = {}
    search("sku")
    counts["find the contract with a field"] = task("order.item")
    counts["see what changed last"] = task("Recent changes")
    search("telemetry.reading")
    click("link", "telemetry.reading")
    click("link", "New version")
    write(page, '{"type": "array"}')
    counts["try a change"] = task("The lowest version that may make these changes:")
    search("telemetry.reading")
    click("link", "telemetry.reading")
    click("link", "New version")
    write(page, '{"type": "array"}')
    click("button", "Publish as 2.0.0")
    counts["publish what breaks as what it needs"] = task("Published: telemetry.reading 2.0.0")
    search("billing.invoice")
    click("link", "billing.invoice")
    click("link", "Open the draft")
    click("button", "Save as a draft")
    counts["edit a draft"] = task("Saved: billing.invoice 1.0.0 is a draft")
    search("order.item")
    click("link", "order.item")
    counts["see who depends on it"] = task("depends on this")
    search("telemetry.reading")
    click("link", "2.0.0")
    counts["read a version"] = task("SHA-256 of the content")
    search("telemetry.reading")
    click("link", "telemetry.reading")
    click("link", "1.4.0", exact=True)
    click("link", "Deprecate")
    expect(page.get_by_label("Successor")).to_have_value("2.0.0")
    counts["deprecate with a successor"] = task("The latest version is")
    search("payment.authorized")
    click("link", "payment.authorized")
    click("link", "Audit of this contract")
    counts["read the audit of one contract"] = task("ci@shop")
    click("link", re.compile("^active|active$"))
    counts["list by state"] = task("Clear all filters")
    assert len(counts) == 10
    assert max(counts.values()) <= 4, counts
