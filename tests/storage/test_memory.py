import pytest

from contracts_app.storage.memory import MemoryContractStore
from tests.storage.suite import StorageSuite


class TestMemory(StorageSuite):
    @pytest.fixture
    def store(self):
        return MemoryContractStore()

    def put_raw(self, store, key, data):
        store.put_raw(key, data)
