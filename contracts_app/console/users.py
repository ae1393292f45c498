"""Django's pages of users and groups, with the registry's words and without what it does not use."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, Permission, User
from django.db.models import ManyToManyField
from django.forms import CheckboxSelectMultiple
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

_ACCESS = _(
    "Staff status lets the user log in to this console. What they may do there comes from their groups: viewer, "
    "publisher, steward, auditor, or one of these for some contracts, such as publisher:payments.*. Superusers may do "
    "everything."
)
_GROUP = _(
    "A group named ROLE:PATTERN, such as steward:payments.*, gives what the group ROLE gives, for the contracts that "
    "the pattern covers; it needs no permissions of its own."
)
_APPS = ("contracts_app", "auth")

admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class ConsoleUserAdmin(UserAdmin):  # type: ignore[type-arg]
    """Users, with their groups in the list."""

    list_display = ("username", "email", "groups_of", "is_staff", "is_superuser", "last_login")
    list_filter = ("groups", "is_staff", "is_superuser", "is_active")
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        (_("Person"), {"fields": ("first_name", "last_name", "email")}),
        (_("Access"), {"description": _ACCESS, "fields": ("is_active", "is_staff", "is_superuser", "groups")}),
        (_("Dates"), {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = (
        (None, {"fields": ("username", "usable_password", "password1", "password2")}),
        (_("Access"), {"description": _ACCESS, "fields": ("is_staff", "groups")}),
    )
    filter_horizontal = ()
    formfield_overrides = {ManyToManyField: {"widget": CheckboxSelectMultiple}}

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("groups")

    @admin.display(description=_("Groups"))
    def groups_of(self, user: User) -> str:
        return ", ".join(sorted(group.name for group in user.groups.all())) or "-"


@admin.register(Group)
class ConsoleGroupAdmin(GroupAdmin):
    """Groups, with the permissions that the console has."""

    fieldsets = ((None, {"description": _GROUP, "fields": ("name", "permissions")}),)
    filter_horizontal = ()
    formfield_overrides = {ManyToManyField: {"widget": CheckboxSelectMultiple}}

    def formfield_for_manytomany(
        self, db_field: ManyToManyField[Any, Any], request: HttpRequest | None = None, **kwargs: Any
    ) -> Any:
        if db_field.name == "permissions":
            found = Permission.objects.filter(content_type__app_label__in=_APPS)
            kwargs["queryset"] = found.select_related("content_type")
        return super().formfield_for_manytomany(db_field, request, **kwargs)
