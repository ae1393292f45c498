"""The objects of Django's permissions. Contracts are stored in JetStream: these models have no tables."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Contract(models.Model):
    class Meta:
        managed = False
        default_permissions = ("view",)
        permissions = [
            ("publish_contract", _("Can publish contracts")),
            ("change_lifecycle", _("Can activate, deprecate and withdraw versions")),
            ("override_policy", _("Can override what a policy refuses, with a reason")),
            ("approve_proposal", _("Can approve and reject what others propose")),
        ]
        verbose_name = _("contract")
        verbose_name_plural = _("contracts")


class Policy(models.Model):
    class Meta:
        managed = False
        default_permissions = ("view", "change")
        verbose_name = _("policy")
        verbose_name_plural = _("policies")


class Binding(models.Model):
    class Meta:
        managed = False
        default_permissions = ()
        verbose_name = _("binding")
        verbose_name_plural = _("bindings")


class Proposal(models.Model):
    class Meta:
        managed = False
        default_permissions = ()
        verbose_name = _("proposal")
        verbose_name_plural = _("proposals")


class Webhook(models.Model):
    class Meta:
        managed = False
        default_permissions = ()
        verbose_name = _("webhook")
        verbose_name_plural = _("webhooks")


class Signer(models.Model):
    class Meta:
        managed = False
        default_permissions = ()
        verbose_name = _("signer")
        verbose_name_plural = _("signers")


class AuditEntry(models.Model):
    class Meta:
        managed = False
        default_permissions = ("view",)
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit")
