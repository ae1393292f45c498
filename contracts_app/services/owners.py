"""Who is responsible for a contract: labels of its latest version, or else its policy."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from contracts_app.policies import Policy


class Owner(NamedTuple):
    """A team and how to reach it; each may be empty."""

    team: str = ""
    contact: str = ""


def owner_of(labels: Iterable[str], policy: Policy) -> Owner:
    """Return the owner: the labels `owner:TEAM` and `contact:HOW`, where they are missing `owner` and `contact` of the
    policy.
    """
    labelled = dict(label.split(":", 1) for label in labels if label.startswith(("owner:", "contact:")))
    team = labelled.get("owner", "").strip() or policy.owner or ""
    contact = labelled.get("contact", "").strip() or policy.contact or ""
    return Owner(team, contact)
