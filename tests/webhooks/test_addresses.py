"""Which addresses webhooks may be sent to: whatever the name, only public ones, and networks of the operator."""

from __future__ import annotations

import asyncio
import ipaddress

import pytest

from contracts_app.webhooks.addresses import ForbiddenAddress, addresses_of, is_public


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.255.0.3", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254"),
        *("100.64.0.1", "192.0.0.1", "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"),
        *("::", "::1", "fe80::1", "fc00::1", "fd12::1", "ff02::1", "2001:db8::1", "100::1"),
        *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::"),
        *("2002:a00:1::1", "2001:0:4136:e378:8000:63bf:f5ff:fffe"),
    ],
)
def test_addresses_that_are_not_of_the_public_internet(address):
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["1.1.1.1", "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_public_addresses(address):
    assert is_public(ipaddress.ip_address(address))


def found(host, *, encrypted=True, networks=()):
    own = [ipaddress.ip_network(each) for each in networks]
    return asyncio.run(addresses_of(host, 443, encrypted=encrypted, networks=own))


@pytest.mark.parametrize(
    "host",
    ["localhost", "127.1", "0x7f.1", "2130706433", "017700000001", "0", "::1", "::ffff:7f00:1", "169.254.169.254"],
)
def test_every_spelling_of_a_private_address_is_refused(host):
    with pytest.raises(ForbiddenAddress, match="which is no public address; an operator may name its network"):
        found(host)


def test_networks_that_the_operator_names_may_be_reached():
    assert found("127.1", networks=["127.0.0.0/8"]) == ["127.0.0.1"]
    assert found("::ffff:127.0.0.1", networks=["127.0.0.0/8"])
    assert found("127.0.0.1", encrypted=False, networks=["127.0.0.0/8"]) == ["127.0.0.1"]
    with pytest.raises(ForbiddenAddress):
        found("10.0.0.1", networks=["127.0.0.0/8"])


def test_public_addresses_are_only_reached_over_tls():
    assert found("8.8.8.8") == ["8.8.8.8"]
    with pytest.raises(ForbiddenAddress, match="only https:// is used"):
        found("8.8.8.8", encrypted=False)


def test_a_host_that_is_unknown():
    with pytest.raises(OSError, match=r".+"):
        found("no-such-host.invalid")
