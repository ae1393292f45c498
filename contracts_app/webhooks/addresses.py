"""Which addresses webhooks may be sent to: public ones, and networks that the operator has named.

A caller who may set webhooks must not reach what only this machine or its network can reach.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Iterable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class ForbiddenAddress(Exception):
    """The host of a webhook is, or may be, in a network that is not public."""


async def addresses_of(host: str, port: int, *, encrypted: bool, networks: Iterable[Network]) -> list[str]:
    """Return the addresses of a host, IPv4 first. Raises ForbiddenAddress, and OSError if there are none.

    Requests must go to these addresses, and not resolve the name again. Without encryption, only named networks do.
    """
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    texts = {str(each[4][0]).partition("%")[0] for each in found}
    addresses = sorted(map(ipaddress.ip_address, texts), key=lambda each: (each.version, str(each)))
    own = tuple(networks)
    for address in addresses:
        if any(embedded in network for embedded in _embedded(address) for network in own):
            continue
        if not is_public(address):
            raise ForbiddenAddress(
                f"{host} leads to {address}, which is no public address; an operator may name its network in "
                "WEBHOOK_NETWORKS"
            )
        if not encrypted:
            raise ForbiddenAddress(f"{host} leads to a public address, where only https:// is used")
    return [str(address) for address in addresses]


def is_public(address: Address) -> bool:
    """Return whether an address, and each IPv4 address that it stands for, is one of the public internet."""
    return all(each.is_global and not each.is_multicast and not each.is_reserved for each in _embedded(address))


def _embedded(address: Address) -> list[Address]:
    """Return the address, or the IPv4 addresses to which an IPv6 address leads."""
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    if address in _NAT64:
        return [ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)]
    if address.sixtofour is not None:
        return [address, address.sixtofour]
    return [address, *address.teredo] if address.teredo is not None else [address]
