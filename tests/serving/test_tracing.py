"""A request's trace at a receiver of OTLP: HTTP, authorization, comparison and the store under one root."""

from __future__ import annotations

import asyncio
import gzip
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import nats
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.api.conftest import ALL, make_token
from tests.commands.serving import serving

TRACE = "0af7651916cd43dd8448eb211c80319c"
HEADERS = {"Authorization": f"Bearer {make_token(*ALL)}", "traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}


@pytest.fixture
def receiver():
    """Receive spans as a collector does; yield its URL and the spans."""
    spans = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                service = {each.key: each.value.string_value for each in resource.resource.attributes}["service.name"]
                spans.extend((service, each) for scope in resource.scope_spans for each in scope.spans)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", spans
    server.shutdown()


def test_a_publish_is_one_trace(nats_server, tmp_path, receiver):
    endpoint, spans = receiver
    more = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_BSP_SCHEDULE_DELAY": "200", "REGISTRY_KV_BUCKET": "traced"}
    with serving(nats_server.url, tmp_path / "log", "--workers", "1", "registry_project.asgi", **more) as (url, _):
        for version in ("1.0.0", "1.1.0"):
            body = {"name": "traced.one", "version": version, "jsonSchema": {"type": "object", "title": version}}
            assert httpx.post(f"{url}/registry/contracts", json=body, headers=HEADERS).status_code == 201
        assert httpx.get(f"{url}/registry/contracts/traced.one/1.1.0", headers=HEADERS).status_code == 200
        httpx.get(f"{url}/readyz")
        deadline = time.monotonic() + 10
        while sum(each.name == "GET registry/contracts/<str:name>/<str:version>" for _, each in spans) < 1:
            assert time.monotonic() < deadline, [each.name for _, each in spans]
            time.sleep(0.1)
    assert {service for service, _ in spans} == {"contract-registry"}
    own = [each for _, each in spans if each.trace_id.hex() == TRACE]
    assert not [each for _, each in spans if "readyz" in each.name]
    by_id = {each.span_id: each for each in own}
    names = {each.name for each in own}
    wanted = ("authenticate", "authorize", "publish", "compare", "store.write")
    assert {f"registry.{name}" for name in wanted} <= names, names
    for each in own:
        while each.parent_span_id.hex() != "b7ad6b7169203331":
            each = by_id[each.parent_span_id]
        assert each.name.startswith(("POST", "GET")), each.name
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines() if line.startswith("{")]
    assert {line["traceId"] for line in lines if line["message"] == "published"} == {TRACE}

    async def headers():
        client = await nats.connect(nats_server.url)
        message = await client.jetstream().get_msg("KV_traced", subject="$KV.traced.meta.traced.one.1.1.0")
        await client.close()
        return message.headers

    assert TRACE in asyncio.run(headers())["traceparent"]


def test_nothing_is_exported_unless_it_is_configured(nats_server, tmp_path, receiver):
    endpoint, spans = receiver
    more = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_SDK_DISABLED": "true", "REGISTRY_KV_BUCKET": "untraced"}
    with serving(nats_server.url, tmp_path / "log", "--workers", "1", "registry_project.asgi", **more) as (url, _):
        assert httpx.get(f"{url}/registry/contracts", headers=HEADERS).status_code == 200
        time.sleep(1)
    assert not spans
    assert "traceId" not in (tmp_path / "log").read_text()
