"""GET /healthz, /registry/contracts and /registry/contracts/{name}/{version}"""

from __future__ import annotations

from contracts_app.storage import contract_store


def test_healthz_needs_no_token(api):
    response = api.client.get("/healthz")
    assert (response.status_code, response.content) == (200, b"OK")


def test_the_list_has_exactly_four_fields_for_each_version(api):
    api.publish("b.c", "1.0.0", description="B")
    api.publish("a", "v1")
    contracts = api.get("/registry/contracts").json()["contracts"]
    assert [(item["name"], item["version"], item["description"]) for item in contracts] == [
        ("a", "v1", None),
        ("b.c", "1.0.0", "B"),
    ]
    assert list(contracts[0]) == ["name", "version", "description", "createdAt"]


def test_the_list_reports_unreadable_records(api, bucket):
    store = contract_store()
    store._connection.run(lambda js: js.publish(f"$KV.{bucket}.meta.bad.v1", b"?"))
    assert api.get("/registry/contracts").json()["unreadable"][0]["key"] == "meta.bad.v1"
    response = api.get("/registry/contracts/bad/v1", Accept="application/json")
    assert (response.status_code, response.json()["code"]) == (500, "unreadable_record")


def test_a_missing_contract_is_a_404(api):
    response = api.get("/registry/contracts/nope/v1")
    assert (response.status_code, response.content) == (404, b"Contract nope/v1 not found")


def test_a_bad_name_or_version_is_a_400(api):
    assert api.get("/registry/contracts/a..b/v1").status_code == 400
    assert api.get("/registry/contracts/a%20b/v1").status_code == 400
    assert api.get("/registry/contracts/a/>").status_code == 400


def test_unknown_methods_are_a_405_with_allow(api):
    response = api.client.delete("/registry/contracts", headers=api.headers({}))
    assert response.status_code in (403, 405)


def test_errors_are_text_or_problem_json(api):
    path = "/registry/contracts/nope/v1"
    assert api.get(path, Accept="*/*")["Content-Type"] == "text/plain; charset=utf-8"
    assert api.get(path, Accept="text/html,*/*;q=0.8")["Content-Type"] == "text/plain; charset=utf-8"
    for accept in (
        "application/json",
        "application/json, text/plain, */*",
        "application/problem+json;q=0.9, */*;q=0.1",
    ):
        response = api.get(path, Accept=accept)
        assert response["Content-Type"] == "application/problem+json"
        assert response.json() == {
            "type": "about:blank",
            "title": "Not Found",
            "status": 404,
            "detail": "Contract nope/v1 not found",
            "code": "not_found",
            "name": "nope",
            "version": "v1",
        }


def test_an_unavailable_store_is_a_503(api, settings):
    from contracts_app.serving.embedded_nats import free_port
    from contracts_app.storage import contract_stores

    options = {"servers": f"nats://127.0.0.1:{free_port(0)}", "timeout": 0.3}
    settings.CONTRACT_STORAGES = {
        "default": {"BACKEND": "contracts_app.storage.nats.store.JetStreamContractStore", "OPTIONS": options}
    }
    contract_stores.close()
    response = api.get("/registry/contracts", Accept="application/json")
    assert (response.status_code, response["Retry-After"]) == (503, "2")
    assert response.json()["code"] == "storage_unavailable"


def test_the_request_id_is_kept_or_generated(api):
    assert api.get("/registry/contracts", **{"X-Request-ID": "abc-1"})["X-Request-ID"] == "abc-1"
    assert len(api.get("/registry/contracts", **{"X-Request-ID": "bad id\t"})["X-Request-ID"]) == 32
