"""Behaviour that every contract store must have. Each implementation runs all of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from contracts_app.bundles import ContractBundle, content_digest
from contracts_app.exceptions import ContractNotFound, UnreadableRecord, VersionSetChanged
from contracts_app.storage import Actor, AuditEntry, ContractStore

AUDIT = AuditEntry(Actor("tester", "request-1"))


def make(name: str = "order.placed", version: str = "1.0.0", **fields) -> ContractBundle:
    bundle = ContractBundle(name=name, version=version, created_at="2026-01-02T03:04:05Z", **fields)
    return replace(bundle, digest=content_digest(bundle))


class StorageSuite:
    """Subclasses provide the fixture `store`, and `put_raw(store, key, data)`."""

    def put_raw(self, store: ContractStore, key: str, data: bytes) -> None:
        raise NotImplementedError

    def test_a_created_bundle_is_read_back_whole(self, store: ContractStore):
        bundle = make(
            description="Grüße 🚀", json_schema='{"type": "object"}', wit_path="/a.wit", descriptor={"a": [1]}
        )
        store.create(bundle, after=0, audit=AUDIT)
        assert store.get("order.placed", "1.0.0") == bundle

    def test_a_missing_version_is_not_found(self, store: ContractStore):
        with pytest.raises(ContractNotFound, match="order.placed/1.0.0"):
            store.get("order.placed", "1.0.0")

    def test_an_empty_store_lists_nothing(self, store: ContractStore):
        assert store.list_all().bundles == ()
        assert store.index("order.placed").revision("order.placed") == 0

    def test_lists_are_ordered_by_name_and_precedence(self, store: ContractStore):
        for name, version in [("b", "1.10.0"), ("b", "1.9.0"), ("a", "v2"), ("b", "1.9.0-rc.1"), ("a.b", "v1")]:
            store.create(make(name, version), after=store.index(name).revision(name), audit=AUDIT)
        listed = [(bundle.name, bundle.version) for bundle in store.list_all().bundles]
        assert listed == [("a", "v2"), ("a.b", "v1"), ("b", "1.9.0-rc.1"), ("b", "1.9.0"), ("b", "1.10.0")]

    def test_an_index_of_a_name_has_only_its_versions(self, store: ContractStore):
        store.create(make("ritual", "v1"), after=0, audit=AUDIT)
        store.create(make("ritual.started", "v1"), after=0, audit=AUDIT)
        store.create(make("ritualx", "v1"), after=0, audit=AUDIT)
        assert [entry.name for entry in store.index("ritual").versions("ritual")] == ["ritual"]

    def test_a_write_after_another_version_was_written_is_refused(self, store: ContractStore):
        first = store.create(make(version="1.0.0"), after=0, audit=AUDIT)
        with pytest.raises(VersionSetChanged):
            store.create(make(version="1.1.0"), after=0, audit=AUDIT)
        store.create(make(version="1.1.0"), after=first, audit=AUDIT)
        with pytest.raises(VersionSetChanged):
            store.create(make(version="1.0.0"), after=first, audit=AUDIT)
        assert len(store.index("order.placed").versions("order.placed")) == 2

    def test_of_parallel_creates_exactly_one_wins(self, store: ContractStore):
        def attempt(number: int) -> bool:
            try:
                store.create(make(f"race.r{round_}", description=str(number)), after=0, audit=AUDIT)
            except VersionSetChanged:
                return False
            return True

        with ThreadPoolExecutor(50) as pool:
            for round_ in range(20):
                assert sum(pool.map(attempt, range(50))) == 1

    def test_a_document_of_a_family_is_guarded_by_the_whole_family(self, store: ContractStore):
        first = store.put_document("binding.a", b"{}", after=0, audit=AUDIT, family="binding")
        with pytest.raises(VersionSetChanged):
            store.put_document("binding.b", b"{}", after=0, audit=AUDIT, family="binding")
        deleted = store.put_document("binding.a", None, after=first, audit=AUDIT, family="binding")
        assert store.index("binding", fresh=True).last_of_family("binding") == deleted
        store.put_document("binding.b", b"{}", after=deleted, audit=AUDIT, family="binding")
        store.put_document("policy.default", b"{}", after=0, audit=AUDIT)

    def test_records_of_the_original_service_are_readable(self, store: ContractStore):
        record = b'{"name":"old","version":"v1","description":null,"createdAt":"2024-01-15T10:00:00.123456789+00:00"}'
        self.put_raw(store, "meta.old.v1", record)
        bundle = store.get("old", "v1")
        assert bundle.created_at == "2024-01-15T10:00:00.123456789Z"
        assert bundle.digest == content_digest(bundle)

    @pytest.mark.parametrize(
        ("data", "reason"),
        [
            (b"not json", "not JSON"),
            (b"[]", "not a JSON object"),
            (b'{"name":"other","version":"v1","createdAt":"2024-01-15T10:00:00Z"}', "it holds other/v1"),
            (b'{"name":"bad","version":"v1","createdAt":"yesterday"}', "RFC 3339"),
            (b'{"name":"bad","version":"v1","createdAt":"2024-01-15T10:00:00Z","digest":"00"}', "digest"),
            (b'{"name":"bad","version":"v1","createdAt":"2024-01-15T10:00:00Z","wit":1}', "wit is not a string"),
        ],
    )
    def test_an_unreadable_record_is_reported_and_not_dropped(self, store: ContractStore, data: bytes, reason: str):
        store.create(make("good"), after=0, audit=AUDIT)
        self.put_raw(store, "meta.bad.v1", data)
        listing = store.list_all()
        assert [bundle.name for bundle in listing.bundles] == ["good"]
        assert [fault.extras["key"] for fault in listing.faults] == ["meta.bad.v1"]
        assert reason in str(listing.faults[0])
        assert len(store.index("bad").faults_of("bad")) == 1
        with pytest.raises(UnreadableRecord, match="meta.bad.v1"):
            store.get("bad", "v1")
