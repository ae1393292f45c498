"""Repositories of the OCI API: `shop/money` is the contract `shop.money`, and the WIT package `shop:money`.

A contract whose name OCI does not allow is the repository `hex/` and its name in hexadecimal digits.
"""

from __future__ import annotations

import re

from contracts_app.bundles import valid_name

HEXADECIMAL = "hex"
_COMPONENT = re.compile(r"[a-z0-9]+(?:(?:_|__|-+)[a-z0-9]+)*")


def repository_of(contract: str) -> str:
    """Return the repository of a contract."""
    segments = contract.split(".")
    if segments[0] != HEXADECIMAL and all(_COMPONENT.fullmatch(each) for each in segments):
        return "/".join(segments)
    return f"{HEXADECIMAL}/{contract.encode().hex()}"


def contract_of(repository: str) -> str | None:
    """Return the contract of a repository, or None if there cannot be one."""
    first, _, rest = repository.partition("/")
    if first == HEXADECIMAL:
        try:
            name = bytes.fromhex(rest).decode()
        except ValueError:
            return None
    else:
        name = repository.replace("/", ".")
    return name if valid_name(name) and repository_of(name) == repository else None
