import pytest

from contracts_app.storage.memory import MemoryContractStorage
from tests.storage.suite import StorageSuite


class TestMemory(StorageSuite):
    @pytest.fixture
    def storage(self):
        return MemoryContractStorage()

    def put_raw(self, storage, key, data):
        storage.put_raw(key, data)
