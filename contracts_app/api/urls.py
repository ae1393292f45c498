"""The routes of the API. None ends with a slash."""

from typing import Any

from django.urls import path

from contracts_app.api.audit import AuditViewSet
from contracts_app.api.bindings import BindingViewSet
from contracts_app.api.comparisons import ComparisonViewSet
from contracts_app.api.contracts import ContractViewSet
from contracts_app.api.events import EventViewSet
from contracts_app.api.lifecycle import LifecycleViewSet
from contracts_app.api.openapi.views import docs, openapi
from contracts_app.api.policies import PolicyViewSet
from contracts_app.api.proposals import ProposalViewSet
from contracts_app.api.search import SearchViewSet
from contracts_app.api.signatures import SignatureViewSet, SignerViewSet
from contracts_app.api.streams import StreamViewSet
from contracts_app.api.usage import UsageViewSet
from contracts_app.api.validation import ValidationViewSet
from contracts_app.api.versions import VersionViewSet
from contracts_app.api.webhooks import WebhookViewSet

CONTRACTS = "registry/contracts"
VERSION = f"{CONTRACTS}/<str:name>/<str:version>"
POLICIES = "registry/policies"
PROPOSAL = "registry/proposals/<str:name>/<str:version>"


def _version(part: str, action: str) -> Any:
    return path(f"{VERSION}/{part}", VersionViewSet.as_view({"get": action}))


def _policy(route: str, level: str) -> Any:
    view = PolicyViewSet.as_view({"get": "get", "put": "put", "delete": "delete"})
    return path(f"{POLICIES}/{route}", view, {"level": level})


urlpatterns = [
    path(CONTRACTS, ContractViewSet.as_view({"get": "list", "post": "create"})),
    path(f"{CONTRACTS}:batch", ContractViewSet.as_view({"post": "batch"})),
    path("registry/check", ComparisonViewSet.as_view({"post": "check"})),
    path("registry/search", SearchViewSet.as_view({"get": "list"})),
    path("registry/audit", AuditViewSet.as_view({"get": "list"})),
    path("registry/openapi.json", openapi, name="openapi"),
    path("registry/docs", docs, name="docs"),
    path("registry/events", EventViewSet.as_view({"get": "list"})),
    path("registry/digests/<str:digest>", ContractViewSet.as_view({"get": "digest"})),
    path("registry/streams/<str:stream>/check", StreamViewSet.as_view({"post": "check"})),
    path("registry/usage", UsageViewSet.as_view({"get": "list"})),
    path("registry/usage/<str:client>", UsageViewSet.as_view({"put": "put", "delete": "delete"})),
    path("registry/bindings", BindingViewSet.as_view({"get": "list"})),
    path("registry/bindings/<str:name>", BindingViewSet.as_view({"get": "get", "put": "put", "delete": "delete"})),
    path("registry/proposals", ProposalViewSet.as_view({"get": "list"})),
    path(PROPOSAL, ProposalViewSet.as_view({"get": "get", "delete": "withdraw"})),
    path(f"{PROPOSAL}/approve", ProposalViewSet.as_view({"post": "approve"})),
    path(f"{PROPOSAL}/reject", ProposalViewSet.as_view({"post": "reject"})),
    path("registry/signers", SignerViewSet.as_view({"get": "list"})),
    path("registry/signers/<str:signer>", SignerViewSet.as_view({"get": "get", "put": "put", "delete": "delete"})),
    path("registry/webhooks", WebhookViewSet.as_view({"get": "list"})),
    path("registry/webhooks/<str:webhook>", WebhookViewSet.as_view({"get": "get", "put": "put", "delete": "delete"})),
    path("registry/webhooks/<str:webhook>/rotate", WebhookViewSet.as_view({"post": "rotate"})),
    path("registry/webhooks/<str:webhook>/test", WebhookViewSet.as_view({"post": "test"})),
    path("registry/webhooks/<str:webhook>/dead-letters", WebhookViewSet.as_view({"get": "failed"})),
    path("registry/webhooks/<str:webhook>/redeliver", WebhookViewSet.as_view({"post": "redeliver"})),
    path("registry/asyncapi", BindingViewSet.as_view({"get": "asyncapi"})),
    path("registry/subjects/<str:subject>", BindingViewSet.as_view({"get": "subject"})),
    path(POLICIES, PolicyViewSet.as_view({"get": "list"})),
    _policy("default", "default"),
    _policy("prefixes/<str:name>", "prefix"),
    _policy("contracts/<str:name>", "contract"),
    path(f"{CONTRACTS}/<str:name>", ContractViewSet.as_view({"get": "contract", "delete": "remove"})),
    path(f"{CONTRACTS}/<str:name>/diff", ComparisonViewSet.as_view({"get": "diff"})),
    path(f"{CONTRACTS}/<str:name>/usage", UsageViewSet.as_view({"get": "contract"})),
    path(f"{CONTRACTS}/<str:name>/changelog", ComparisonViewSet.as_view({"get": "changelog"})),
    path(VERSION, VersionViewSet.as_view({"get": "retrieve", "delete": "remove"})),
    _version("schema", "json_schema"),
    *[_version(part, part) for part in ("wit", "descriptor", "bundled", "dependencies", "dependents")],
    path(f"{VERSION}/signatures", SignatureViewSet.as_view({"get": "list", "post": "create"})),
    path(f"{VERSION}/validate", ValidationViewSet.as_view({"post": "validate"})),
    path(f"{VERSION}/can-withdraw", UsageViewSet.as_view({"get": "can_withdraw"})),
    path(f"{VERSION}/examples", ValidationViewSet.as_view({"get": "examples"})),
    path(f"{VERSION}/<str:action>", LifecycleViewSet.as_view({"post": "change"})),
]
