"""The registry for programs that speak the Model Context Protocol, over the registry's own HTTP API.

Each call uses a token: over HTTP that of the request, over stdio one of the environment. The registry decides what it
may.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jwt
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations

from contracts_app.client import JSON, RegistryClient, RegistryError, RegistryUnreachable
from linter_app.report.rule_reference import explain
from linter_app.rules import all_rules

INSTRUCTIONS = (
    "A registry of contracts: event schemas (JSON Schema) and WebAssembly interfaces (WIT), with their versions. "
    "Search for a contract, get a version, check whether a change of its schema would break its users, and validate an "
    "instance. A verdict names each change with its rule and an example; explain_rule says what a rule means."
)
_READING = ToolAnnotations(read_only_hint=True, open_world_hint=False)
_WRITING = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
MAX_CHANGES = 50
"""Changes of a verdict that are returned."""


def may_write(token: str, scope_claims: tuple[str, ...]) -> bool:
    """Return whether a token claims a scope for publishing; the registry verifies it when it is used."""
    try:
        claims = jwt.decode(token, options={"verify_signature": False})
    except jwt.InvalidTokenError:
        return False
    scopes = next((claims[name] for name in scope_claims if claims.get(name) is not None), ())
    listed = scopes.split() if isinstance(scopes, str) else scopes
    return any(str(each).startswith("contracts:write") for each in listed)


def make_server(endpoint: str, token: str = "", *, writable: bool) -> MCPServer[Any]:
    """Return a server of the registry at an endpoint. Without a token, each request must bring one."""
    server: MCPServer[Any] = MCPServer("contract-registry", instructions=INSTRUCTIONS)

    def call(ctx: Context[Any], work: Callable[[RegistryClient], JSON]) -> JSON:
        """Return what the registry responds, or raise ToolError with its reason."""
        try:
            with RegistryClient(endpoint, token or _token_of(ctx.headers)) as registry:
                return work(registry)
        except RegistryError as error:
            raise ToolError(f"The registry refused ({error.status}): {error}") from None
        except (RegistryUnreachable, UnicodeError, ValueError) as error:
            raise ToolError(f"The registry cannot be used: {error}") from None

    @server.tool(annotations=_READING)
    def search(q: str, ctx: Context[Any]) -> JSON:
        """Find contracts by words in any order: names, descriptions, labels, owners, fields, WIT functions."""
        return call(ctx, lambda registry: registry.search(q))

    @server.tool(annotations=_READING)
    def get(name: str, ctx: Context[Any], version: str = "latest") -> JSON:
        """Return a version of a contract with its schema or WIT: an exact version, `latest`, or a range such as ^1."""
        return call(ctx, lambda registry: registry.get(name, version))

    @server.tool(annotations=_READING)
    def versions(name: str, ctx: Context[Any]) -> JSON:
        """Return the versions of a contract with their states, and its policy."""
        return call(ctx, lambda registry: registry.contract(name))

    @server.tool(annotations=_READING)
    def check(
        ctx: Context[Any], name: str, schema: JSON | bool | None = None, wit: str | None = None, against: str = "latest"
    ) -> JSON:
        """Judge a proposed schema or WIT text against a version of a contract, without publishing it.

        The verdict lists the changes, each with its rule, its place and, where it breaks, an example of a value that
        one side accepts and the other refuses; and the bump that the change needs.
        """
        if (schema is None) == (wit is None):
            raise ToolError("Give either schema or wit")
        proposed: JSON = {"wit": wit} if wit is not None else {"jsonSchema": schema}
        old = {"name": name, "version": against}
        verdict = call(ctx, lambda registry: registry.check(old, {"name": name, **proposed}))
        left = len(verdict["changes"]) - MAX_CHANGES
        verdict["changes"].sort(key=lambda change: not change["breaking"])
        verdict["changes"] = verdict["changes"][:MAX_CHANGES]
        return verdict | ({"changesLeftOut": left} if left > 0 else {})

    @server.tool(annotations=_READING)
    def validate(name: str, instance: Any, ctx: Context[Any], version: str = "latest") -> JSON:
        """Validate a JSON value by the schema of a version; the errors name their places."""
        return call(ctx, lambda registry: registry.validate(name, version, instance))

    @server.tool(annotations=_READING)
    def explain_rule(rule: str) -> str:
        """Explain a rule that a verdict names: what it means, an example, and what to do about it."""
        found = all_rules().get(rule)
        if found is None:
            raise ToolError(f"There is no rule {rule!r:.80}; a verdict names the rules of its changes")
        return explain(found)

    if writable:

        @server.tool(annotations=_WRITING)
        def publish(
            ctx: Context[Any],
            name: str,
            version: str,
            schema: JSON | bool | None = None,
            wit: str | None = None,
            description: str | None = None,
            dry_run: bool = True,
        ) -> JSON:
            """Publish a new version of a contract; by default as a dry run, which says whether it would be accepted.

            A published version never changes. A break without the bump that it needs is refused with the reason.
            """
            members = {"name": name, "version": version, "jsonSchema": schema, "wit": wit, "description": description}
            given = {member: value for member, value in members.items() if value is not None}
            return call(ctx, lambda registry: registry.publish(given, dry_run=dry_run))

    return server


def _token_of(headers: Mapping[str, str] | None) -> str:
    """Return the bearer token of a request. Raises ToolError."""
    scheme, _, token = (headers or {}).get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise ToolError("This server needs a token of the registry in the header Authorization: Bearer <token>")
    return token.strip()
