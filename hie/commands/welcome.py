"""
What a newcomer reads after the start, and `hie status` for people.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hie.commands.status import addresses
from hie.settings import Settings

ACCOUNTS = (
    ("resident", "王晓梅, resident: the portal"),
    ("elder", "李德厚, resident: the portal, try 长辈版"),
    ("clinician", "张医生, hospital clinician: workbench and FHIR"),
    ("family-doctor", "刘医生, clinician of a community health centre: follow-ups, the other side of a referral"),
    ("pharmacist", "drug supervision"),
    ("public-health", "public health"),
    ("administrator", "messages, dead letters, match review"),
)


def welcome(settings: Settings, say: Callable[[str], None], *, filling: bool) -> None:
    """Addresses, accounts, and what to try first."""
    where = addresses(settings)
    say("")
    say("The exchange runs.")
    for label, key in (
        ("Portal", "portal"), ("Workbench", "workbench"), ("FHIR R4", "fhir"), ("HL7 v2 (MLLP)", "mllp"),
        ("HL7 v2 (HTTP)", "hl7v2_http"), ("Sign-in", "sign_in"), ("Metrics", "metrics"),
    ):  # fmt: skip
        say(f"  {label:<14} {where[key]}")
    if settings.mode == "demo":
        say("Accounts (the password is the account's name):")
        for account, text in ACCOUNTS:
            say(f"  {account:<14} {text}")
        say("Try first:")
        say(f"  open {where['portal']} and sign in as resident")
        say(f'  curl -H "Authorization: Bearer $(.venv/bin/hie token clinician)" "{where["fhir"]}/Patient?_count=3"')
        say("  .venv/bin/hie status")
    if filling:
        say("The demo region is being filled by its hospitals and clinics; pages work meanwhile.")
    say("Ctrl-C stops everything.")


def show_status(found: Mapping[str, Any], say: Callable[[str], None]) -> None:
    """The same facts as --json, for reading."""
    say("ready" if found["ready"] else "NOT READY")
    for name, address in found["addresses"].items():
        say(f"  {name:<11} {address}")
    for name, value in (found["journal"] or {"journal": "not reachable"}).items():
        say(f"  {name:<11} {value}")
