"""An unavailable store: pages say so, forms keep their input, and the store is used again when it is back."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from contracts_app.serving.embedded_nats import EmbeddedServer, free_port
from contracts_app.storage import contract_stores
from tests.console.conftest import Console, obj, publish, record, text


@pytest.fixture
def own_server(settings, tmp_path, db):
    """A nats-server that a test may stop, with the store of this process on it."""
    servers = []
    port = free_port(0)

    def start() -> EmbeddedServer:
        servers.append(EmbeddedServer(tmp_path / "nats", port=port, max_record_bytes=1 << 20))
        servers[-1].start()
        return servers[-1]

    server = start()
    settings.CONTRACT_STORAGES = {
        "default": {
            "BACKEND": "contracts_app.storage.nats.store.JetStreamContractStore",
            "OPTIONS": {"servers": server.url, "bucket": "away", "timeout": 0.4},
        }
    }
    contract_stores.close()
    yield SimpleNamespace(start=start, stop=lambda: servers[-1].stop())
    servers[-1].stop()
    contract_stores.close()


def test_an_outage_is_shown_and_forms_keep_their_input(own_server):
    console = Console()
    publish("a", "1.0.0", obj())
    page = console.get("lifecycle", "a", "1.0.0", "deprecate")
    bulk = console.post("deprecate", contract=["a"], action="deprecate-all")
    own_server.stop()

    first = console.client.get("/admin/")
    assert first.status_code == 200
    assert "data-come-back" in text(first)
    for where in (("changelist",), ("change", "a"), ("version", "a", "1.0.0"), ("policy_changelist",)):
        answer = console.get(*where)
        assert answer.status_code == 503
        assert "The store is unavailable" in text(answer)
        assert "data-come-back" in text(answer)
        assert "Traceback" not in text(answer)

    form = {"name": "b", "version": "1.0.0", "schema": '{"type": "object"}', "description": "typed long"}
    answer = console.post("add", **form)
    assert answer.status_code == 503
    assert "Your input is kept" in text(answer)
    assert {field: answer.context["form"][field].value() for field in form} == form

    etag = page.context["etag"]
    answer = console.post("lifecycle", "a", "1.0.0", "deprecate", etag=etag, reason="typed long", successor="1.1.0")
    assert answer.status_code == 503
    assert answer.context["form"]["reason"].value() == "typed long"
    assert answer.context["form"]["successor"].value() == "1.1.0"
    assert answer.context["etag"] == etag

    item = bulk.context["items"][0]
    ticked = f"{item.name}@{item.version}|{item.etag}"
    answer = console.post("deprecate", item=[ticked], reason="typed long", sunset="", preview="1")
    assert answer.context["form"]["reason"].value() == "typed long"
    assert ticked.replace('"', "&quot;") in text(answer)

    answer = console.post("policy_change", "default", etag="", compatibility="full")
    assert answer.status_code == 503
    assert answer.context["form"]["compatibility"].value() == "full"

    own_server.start()
    assert console.get("changelist").status_code == 200
    answer = console.post("lifecycle", "a", "1.0.0", "deprecate", etag=etag, reason="typed long")
    assert answer.status_code == 302
    assert record("a", "1.0.0").lifecycle.reason == "typed long"
