"""The registry over HTTP, blocking and asynchronous, with retries, entity tags and a cache on disk."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

JSON = dict[str, Any]
ATTEMPTS = 3
"""How often a request that is safe to repeat is sent."""
FIRST_PAUSE_SECONDS = 0.2
_REPEATABLE = ("GET", "PUT", "DELETE")
_RETRIED = (429, 502, 503, 504)
_COMPONENT = re.compile(r"[a-z0-9]+(?:(?:_|__|-+)[a-z0-9]+)*")


class RegistryError(Exception):
    """The registry refused a request. `code` is stable; `problem` is the whole object of RFC 9457."""

    def __init__(self, status: int, problem: JSON) -> None:
        super().__init__(str(problem.get("detail", f"HTTP {status}")))
        self.status, self.problem = status, problem
        self.code = str(problem.get("code", ""))


class RegistryUnreachable(Exception):
    """No registry answered. Whether a write was done is not known; publishing again is safe."""


@dataclass(frozen=True)
class Schema:
    """The compound schema of a version: its text with all that it refers to."""

    contract: str
    version: str
    text: str
    etag: str = ""


class DiskCache:
    """Responses by URL in a folder, so that a program can start without the registry."""

    def __init__(self, folder: Path | str | None) -> None:
        self._folder = Path(folder) if folder is not None else None

    def get(self, key: str) -> JSON | None:
        """Return what was kept, or None."""
        if self._folder is None:
            return None
        with suppress(OSError, ValueError):
            found = json.loads(self._path(key).read_text(encoding="utf-8"))
            return found if isinstance(found, dict) else None
        return None

    def put(self, key: str, value: JSON) -> None:
        """Keep a value, as a whole or not at all; a full or missing disk is no error."""
        if self._folder is None:
            return
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            number, path = tempfile.mkstemp(dir=self._folder)
            with os.fdopen(number, "w", encoding="utf-8") as file:
                json.dump(value, file)
            os.replace(path, self._path(key))

    def _path(self, key: str) -> Path:
        assert self._folder is not None
        return self._folder / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.json"


class _Requests:
    """What both clients send, and how they read the responses."""

    def __init__(self, endpoint: str, token: str, timeout: float, cache: Path | str | None) -> None:
        self.endpoint = endpoint.rstrip("/")
        self.cache = DiskCache(cache)
        self._settings: Any = {
            "base_url": self.endpoint,
            "headers": {
                "Authorization": f"Bearer {token}",
                "Accept": "application/schema+json, application/problem+json, application/json",
            },
            "timeout": timeout,
            "follow_redirects": False,
        }

    def schema_url(self, contract: str, version: str) -> str:
        """Return the URL of a version's schema, such as for `ce-dataschema`."""
        return f"{self.endpoint}{_path(contract, version)}/schema"

    @staticmethod
    def _read(response: httpx.Response) -> Any:
        if response.status_code in (204, 304):
            return None
        try:
            found = response.json()
        except ValueError:
            found = None
        if response.is_success and found is not None:
            return found
        if not isinstance(found, dict) or "detail" not in found:
            found = {"detail": f"this does not look like a contract registry: {response.text[:200]!r}"}
        raise RegistryError(response.status_code, found)

    def _schema_of(self, contract: str, version: str, response: httpx.Response, known: JSON | None) -> Schema:
        key = f"{contract}@{version}"
        if response.status_code == 304 and known is not None:
            return Schema(**known)
        self._read(response)  # raises for an error
        exact = response.headers.get("Content-Location", "").rstrip("/").split("/")
        found = Schema(contract, _version_in(exact, contract, version), response.text, response.headers.get("ETag", ""))
        self.cache.put(key, dict(found.__dict__))
        return found


def _version_in(parts: list[str], contract: str, requested: str) -> str:
    """Return the exact version that Content-Location names after the contract."""
    return parts[parts.index(contract) + 1] if contract in parts[:-1] else requested


def _path(name: str, version: str = "") -> str:
    path = f"/registry/contracts/{quote(name, safe='')}"
    return f"{path}/{quote(version, safe='')}" if version else path


def _repository(name: str) -> str:
    """Return the OCI repository of a contract; where OCI has no such name, in hexadecimal digits."""
    segments = name.split(".")
    if segments[0] != "hex" and all(_COMPONENT.fullmatch(each) for each in segments):
        return "/".join(segments)
    return f"hex/{name.encode().hex()}"


def _pauses(method: str) -> Iterator[float]:
    """Yield the pause after each attempt, except for the last one."""
    for attempt in range(ATTEMPTS - 1 if method in _REPEATABLE else 0):
        yield FIRST_PAUSE_SECONDS * 2**attempt


