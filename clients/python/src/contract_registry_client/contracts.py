"""The contracts of a program's messages: bindings and validators, kept current over NATS.

Bindings are watched in the registry's bucket. A change of one, or of a bound contract, has the schema fetched in the
background; meanwhile, and while the registry or its link is away, the program goes on with what it has. A message never
waits for the registry.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import jsonschema_rs
import nats.errors
import orjson
from nats.aio.client import Client
from nats.js.kv import KeyValue

from contract_registry_client.bindings import Binding, binding_for
from contract_registry_client.registry import AsyncRegistryClient, RegistryError, RegistryUnreachable, Schema

logger = logging.getLogger(__name__)
MAX_SUBJECTS = 10_000
"""Subjects whose binding is remembered."""
RETRY_SECONDS = 1.0
POLL_SECONDS = 0.5
"""Seconds after which a watcher looks whether its connection was lost meanwhile."""
AGAIN_SECONDS = 0.5
"""Seconds after a change until the schema is fetched once more: a worker of the registry may be a moment behind."""
RESYNC_SECONDS = 300.0
_BINDING, _META = "binding.", "meta."


@dataclass(frozen=True)
class Outcome:
    """What a message is by the binding of its subject. `errors` is empty for a valid one, or where nothing is known."""

    binding: Binding
    version: str
    """The version that it was validated by; empty if no schema is known yet."""
    place: str = ""
    reason: str = ""

    @property
    def valid(self) -> bool:
        return not self.reason


@dataclass(frozen=True, slots=True)
class _Known:
    """A schema, its validator, and what a valid message is by each binding: made once, not for each message."""

    schema: Schema
    validator: Any
    valid: dict[str, Outcome] = field(default_factory=dict)


@dataclass(frozen=True)
class _Bucket:
    """The registry's bucket, and the connection that it is watched over."""

    nc: Client
    kv: KeyValue
    name: str


