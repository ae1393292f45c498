"""Many writers at once: no number and no id is given twice, and nothing that was acknowledged is lost."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from confluent_app.numbering import subject_state
from confluent_app.registration import register
from confluent_app.requests import read_schema
from confluent_app.settings_records import set_config
from confluent_app.subjects import parse_subject
from contracts_app.storage import Actor
from contracts_app.storage.nats.store import JetStreamContractStore
from tests.conftest import LOGIN

WRITER = Actor("writer")


def request(schema):
    return read_schema({"schemaType": "JSON", "schema": json.dumps(schema)})


@pytest.fixture
def stores(nats_server, bucket):
    """Two stores with a replica each, like two workers."""
    stores = [JetStreamContractStore(servers=nats_server.url, bucket=bucket, **LOGIN) for _ in range(2)]
    for store in stores:
        store.enable_replica()
    yield stores
    for store in stores:
        store.close()


def test_writers_of_one_subject_are_given_different_numbers_and_ids(stores):
    subject = parse_subject("contended-value")
    set_config(stores[0], subject, {"compatibility": "NONE"}, WRITER)

    def write(number: int):
        found = register(subject, request({"const": number}), WRITER, stores[number % 2])
        return number, found.version.number, found.version.id

    with ThreadPoolExecutor(8) as pool:
        written = list(pool.map(write, range(40)))
    assert {number for _, number, _ in written} == set(range(1, 41))
    assert len({id_ for _, _, id_ in written}) == 40
    for store in stores:
        versions = {each.number: each for each in subject_state(store, subject).versions}
        for value, number, id_ in written:
            bundle = store.get("contended-value", versions[number].entry.version)
            assert (json.loads(bundle.json_schema), versions[number].id) == ({"const": value}, id_)


def test_writers_of_one_schema_are_given_one_id_and_one_version(stores):
    def write(number: int):
        subject = parse_subject(f"same-{number % 5}-value")
        found = register(subject, request({"type": "string"}), WRITER, stores[number % 2])
        return found.version.id, found.version.number

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(write, range(40))) == {(1, 1)}
