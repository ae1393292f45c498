"""Create the users and sample data of a served console: `python -m tests.console.prepare` in its environment."""

from __future__ import annotations

import os

import django

PASSWORD = "correct-horse-battery"


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registry_project.settings")
    django.setup()
    from django.contrib.auth.models import Group, User
    from django.core.management import call_command

    from contracts_app.storage import contract_store
    from tests.console.sample import fill

    call_command("migrate", verbosity=0)
    User.objects.create_superuser("mara", password=PASSWORD)
    for name in Group.objects.values_list("name", flat=True):
        user = User.objects.create_user(name, password=PASSWORD, is_staff=True)
        user.groups.add(Group.objects.get(name=name))
    fill(contract_store())


if __name__ == "__main__":
    main()
