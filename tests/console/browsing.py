"""A served console with sample data, and a real Chromium."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from contracts_app.serving.embedded_nats import EmbeddedServer, free_port
from tests.commands.serving import ROOT, serving, unmeasured
from tests.console.prepare import PASSWORD

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
CONTRACT = "/admin/contracts_app/contract"
PAGES = {
    "overview": "/admin/",
    "contracts": f"{CONTRACT}/",
    "search": f"{CONTRACT}/?q=sku",
    "contract": f"{CONTRACT}/order.created/change/",
    "version": f"{CONTRACT}/order.created/versions/1.0.0/",
    "fields": f"{CONTRACT}/order.created/versions/2.0.0/?view=fields",
    "wit": f"{CONTRACT}/media.resizer/versions/0.2.0/?view=wit",
    "compare": f"{CONTRACT}/order.created/compare/?from=1.2.0&to=2.0.0",
    "relations": f"{CONTRACT}/order.item/versions/1.0.0/?view=relations",
    "publish": f"{CONTRACT}/add/?name=order.created",
    "deprecate": f"{CONTRACT}/order.created/versions/1.2.0/do/deprecate/",
    "audit": "/admin/contracts_app/auditentry/",
}
"""The twelve main pages."""
MORE_PAGES = {
    "schema": f"{CONTRACT}/order.created/versions/2.0.0/?view=schema",
    "tree": f"{CONTRACT}/order.created/versions/2.0.0/?view=tree",
    "examples": f"{CONTRACT}/order.created/versions/2.0.0/?view=examples",
    "descriptor": f"{CONTRACT}/media.resizer/versions/0.2.0/?view=descriptor",
    "wit-compared": f"{CONTRACT}/media.resizer/compare/",
    "odd": f"{CONTRACT}/odd.names/versions/1.0.0/?view=fields",
    "withdraw": f"{CONTRACT}/order.item/versions/1.0.0/do/withdraw/",
    "draft": f"{CONTRACT}/add/?name=billing.invoice&draft=1.0.0",
    "expanded": f"{CONTRACT}/order.created/versions/2.0.0/?view=fields&expand=1",
    "validate": f"{CONTRACT}/order.created/versions/2.0.0/validate/",
    "rules": f"{CONTRACT}/rules/",
    "same-version": f"{CONTRACT}/order.created/compare/?from=2.0.0&to=2.0.0",
    "policies": "/admin/contracts_app/policy/",
    "policy": "/admin/contracts_app/policy/prefix/payment/change/",
    "new-policy": "/admin/contracts_app/policy/add/",
    "no-match": f"{CONTRACT}/?q=nothing+like+that",
    "bindings": "/admin/contracts_app/binding/?subject=orders.eu.created",
    "new-binding": "/admin/contracts_app/binding/add/",
    "binding": "/admin/contracts_app/binding/orders-created/change/",
    "infer": "/admin/contracts_app/binding/infer/",
    "messages": "/admin/contracts_app/binding/orders-created/messages/",
    "webhooks": "/admin/contracts_app/webhook/",
    "new-webhook": "/admin/contracts_app/webhook/add/",
    "proposals": "/admin/contracts_app/proposal/",
    "proposal": "/admin/contracts_app/proposal/order.item/versions/9.0.0/change/",
    "signers": "/admin/contracts_app/signer/",
    "new-signer": "/admin/contracts_app/signer/add/",
    "users": "/admin/auth/user/",
    "new-user": "/admin/auth/user/add/",
    "new-group": "/admin/auth/group/add/",
}


class Served:
    """The console's address, and the server of its store."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port(0)
        self.url = ""
        self.start_store()

    def start_store(self) -> None:
        self.store = EmbeddedServer(self.folder / "nats", port=self.port, max_record_bytes=4 << 20)
        self.store.start()


@contextmanager
def served(folder: Path) -> Iterator[Served]:
    console = Served(folder)
    variables = {"VAR_DIR": str(folder / "var"), "REGISTRY_KV_BUCKET": "sample", "NATS_URL": console.store.url}
    try:
        environment = unmeasured(**variables)
        subprocess.run([sys.executable, "-m", "tests.console.prepare"], cwd=ROOT, env=environment, check=True)
        log = folder / "gunicorn.log"
        with serving(console.store.url, log, "registry_project.asgi", "--workers", "1", **variables) as (url, _):
            console.url = url
            yield console
    finally:
        console.store.stop()


@contextmanager
def chromium() -> Iterator[Browser]:
    assert CHROMIUM, "Chromium is not installed (apt-get install chromium)"
    with sync_playwright() as playwright:
        # The sandbox needs privileges that a container lacks; the pages are our own.
        arguments = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


def log_in(page: Page, console: Served, name: str = "mara") -> None:
    page.goto(f"{console.url}/admin/login/")
    page.fill("#id_username", name)
    page.fill("#id_password", PASSWORD)
    page.click("input[type=submit]")
    page.wait_for_url(f"{console.url}/admin/")


def settle(page: Page) -> None:
    page.wait_for_load_state("networkidle")


def faults_of(page: Page) -> list[str]:
    """Return a list that collects the browser's console errors and policy violations from now on."""
    found: list[str] = []

    def heard(message: Any) -> None:
        if message.type in ("error", "warning"):
            found.append(f"{message.type}: {message.text}")

    def failed(request: Any) -> None:
        if request.failure != "net::ERR_ABORTED":  # by the browser itself, such as a cancelled icon request
            found.append(f"failed: {request.url}: {request.failure}")

    page.on("console", heard)
    page.on("pageerror", lambda error: found.append(f"error: {error}"))
    page.on("requestfailed", failed)
    return found
