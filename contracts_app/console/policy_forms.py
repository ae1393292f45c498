"""The forms of a policy. An empty field inherits from the level above."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from contracts_app.console.forms import ConsoleForm
from contracts_app.policies import COMPATIBILITIES, MAX_NOTICE_DAYS, MAX_OWNER_CHARACTERS
from contracts_app.services.publish_requests import MAX_REASON_CHARACTERS


class PolicyForm(ConsoleForm):
    fields_of_errors = {
        "strictOpenObjects": "strict",
        "readersIgnoreUnknown": "readers",
        "allowOverride": "override",
        "minimumNoticeDays": "notice",
        "refuseUnresolvedReferences": "unresolved",
        "readOnly": "frozen",
        "protectConsumers": "protect",
        "requiredSigners": "signers",
        "review": "review",
    }
    _MEMBERS = {
        "strict": "strictOpenObjects",
        "readers": "readersIgnoreUnknown",
        "override": "allowOverride",
        "unresolved": "refuseUnresolvedReferences",
        "frozen": "readOnly",
        "protect": "protectConsumers",
    }
    _LISTS = {"signers": "requiredSigners", "review": "review"}
    _BOOLEAN = [("", _("inherited")), ("true", _("yes")), ("false", _("no"))]

    compatibility = forms.ChoiceField(
        label=_("Compatibility"),
        required=False,
        choices=[("", _("inherited"))] + [(each, each) for each in COMPATIBILITIES],
        help_text=_(
            "What a new version must not break; transitive: compared with every version, not only the neighbours"
        ),
    )
    strict = forms.ChoiceField(
        label=_("Strict open objects"),
        required=False,
        choices=_BOOLEAN,
        help_text=_("A new optional property of an open object counts as breaking"),
    )
    readers = forms.ChoiceField(
        label=_("Readers ignore unknown properties"),
        required=False,
        choices=_BOOLEAN,
        help_text=_("Closed objects bind writers only: properties may be added to them, and removed"),
    )
    override = forms.ChoiceField(
        label=_("Allow overrides"),
        required=False,
        choices=_BOOLEAN,
        help_text=_("Stewards can publish a breaking change, or withdraw what others depend on, with a reason"),
    )
    notice = forms.IntegerField(
        label=_("Days of notice"),
        required=False,
        min_value=0,
        max_value=MAX_NOTICE_DAYS,
        help_text=_("Between a deprecation and its sunset; leave empty to inherit"),
    )

    unresolved = forms.ChoiceField(
        label=_("Refuse unresolved references"),
        required=False,
        choices=_BOOLEAN,
        help_text=_("A schema that refers to what the registry cannot resolve is refused instead of warned about"),
    )
    frozen = forms.ChoiceField(
        label=_("Read-only"),
        required=False,
        choices=_BOOLEAN,
        help_text=_("No version can be published or change its state until this is lifted"),
    )
    protect = forms.ChoiceField(
        label=_("Protect consumers"),
        required=False,
        choices=_BOOLEAN,
        help_text=_("A version that clients declare to use cannot be withdrawn without an override"),
    )
    signers = forms.CharField(
        label=_("Required signers"),
        required=False,
        max_length=2000,
        help_text=_(
            "Names separated by commas: one of them must have signed a version before it becomes active; - for none"
        ),
    )
    review = forms.CharField(
        label=_("Review"),
        required=False,
        max_length=200,
        help_text=_("What another person must approve, of new, breaking, override, by commas; - for nothing"),
    )
    owner = forms.CharField(
        label=_("Owner"),
        required=False,
        max_length=MAX_OWNER_CHARACTERS,
        help_text=_("The team that is responsible for these contracts"),
    )
    contact = forms.CharField(
        label=_("Contact"),
        required=False,
        max_length=MAX_OWNER_CHARACTERS,
        help_text=_("How to reach the owner: an address, a channel or a URL"),
    )

    reason = forms.CharField(
        label=_("Reason of this change"),
        required=False,
        max_length=MAX_REASON_CHARACTERS,
        help_text=_("Recorded in the audit"),
    )

    def policy(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        policy: dict[str, Any] = {}
        if cleaned["compatibility"]:
            policy["compatibility"] = cleaned["compatibility"]
        for field, member in self._MEMBERS.items():
            if cleaned[field]:
                policy[member] = cleaned[field] == "true"
        for member in ("owner", "contact"):
            if cleaned[member]:
                policy[member] = cleaned[member]
        for field, member in self._LISTS.items():
            if given := [part.strip() for part in cleaned[field].split(",") if part.strip()]:
                policy[member] = [] if given == ["-"] else given
        if cleaned["notice"] is not None:
            policy["minimumNoticeDays"] = cleaned["notice"]
        return policy

    @staticmethod
    def initial_of(policy: dict[str, Any]) -> dict[str, Any]:
        words: dict[Any, str] = {True: "true", False: "false"}
        return {
            "compatibility": policy.get("compatibility", ""),
            "notice": policy.get("minimumNoticeDays"),
            **{
                field: ", ".join(policy.get(member, ())) or ("-" if member in policy else "")
                for field, member in PolicyForm._LISTS.items()
            },
            "owner": policy.get("owner", ""),
            "contact": policy.get("contact", ""),
            **{field: words.get(policy.get(member), "") for field, member in PolicyForm._MEMBERS.items()},
        }


class NewPolicyForm(PolicyForm):
    level = forms.ChoiceField(
        label=_("Applies to"),
        choices=[
            ("default", _("every contract")),
            ("prefix", _("contracts whose names begin with a prefix")),
            ("contract", _("one contract")),
        ],
    )
    name = forms.CharField(label=_("Name or prefix"), required=False, max_length=200)
    field_order = ["level", "name"]
