"""A client of the registry's HTTP API. It needs neither Django nor settings.

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
    """The registry refused the request. `code` is stable; `problem` is the whole object of RFC 9457."""

    def __init__(self, status: int, problem: JSON) -> None:
        super().__init__(str(problem.get("detail", f"HTTP {status}")))
        self.status = status
        self.problem = problem
        self.code = str(problem.get("code", ""))


class RegistryUnreachable(Exception):
    """No registry answered. Whether a write was done is not known; publishing again is safe."""


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
        """Publish a version: name, version, and what else docs/api.md names.

        Its `status` is `created`, or `pending` where a policy has another person review it first.
        """
        return self._json("POST", "/registry/contracts", contract, dryRun=dry_run or None)

    def publish_all(self, contracts: list[JSON], *, dry_run: bool = False) -> JSON:
        """Publish a set whose members may depend on each other."""
        return self._json("POST", "/registry/contracts:batch", {"contracts": contracts}, dryRun=dry_run or None)

    def get(self, name: str, version: str = "latest", *, include_withdrawn: bool = False) -> JSON:
        """Return a version by its exact text, `latest` or a range."""
        return self._json("GET", _path(name, version), includeWithdrawn=include_withdrawn or None)

    def contract(self, name: str) -> JSON:
        """Return a contract with its versions, states and policy."""
        return self._json("GET", _path(name))

    def contracts(self, **parameters: Any) -> Iterator[JSON]:
        """Yield every item of a search (q, prefix, label, state, include), fetching page after page."""
        path, query = "/registry/contracts", {"limit": 1000, **parameters}
        while path:
            response = self._send("GET", path, None, query)
            yield from response.json()["contracts"]
            path, query = response.links.get("next", {}).get("url", ""), {}

    def search(self, q: str, **parameters: Any) -> JSON:
        """Return the contracts that match some words, with suggestions where nothing does."""
        return self._json("GET", "/registry/search", q=q, **parameters)

    def check(self, old: JSON, new: JSON, **options: Any) -> JSON:
        """Compare two versions, registered or given as schemas."""
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

    def remove(
        self, name: str, version: str | None = None, *, reason: str, force: bool = False, dry_run: bool = False
    ) -> JSON:
        """Remove a draft, with `force` a published version; without `version` the whole contract."""
        path = _path(name, version or "")
        return self._json("DELETE", path, reason=reason, force=force or None, dryRun=dry_run or None)

    def bindings(self) -> list[JSON]:
        """Return every binding of a subject to a contract."""
        found: list[JSON] = self._json("GET", "/registry/bindings")["bindings"]
        return found

    def bind(self, name: str, binding: JSON) -> JSON:
        """Set a binding: subject, contract, and what else docs/subjects.md names."""
        return self._json("PUT", f"/registry/bindings/{quote(name, safe='')}", binding)

    def asyncapi(self, *, subject: str | None = None) -> JSON:
        """Return the bindings as an AsyncAPI document, or those that overlap with a subject."""
        return self._json("GET", "/registry/asyncapi", subject=subject)

    def unbind(self, name: str) -> None:
        self._send("DELETE", f"/registry/bindings/{quote(name, safe='')}", None, {})

    def proposals(self, *, state: str | None = None, contract: str | None = None) -> list[JSON]:
        """Return what waits for a review (state `pending`), and what was decided."""
        found: list[JSON] = self._json("GET", "/registry/proposals", state=state, contract=contract)["proposals"]
        return found

    def proposal(self, name: str, version: str) -> JSON:
        """Return a proposal; while it waits, with its content and how it is judged now."""
        return self._json("GET", _proposal(name, version))

    def approve(self, name: str, version: str, reason: str, *, revision: int | None = None) -> JSON:
        """Approve another person's proposal and publish it, unless the contract is no longer at that revision."""
        body = {"reason": reason} | ({"revision": revision} if revision is not None else {})
        return self._json("POST", f"{_proposal(name, version)}/approve", body)

    def reject(self, name: str, version: str, reason: str) -> JSON:
        return self._json("POST", f"{_proposal(name, version)}/reject", {"reason": reason})

    def withdraw_proposal(self, name: str, version: str) -> JSON:
        """Take one's own proposal back."""
        return self._json("DELETE", _proposal(name, version))

    def can_withdraw(self, name: str, version: str) -> JSON:
        """Return whether a version can be withdrawn, why not, and who uses it."""
        return self._json("GET", f"{_path(name, version)}/can-withdraw")

    def usage(self, name: str) -> list[JSON]:
        """Return the clients that declared that they use a contract."""
        found: list[JSON] = self._json("GET", f"{_path(name)}/usage")["clients"]
        return found

    def events(self, since: int | str, *, wait: int = 30) -> JSON:
        """Return the events after another one, waiting for the first; `next` is the `since` of the following call.

        `since` is an event's id, or its sequence; 0 is all events. With an id, a bucket that was replaced or restored
        is noticed for certain: RegistryError with the status 410, whose problem has `beginWith`.
        """
        return self._json("GET", "/registry/events", since=since, wait=min(wait, int(self._timeout) - 5))

    def _change(self, name: str, version: str, action: str, fields: JSON) -> JSON:
        given = {key: value for key, value in fields.items() if value is not None}
        return self._json("POST", f"{_path(name, version)}/{action}", given)

    def _json(self, method: str, path: str, body: Any = None, **query: Any) -> JSON:
        response: Any = self._send(method, path, body, query).json()
        return response  # type: ignore[no-any-return]

    def _url(self, path: str) -> str:
        """Return the URL of a path, or of a link that the registry sent, which must lead to the registry itself."""
        if not path.startswith(("http://", "https://", "//")):
            return self.endpoint + path
        if not path.startswith(f"{self.endpoint}/"):
            raise RegistryError(200, {"detail": f"the registry links to another host, {path[:200]!r}; not followed"})
        return path

    def _send(self, method: str, path: str, body: Any, query: JSON) -> httpx.Response:
        parameters = {
            name: str(value).lower() if isinstance(value, bool) else value
            for name, value in query.items()
            if value is not None
        }
        url = self._url(path)
        try:
            content = {} if body is None else {"json": body}
            response = self._http.request(method, url, params=parameters or None, **content)
        except httpx.TimeoutException:
            raise RegistryUnreachable(
                f"{self.endpoint} did not answer within {self._timeout:g} seconds. The request may have been "
                "done: send it again; 'already exists' with the same digest means that it was."
            ) from None
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            raise RegistryUnreachable(f"{self.endpoint} cannot be reached: {error}") from None
        if response.status_code == 204:
            return response
        try:
            problem = response.json()
        except ValueError:
            problem = None
        if response.is_success and isinstance(problem, dict):
            return response
        if not isinstance(problem, dict) or "detail" not in problem:
            problem = {"detail": f"this does not look like a contract registry: {response.text[:200]!r}"}
        raise RegistryError(response.status_code, problem)


def _proposal(name: str, version: str) -> str:
    return f"/registry/proposals/{quote(name, safe='')}/{quote(version, safe='')}"


def _path(name: str, version: str = "") -> str:
    path = f"/registry/contracts/{quote(name, safe='')}"
    return f"{path}/{quote(version, safe='')}" if version else path