class Contracts:
    """Bindings and compiled schemas. Made by `follow`, ended by `stop`."""

    def __init__(self, registry: AsyncRegistryClient) -> None:
        self.registry = registry
        self._bindings: dict[str, Binding] = {}
        self._validators: dict[tuple[str, str], _Known] = {}
        self._subjects: dict[str, Binding | None] = {}
        self._stale: set[tuple[str, str]] = set()
        self._fetching = False
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._watched: set[str] = set()
        self._loaded = asyncio.Event()

    @classmethod
    async def follow(
        cls, nc: Client, registry: AsyncRegistryClient, *, bucket: str = "contracts", timeout: float = 10
    ) -> Contracts:
        """Return the contracts once the bindings and their schemas are known, or from the cache on disk if the registry
        cannot be reached. Raises TimeoutError if neither is possible in time.
        """
        contracts = cls(registry)
        contracts._tasks.append(asyncio.ensure_future(contracts._watch_bindings(nc, bucket)))
        contracts._tasks.append(asyncio.ensure_future(contracts._refresh()))
        try:
            await asyncio.wait_for(contracts._loaded.wait(), timeout)
        except TimeoutError:
            kept = registry.cache.get(f"bindings {bucket}")
            if kept is None:
                await contracts.stop()
                raise
            for name, value in kept.items():
                contracts._set(name, Binding.read(name, json.dumps(value)))
        deadline = asyncio.get_running_loop().time() + timeout
        while (contracts._stale or contracts._fetching) and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.02)
        return contracts

    @classmethod
    def fixed(
        cls, registry: AsyncRegistryClient, bindings: Iterable[Binding], schemas: Mapping[tuple[str, str], Schema]
    ) -> Contracts:
        """Return contracts that follow nothing: these bindings, and schemas by contract and range."""
        contracts = cls(registry)
        for binding in bindings:
            contracts._set(binding.name, binding)
        for key, schema in schemas.items():
            contracts._validators[key] = _Known(schema, _compiled(schema))
        return contracts

    def announce(
        self, client: str, uses: list[dict[str, Any]], *, version: str = "", environment: str = "", every: float = 300
    ) -> None:
        """Declare in the background what this program reads and writes, and again every so many seconds.

        A use is `{"contract": ..., "range": ..., "access": "read" or "write", "fields": [JSON Pointers]}`. The registry
        then names the program where a change or a withdrawal would concern it. Without the registry, it is tried again.
        """
        usage = {"uses": uses, "version": version, "environment": environment}
        self._tasks.append(asyncio.ensure_future(self._announce(client, usage, every)))

    async def _announce(self, client: str, usage: dict[str, Any], every: float) -> None:
        while True:
            try:
                await self.registry.declare(client, usage)
                pause = every
            except RegistryUnreachable:
                pause = min(every, 10.0)
            except RegistryError as error:
                logger.warning("The usage of %s was refused: %s", client, error)
                return
            await asyncio.sleep(pause)

    async def stop(self) -> None:
        """End the watchers."""
        running = set(self._tasks)
        while running:
            # Up to Python 3.11, asyncio.wait_for loses a cancellation that comes together with its result.
            for task in running:
                task.cancel()
            _, running = await asyncio.wait(running, timeout=1)

    @property
    def bindings(self) -> list[Binding]:
        """Every binding, by name."""
        return [self._bindings[name] for name in sorted(self._bindings)]

    def binding_for(self, subject: str) -> Binding | None:
        """Return the binding that holds for a subject, or None."""
        try:
            return self._subjects[subject]
        except KeyError:
            found = binding_for(self._bindings.values(), subject)
            if len(self._subjects) >= MAX_SUBJECTS:
                self._subjects.clear()
            self._subjects[subject] = found
            return found

    def check(self, subject: str, data: bytes, headers: Mapping[str, str] | None = None) -> Outcome | None:
        """Return what a message is; None where no binding holds, or its mode is `off`."""
        binding = self.binding_for(subject)
        if binding is None or binding.mode == "off":
            return None
        known = self._validators.get((binding.contract, binding.range))
        if known is None:
            return Outcome(binding, "")
        schema = known.schema
        try:
            value = _value_of(data, headers or {}, binding)
        except ValueError as error:
            return Outcome(binding, schema.version, "", str(error))
        if known.validator.is_valid(value):
            outcome = known.valid.get(binding.name)
            if outcome is None or outcome.binding is not binding:
                outcome = known.valid[binding.name] = Outcome(binding, schema.version)
            return outcome
        first = next(iter(known.validator.iter_errors(value)))
        place = "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in first.instance_path)
        return Outcome(binding, schema.version, place, str(first.message)[:300])

    # Following the registry

    def _set(self, name: str, binding: Binding | None) -> None:
        if binding is None:
            self._bindings.pop(name, None)
        else:
            self._bindings[name] = binding
            self._mark(binding)
        self._subjects = {}

    def _mark(self, binding: Binding) -> None:
        self._stale.add((binding.contract, binding.range))
        self._wake.set()

    async def _watch_bindings(self, nc: Client, bucket: str) -> None:
        kv: KeyValue | None = None
        while kv is None:
            with suppress(nats.errors.Error):
                kv = await nc.jetstream().key_value(bucket)
            if kv is None:
                await asyncio.sleep(RETRY_SECONDS)
        await self._watch(_Bucket(nc, kv, bucket), f"{_BINDING}>")

    async def _watch(self, bucket: _Bucket, keys: str) -> None:
        """Watch some keys. A watcher may miss what was written while its link was cut, so it begins anew after each
        reconnection, and once in RESYNC_SECONDS; it then repeats what is there.
        """
        while True:
            try:
                reconnects, began = bucket.nc.stats["reconnects"], time.monotonic()
                watcher = await bucket.kv.watch(keys, headers_only=keys.startswith(_META))
                present: set[str] | None = set() if keys.startswith(_BINDING) else None
                while bucket.nc.stats["reconnects"] == reconnects and time.monotonic() < began + RESYNC_SECONDS:
                    try:
                        entry = await watcher.updates(timeout=POLL_SECONDS)
                    except nats.errors.TimeoutError:
                        continue
                    if entry is None:
                        self._caught_up(present, bucket)
                        present = None
                    else:
                        self._changed(entry.key, None if entry.operation else entry.value, present, bucket)
                await watcher.stop()
            except nats.errors.Error as error:
                logger.warning("The watcher of %s ended, and begins again: %s", keys, error)
                await asyncio.sleep(RETRY_SECONDS)

    def _caught_up(self, present: set[str] | None, bucket: _Bucket) -> None:
        if present is None:
            return
        for name in self._bindings.keys() - present:
            self._set(name, None)
        self._keep(bucket)
        self._loaded.set()

    def _changed(self, key: str, value: bytes | None, present: set[str] | None, bucket: _Bucket) -> None:
        if key.startswith(_META):
            for each in self._bindings.values():
                if key.startswith(f"{_META}{each.contract}."):
                    self._mark(each)
                    # The change may be here before the registry's worker has it.
                    asyncio.get_running_loop().call_later(AGAIN_SECONDS, self._mark, each)
            return
        name = key.removeprefix(_BINDING)
        try:
            binding = Binding.read(name, value) if value is not None else None
        except ValueError as error:
            logger.warning("A binding cannot be read: %s", error)
            return
        if binding is not None and present is not None:
            present.add(name)
        self._set(name, binding)
        if binding is not None and binding.contract not in self._watched:
            self._watched.add(binding.contract)
            self._tasks.append(asyncio.ensure_future(self._watch(bucket, f"{_META}{binding.contract}.>")))
        if present is None:
            self._keep(bucket)

    def _keep(self, bucket: _Bucket) -> None:
        """Keep the bindings on disk, for a start without the registry."""
        kept = {
            each.name: {member: value for member, value in each.__dict__.items() if member != "name"}
            for each in self._bindings.values()
        }
        self.registry.cache.put(f"bindings {bucket.name}", kept)

    async def _refresh(self) -> None:
        """Fetch the schemas that may have changed, until `stop`."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            failed = False
            for contract, version in list(self._stale):
                # Before the request: a change during it has the schema fetched again.
                self._stale.discard((contract, version))
                self._fetching = True
                try:
                    schema = await self.registry.schema(contract, version)
                    known = self._validators.get((contract, version))
                    if known is None or known.schema.text != schema.text or known.schema.version != schema.version:
                        self._validators[contract, version] = _Known(schema, _compiled(schema))
                except RegistryUnreachable:
                    failed = True
                    self._stale.add((contract, version))
                except (RegistryError, ValueError) as error:
                    logger.warning("No schema of %s@%s: %s", contract, version, error)
            self._fetching = False
            if failed:
                await asyncio.sleep(RETRY_SECONDS)
                self._wake.set()


def _compiled(schema: Schema) -> Any:
    """Return the validator of a schema, with formats. Raises ValueError."""
    return jsonschema_rs.validator_for(json.loads(schema.text), validate_formats=True)


def _value_of(data: bytes, headers: Mapping[str, str], binding: Binding) -> Any:
    """Return the value in a message that the contract describes. Raises ValueError."""
    if binding.location == "cloudevents-binary" and not any(name.lower() == "ce-specversion" for name in headers):
        raise ValueError("it is no CloudEvent in binary mode: it has no header ce-specversion")
    try:
        value = orjson.loads(data)
    except ValueError as error:
        raise ValueError(f"not JSON: {error}") from None
    if binding.location == "body":
        return value
    if binding.location == "cloudevents":
        if not isinstance(value, dict) or "specversion" not in value:
            raise ValueError("it is no CloudEvent in structured mode: it has no specversion")
        if "data" not in value:
            raise ValueError("the CloudEvent has no data in JSON")
        return value["data"]
    for step in binding.pointer.split("/")[1:] if binding.location == "pointer" else ():
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and name in value:
            value = value[name]
        elif isinstance(value, list) and name.isdecimal() and int(name) < len(value):
            value = value[int(name)]
        else:
            raise ValueError(f"there is nothing at {binding.pointer}")
    return value
