"""
Who a sender is, from the registry's Organization and from its profile. Pure.

HL7 v2 MSH-3 and MSH-4; https://profiles.ihe.net/ITI/mCSD/
"""

from __future__ import annotations

import hashlib
import re

from adapters.hl7v2.site import Site
from hie.directory.profile import Profile
from records.stored import Json

SENDER = "urn:hie:hl7v2-sender"
_PLAIN = re.compile(r"[a-z0-9]+")


def slug(sender: str) -> str:
    """A short, stable word for a sender; two senders never share one."""
    words = "-".join(_PLAIN.findall(sender.lower()))[:40]
    # Plain capitals with one bar can be read back; anything else gets a mark of its own.
    if re.fullmatch(r"[A-Z0-9]{1,20}\|[A-Z0-9]{1,19}", sender):
        return words
    return f"{words or 'sender'}-{hashlib.blake2b(sender.encode(), digest_size=4).hexdigest()}"


def authority_of(sender: str) -> str:
    """The identifier system of numbers that name none: the sending facility's."""
    application, _, facility = sender.partition("|")
    name = facility or application
    plain = re.sub(r"\s+", "-", name)
    return f"urn:hie:authority:{plain}" if plain else f"urn:hie:authority:site-{slug(sender)}"


def senders_of(organization: Json) -> tuple[str, ...]:
    """The senders that an active Organization answers for."""
    if organization.get("active") is False:
        return ()
    return tuple(
        str(i["value"]) for i in organization.get("identifier", ()) if i.get("system") == SENDER and i.get("value")
    )


def provisional(sender: str, *, charset: str, zone: str) -> Site:
    """The profile of a sender nobody registered."""
    return Site(
        id=f"site-{slug(sender)}", name=sender.replace("|", " "), authority=authority_of(sender), charset=charset,
        zone=zone, provisional=True,
    )  # fmt: skip


def registered(
    sender: str, organization: Json, profile: Profile, *, charset: str, zone: str, version: int = 0
) -> Site:  # fmt: skip
    """
    The profile of a registered sender.

    Id and authority stay what they were while it was provisional, so that nothing is filed twice.
    """
    site = Site(
        id=f"site-{slug(sender)}", name=str(organization.get("name", "")), authority=authority_of(sender),
        charset=charset, zone=zone, organization=str(organization.get("id", "")),
    )  # fmt: skip
    return profile.applied(site, version=version)
