"""
Access reasons: a purpose and a sentence, given once for a person and a session; an emergency asks for more. Pure.

HL7 v3 ActReason; identity-access-audit: break-glass has a reason, one patient, and an end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from hie.access.caller import EMERGENCY, Caller
from hie.access.policy import policy
from hie.ui import N_

EMERGENCY_LASTS = timedelta(hours=4)
SHORTEST, SHORTEST_EMERGENCY, LONGEST = 4, 10, 300
PURPOSES = {
    "TREAT": N_("诊疗"),
    "ETREAT": N_("紧急救治"),
    "PUBHLTH": N_("公共卫生"),
    "HOPERAT": N_("运营与质量管理"),
}


@dataclass(frozen=True, slots=True)
class Grant:
    """Why one person's record was opened."""

    person: str
    purpose: str
    reason: str
    at: datetime

    @property
    def emergency(self) -> bool:
        """True for a broken glass."""
        return self.purpose in EMERGENCY

    def holds(self, at: datetime) -> bool:
        """An emergency ends by itself; any other reason lasts as long as its session."""
        return not self.emergency or at < self.at + EMERGENCY_LASTS

    def caller(self, caller: Caller) -> Caller:
        """The caller with this purpose and reason."""
        return replace(caller, purpose=self.purpose, reason=self.reason)

    def document(self) -> dict[str, Any]:
        """For the database."""
        return {"person": self.person, "purpose": self.purpose, "reason": self.reason, "at": self.at}

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Grant:
        """Back from the database."""
        return cls(found["person"], found["purpose"], found["reason"], found["at"])


def purposes(role: str) -> tuple[str, ...]:
    """What a role may choose from."""
    allowed = policy().roles[role].purposes if role in policy().roles else ()
    return tuple(one for one in allowed if one in PURPOSES)


def check(role: str, purpose: str, reason: str, *, confirmed: bool) -> dict[str, str]:
    """What is wrong with the answer to "why", by field; empty where it is good."""
    errors: dict[str, str] = {}
    if purpose not in purposes(role):
        errors["purpose"] = N_("请选择访问目的。")
    emergency = purpose in EMERGENCY
    if len(reason) < (SHORTEST_EMERGENCY if emergency else SHORTEST):
        errors["reason"] = N_("紧急访问请写明情况，至少十个字。") if emergency else N_("请写明理由，至少四个字。")
    if len(reason) > LONGEST:
        errors["reason"] = N_("理由太长，请不要超过三百字。")
    if emergency and not confirmed:
        errors["confirmed"] = N_("请确认您了解紧急访问会被标记和复核。")
    return errors
