"""Permissions of the console, and the groups that `migrate` creates for them."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.contrib.auth.management import create_permissions

VIEW = "contracts_app.view_contract"
PUBLISH = "contracts_app.publish_contract"
LIFECYCLE = "contracts_app.change_lifecycle"
OVERRIDE = "contracts_app.override_policy"
APPROVE = "contracts_app.approve_proposal"
VIEW_POLICY = "contracts_app.view_policy"
CHANGE_POLICY = "contracts_app.change_policy"
AUDIT = "contracts_app.view_auditentry"

_READ = (VIEW, VIEW_POLICY)
GROUPS = {
    "viewer": _READ,
    "publisher": (*_READ, PUBLISH),
    "steward": (*_READ, PUBLISH, LIFECYCLE, OVERRIDE, CHANGE_POLICY, APPROVE),
    "approver": (*_READ, APPROVE),
    "auditor": (*_READ, AUDIT),
}


def make_groups(sender: AppConfig, using: str = "default", **more: Any) -> None:
    """After `migrate`, create each group that is missing. Existing groups are left as the administrators made them."""
    from django.contrib.auth.models import Group, Permission

    # The receiver that creates permissions may run after this one.
    create_permissions(sender, verbosity=0, using=using)
    for name, permissions in GROUPS.items():
        group, created = Group.objects.using(using).get_or_create(name=name)
        if created:
            codenames = [permission.partition(".")[2] for permission in permissions]
            found = Permission.objects.using(using).filter(content_type__app_label=sender.label)
            group.permissions.set(found.filter(codename__in=codenames))
