"""Registration of the console's pages with Django's admin: their URLs, and who sees links to them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import URLPattern, path

from contracts_app.console import (
    audit,
    bindings,
    comparing,
    contracts,
    inferring,
    lifecycle,
    policies,
    proposals,
    publishing,
    replaying,
    signers,
    users,  # noqa: F401  registers its pages
    validating,
    versions,
    webhooks,
)
from contracts_app.console.groups import CHANGE_POLICY, PUBLISH, VIEW
from contracts_app.console.prefix_groups import may_everywhere
from contracts_app.models import AuditEntry, Binding, Contract, Policy, Proposal, Signer, Webhook


class RegistryAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """A ModelAdmin for a model without a table. Its pages are views of the console; the admin changes nothing."""

    pages: tuple[tuple[str, Any, str], ...] = ()
    adding = ""
    """Return the permission that the page behind the admin's `Add` link requires."""

    def get_urls(self) -> list[URLPattern]:
        return [
            path(route, self.admin_site.admin_view(view), name=f"contracts_app_{self.opts.model_name}_{name}")
            for route, view, name in self.pages
        ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(self.adding) and request.user.has_perm(self.adding)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Contract)
class ContractAdmin(RegistryAdmin):
    adding = PUBLISH
    pages = (
        ("", contracts.listing, "changelist"),
        ("add/", publishing.publish, "add"),
        ("deprecate/", lifecycle.bulk, "deprecate"),
        ("rules/", comparing.rules, "rules"),
        ("<str:name>/change/", contracts.contract, "change"),
        ("<str:name>/compare/", comparing.compare, "compare"),
        ("<str:name>/versions/<str:version>/", versions.version, "version"),
        ("<str:name>/versions/<str:version>/validate/", validating.validate, "validate"),
        ("<str:name>/versions/<str:version>/verdict/", contracts.verdict, "verdict"),
        ("<str:name>/versions/<str:version>/raw/<str:part>/", versions.raw, "raw"),
        ("<str:name>/versions/<str:version>/do/<str:action>/", lifecycle.change, "lifecycle"),
    )


@admin.register(Policy)
class PolicyAdmin(RegistryAdmin):
    adding = CHANGE_POLICY
    pages = (
        ("", policies.listing, "changelist"),
        ("add/", policies.add, "add"),
        ("<str:level>/change/", policies.change, "change"),
        ("<str:level>/<str:name>/change/", policies.change, "change"),
    )


class ViewerAdmin(RegistryAdmin):
    """For those who may view contracts."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm(VIEW)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)


@admin.register(Proposal)
class ProposalAdmin(ViewerAdmin):
    pages = (
        ("", proposals.listing, "changelist"),
        ("<str:name>/versions/<str:version>/change/", proposals.proposal, "change"),
    )


@admin.register(Binding)
class BindingAdmin(ViewerAdmin):
    """Bindings have the permissions of what they are about: contracts to view, policies to change."""

    adding = CHANGE_POLICY
    pages = (
        ("", bindings.listing, "changelist"),
        ("add/", bindings.add, "add"),
        ("infer/", inferring.infer, "infer"),
        ("<str:binding>/change/", bindings.change, "change"),
        ("<str:binding>/messages/", replaying.messages, "messages"),
    )


class EveryPolicyAdmin(RegistryAdmin):
    """For those who may change every policy."""

    adding = CHANGE_POLICY

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_everywhere(request.user, CHANGE_POLICY)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)


@admin.register(Webhook)
class WebhookAdmin(EveryPolicyAdmin):
    pages = (
        ("", webhooks.listing, "changelist"),
        ("add/", webhooks.add, "add"),
        ("<str:webhook>/change/", webhooks.change, "change"),
    )


@admin.register(Signer)
class SignerAdmin(EveryPolicyAdmin):
    pages = (
        ("", signers.listing, "changelist"),
        ("add/", signers.add, "add"),
        ("<str:signer>/change/", signers.change, "change"),
    )


@admin.register(AuditEntry)
class AuditEntryAdmin(RegistryAdmin):
    pages = (("", audit.listing, "changelist"),)
