"""
Where a receiver listens, as profiles write it: HOST:PORT.
"""

from __future__ import annotations


def host_and_port(text: str) -> tuple[str, int] | None:
    """The host, one of IPv6 without its brackets, and the port; None where it is not of that form."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        return None
    return host.strip("[]"), int(port)
