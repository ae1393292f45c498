"""A client of the contract registry: HTTP, and contracts for messages over NATS.

async with AsyncRegistryClient("http://localhost:8090", token) as registry:
    contracts = await Contracts.follow(nc, registry)
    client = ContractClient(nc, contracts)
    await client.publish("orders.eu.created", {"orderId": "7"})
"""

from contract_registry_client.bindings import Binding, binding_for, covers
from contract_registry_client.contracts import Contracts, Outcome
from contract_registry_client.messaging import (
    DEAD_LETTER_PREFIX,
    ContractClient,
    ContractJetStream,
    InvalidMessage,
)
from contract_registry_client.registry import (
    AsyncRegistryClient,
    RegistryClient,
    RegistryError,
    RegistryUnreachable,
)

__all__ = [
    "DEAD_LETTER_PREFIX",
    "AsyncRegistryClient",
    "Binding",
    "ContractClient",
    "ContractJetStream",
    "Contracts",
    "InvalidMessage",
    "Outcome",
    "RegistryClient",
    "RegistryError",
    "RegistryUnreachable",
    "binding_for",
    "covers",
]
