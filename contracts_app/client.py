"""A client of the registry's HTTP API. It needs nothing of Django, and no settings.

with RegistryClient("http://localhost:8090", token) as registry:
    registry.publish({"name": "order.placed", "version": "1.0.0", "jsonSchema": {...}})
"""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import Any
from urllib.parse import quote

import httpx

JSON = dict[str, Any]


class RegistryError(Exception):
    """The registry refused. `code` is stable; `problem` is the whole of RFC 9457's object."""

    def __init__(self, status: int, problem: JSON) -> None:
        super().__init__(str(problem.get("detail", f"HTTP {status}")))
        self.status = status
        self.problem = problem
        self.code = str(problem.get("code", ""))


class RegistryUnreachable(Exception):
    """No registry answered; whether a write was done is not known. Publishing again tells."""


class RegistryClient:
    def __init__(self, endpoint: str, token: str, *, timeout: float = 30) -> None:
        self.endpoint = endpoint.rstrip("/")
        self._timeout = timeout
        self._http = httpx.Client(
            headers={"Authorization": f"Bearer {token}", "Accept": "application/problem+json, application/json"},
            timeout=timeout,
            follow_redirects=False,
        )

    def __enter__(self) -> RegistryClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def publish(self, contract: JSON, *, dry_run: bool = False) -> JSON:
        """Publish a version: name, version, and what else docs/api.md names."""
        return self._json("POST", "/registry/contracts", contract, dryRun=dry_run or None)

    def publish_all(self, contracts: list[JSON], *, dry_run: bool = False) -> JSON:
        """Publish a set whose members may depend on each other."""
        return self._json("POST", "/registry/contracts:batch", {"contracts": contracts}, dryRun=dry_run or None)

    def get(self, name: str, version: str = "latest", *, include_withdrawn: bool = False) -> JSON:
        """A version by its exact text, `latest` or a range."""
        return self._json("GET", _path(name, version), includeWithdrawn=include_withdrawn or None)

    def contract(self, name: str) -> JSON:
        """A contract with its versions, states and policy."""
        return self._json("GET", _path(name))

    def contracts(self, **parameters: Any) -> Iterator[JSON]:
        """Every item of a search (q, prefix, label, state, include), page by page."""
        path, query = "/registry/contracts", {"limit": 1000, **parameters}
        while path:
            answer = self._send("GET", path, None, query)
            yield from answer.json()["contracts"]
            path, query = answer.links.get("next", {}).get("url", ""), {}

    def check(self, old: JSON, new: JSON, **options: Any) -> JSON:
        """Compare two registered versions, or schemas at hand."""
        return self._json("POST", "/registry/check", {"old": old, "new": new, **options})

    def validate(self, name: str, version: str, instance: Any) -> JSON:
        return self._json("POST", f"{_path(name, version)}/validate", instance)

    def activate(self, name: str, version: str, **fields: Any) -> JSON:
        return self._change(name, version, "activate", fields)

    def deprecate(self, name: str, version: str, **fields: Any) -> JSON:
        """Fields: reason, sunset, successor."""
        return self._change(name, version, "deprecate", fields)

    def withdraw(self, name: str, version: str, **fields: Any) -> JSON:
        """Fields: reason, successor, override."""
        return self._change(name, version, "withdraw", fields)

    def events(self, since: int, *, wait: int = 30) -> JSON:
        """The events after a sequence, waiting for the first; `next` is what to ask for then."""
        return self._json("GET", "/registry/events", since=since, wait=min(wait, int(self._timeout) - 5))

    def _change(self, name: str, version: str, action: str, fields: JSON) -> JSON:
        given = {key: value for key, value in fields.items() if value is not None}
        return self._json("POST", f"{_path(name, version)}/{action}", given)

    def _json(self, method: str, path: str, body: Any = None, **query: Any) -> JSON:
        answer: Any = self._send(method, path, body, query).json()
        return answer  # type: ignore[no-any-return]

    def _send(self, method: str, path: str, body: Any, query: JSON) -> httpx.Response:
        parameters = {
            name: str(value).lower() if isinstance(value, bool) else value
            for name, value in query.items()
            if value is not None
        }
        url = path if path.startswith("http") else self.endpoint + path
        try:
            content = {} if body is None else {"json": body}
            answer = self._http.request(method, url, params=parameters or None, **content)
        except httpx.TimeoutException:
            raise RegistryUnreachable(
                f"{self.endpoint} did not answer within {self._timeout:g} seconds. What was asked for may have been "
                "done: ask again; 'already exists' with the same digest means that it was."
            ) from None
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            raise RegistryUnreachable(f"{self.endpoint} cannot be reached: {error}") from None
        try:
            told = answer.json()
        except ValueError:
            told = None
        if answer.is_success and isinstance(told, dict):
            return answer
        if not isinstance(told, dict) or "detail" not in told:
            told = {"detail": f"this does not look like a contract registry: {answer.text[:200]!r}"}
        raise RegistryError(answer.status_code, told)


def _path(name: str, version: str = "") -> str:
    path = f"/registry/contracts/{quote(name, safe='')}"
    return f"{path}/{quote(version, safe='')}" if version else path