class RegistryClient(_Requests):
    """The blocking client. `cache` is a folder for schemas, which are used where the registry cannot be reached."""

    def __init__(self, endpoint: str, token: str, *, timeout: float = 10, cache: Path | str | None = None) -> None:
        super().__init__(endpoint, token, timeout, cache)
        self._http = httpx.Client(**self._settings)

    def __enter__(self) -> RegistryClient:
        return self

    def __exit__(self, *error: object) -> None:
        self._http.close()

    def get(self, name: str, version: str = "latest") -> JSON:
        """Return a version by its exact text, `latest` or a range."""
        return self._read(self._send("GET", _path(name, version)))  # type: ignore[no-any-return]

    def schema(self, name: str, version: str = "latest") -> Schema:
        """Return a compound schema: from the registry, or from the cache where it cannot be reached."""
        known = self.cache.get(f"{name}@{version}")
        headers = {"If-None-Match": known["etag"]} if known and known.get("etag") else {}
        try:
            response = self._send("GET", f"{_path(name, version)}/bundled", headers=headers)
        except RegistryUnreachable:
            if known is None:
                raise
            return Schema(**known)
        return self._schema_of(name, version, response, known)

    def publish(self, contract: JSON, *, dry_run: bool = False) -> JSON:
        """Publish a version: name, version, and jsonSchema, wit or descriptor."""
        query = "?dryRun=true" if dry_run else ""
        return self._read(self._send("POST", f"/registry/contracts{query}", contract))  # type: ignore[no-any-return]

    def sign(self, name: str, version: str, envelope: JSON) -> JSON:
        """Add a signature, a DSSE envelope, to a version."""
        return self._read(self._send("POST", f"{_path(name, version)}/signatures", envelope))  # type: ignore[no-any-return]

    def manifest_digest(self, name: str, version: str) -> str:
        """Return the digest of the OCI manifest of a version; empty if the registry has none for it."""
        path = f"/v2/{_repository(name)}/manifests/{quote(version, safe='')}"
        response = self._send("GET", path)
        return response.headers.get("Docker-Content-Digest", "") if response.is_success else ""

    def check(self, old: JSON, new: JSON, **options: Any) -> JSON:
        """Compare two versions, registered or given as schemas."""
        return self._read(self._send("POST", "/registry/check", {"old": old, "new": new, **options}))  # type: ignore[no-any-return]

    def diff(self, name: str, old: str, new: str) -> JSON:
        """Return the verdict on the step between two versions of a contract."""
        query = httpx.QueryParams({"from": old, "to": new})
        return self._read(self._send("GET", f"{_path(name)}/diff?{query}"))  # type: ignore[no-any-return]

    def examples(self, name: str, version: str = "latest") -> JSON:
        """Return `valid` and `invalid` instances for the schema of a version."""
        return self._read(self._send("GET", f"{_path(name, version)}/examples"))  # type: ignore[no-any-return]

    def search(self, q: str, **filters: str) -> JSON:
        """Return the contracts that match some words."""
        return self._read(self._send("GET", f"/registry/search?{httpx.QueryParams({'q': q, **filters})}"))  # type: ignore[no-any-return]

    def bind(self, name: str, binding: JSON) -> JSON:
        """Bind a subject to a contract."""
        return self._read(self._send("PUT", f"/registry/bindings/{quote(name, safe='')}", binding))  # type: ignore[no-any-return]

    def bindings(self) -> list[JSON]:
        """Return every binding."""
        return self._read(self._send("GET", "/registry/bindings"))["bindings"]  # type: ignore[no-any-return]

    def _send(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> httpx.Response:
        pauses = _pauses(method)
        while True:
            pause = next(pauses, None)
            try:
                response = self._http.request(method, path, json=body, headers=headers or {})
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                if pause is None:
                    raise RegistryUnreachable(f"{self.endpoint} cannot be reached: {error}") from None
            else:
                if pause is None or response.status_code not in _RETRIED:
                    return _answered(response, self.endpoint)
            time.sleep(pause)


class AsyncRegistryClient(_Requests):
    """The asynchronous client, for what programs over NATS need."""

    def __init__(self, endpoint: str, token: str, *, timeout: float = 10, cache: Path | str | None = None) -> None:
        super().__init__(endpoint, token, timeout, cache)
        self._http = httpx.AsyncClient(**self._settings)

    async def __aenter__(self) -> AsyncRegistryClient:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._http.aclose()

    async def get(self, name: str, version: str = "latest") -> JSON:
        """Return a version by its exact text, `latest` or a range."""
        return self._read(await self._send("GET", _path(name, version)))  # type: ignore[no-any-return]

    async def schema(self, name: str, version: str = "latest") -> Schema:
        """Return a compound schema: from the registry, or from the cache where it cannot be reached."""
        known = self.cache.get(f"{name}@{version}")
        headers = {"If-None-Match": known["etag"]} if known and known.get("etag") else {}
        try:
            response = await self._send("GET", f"{_path(name, version)}/bundled", headers=headers)
        except RegistryUnreachable:
            if known is None:
                raise
            return Schema(**known)
        return self._schema_of(name, version, response, known)

    async def publish(self, contract: JSON, *, dry_run: bool = False) -> JSON:
        """Publish a version: name, version, and jsonSchema, wit or descriptor."""
        query = "?dryRun=true" if dry_run else ""
        return self._read(await self._send("POST", f"/registry/contracts{query}", contract))  # type: ignore[no-any-return]

    async def declare(self, client: str, usage: JSON) -> JSON:
        """Declare what a client reads and writes: `uses`, and possibly `version` and `environment`."""
        return self._read(await self._send("PUT", f"/registry/usage/{quote(client, safe='')}", usage))  # type: ignore[no-any-return]

    async def _send(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        pauses = _pauses(method)
        while True:
            pause = next(pauses, None)
            try:
                response = await self._http.request(method, path, json=body, headers=headers or {})
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                if pause is None:
                    raise RegistryUnreachable(f"{self.endpoint} cannot be reached: {error}") from None
            else:
                if pause is None or response.status_code not in _RETRIED:
                    return _answered(response, self.endpoint)
            await asyncio.sleep(pause)


def _answered(response: httpx.Response, endpoint: str) -> httpx.Response:
    """Return a response, or raise RegistryUnreachable if a service before the registry, or it itself, is away."""
    if response.status_code in (502, 503, 504):
        raise RegistryUnreachable(f"{endpoint} is not available: HTTP {response.status_code}")
    return response
