"""
Where notifications may be sent: hosts that the operator names, resolved and checked again at every sending.

A private or local address is reached only by naming its network; a name may not lead there by itself.
https://owasp.org/www-community/attacks/Server_Side_Request_Forgery
"""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

from hie.settings import Settings
from records.errors import Invalid

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
LOOPBACK = ("127.0.0.0/8", "::1/128", "localhost")
REFUSED = "Notifications are not sent to this endpoint; the operator names the hosts that they may go to."


@dataclass(frozen=True, slots=True)
class Endpoints:
    """`hosts` are names (`*.example.org` for all below), `networks` addresses that may be private."""

    hosts: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()
    plain: bool = True

    @classmethod
    def of(cls, settings: Settings) -> Endpoints:
        """Those of the settings; the demonstration reaches its own machine too."""
        demo = settings.mode == "demo"
        named = [one.strip().lower() for one in settings.subscription_hosts.split(",") if one.strip()]
        entries = [*named, *(LOOPBACK if demo else ())]
        networks = tuple(found for one in entries if (found := _network(one)) is not None)
        return cls(frozenset(one for one in entries if _network(one) is None), networks, demo)

    async def admit(self, endpoint: str, *, empty: bool) -> None:
        """Invalid where nothing may be sent there; an address in plain text gets no content outside a demonstration."""
        parts = urlsplit(endpoint)
        host = (parts.hostname or "").lower()
        if _address(host) or not self._names(host):
            try:
                await self.resolve(endpoint)
            except OSError as error:
                raise Invalid(REFUSED) from error
        if parts.scheme == "http" and not self.plain and not empty:
            raise Invalid("Over http:// only empty notifications are sent; use https://.")

    async def resolve(self, endpoint: str) -> str:
        """An address of the host that may be reached; Invalid where it has none."""
        parts = urlsplit(endpoint)
        host = (parts.hostname or "").lower()
        if (address := _address(host)) is not None:
            found: list[Address] = [address]
        else:
            port = parts.port or (443 if parts.scheme == "https" else 80)
            rows = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found = [ip_address(str(row[4][0]).partition("%")[0]) for row in rows]
        open_to = [one for one in found if self._covers(one) or (self._names(host) and _public(one))]
        if not open_to:
            raise Invalid(REFUSED)
        return str(open_to[0])

    def _names(self, host: str) -> bool:
        return host in self.hosts or any(f"*{host[at:]}" in self.hosts for at, one in enumerate(host) if one == ".")

    def _covers(self, address: Address) -> bool:
        return any(address in network for network in self.networks if network.version == address.version)


def _public(address: Address) -> bool:
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_global and not address.is_multicast


def _network(entry: str) -> Network | None:
    try:
        return ip_network(entry, strict=False)
    except ValueError:
        return None


def _address(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


