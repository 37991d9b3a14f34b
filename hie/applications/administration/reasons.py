"""
Why somebody looks at the words of a message: asked before anything is shown, kept for the session, in every trail.

HL7 v3 ActReason HOPERAT; https://profiles.ihe.net/ITI/BALP/
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from hie.applications.administration.kept import Kept
from hie.ui import N_
from hie.workbench.desk import Visit

SHORTEST, LONGEST = 4, 200


@dataclass(frozen=True, slots=True)
class Reasons:
    """One reason a session and message."""

    kept: Kept

    async def given(self, visit: Visit, message: str) -> bool:
        """True where the caller said why; everything that he does from now on carries the reason."""
        found = await self.kept.find(visit.session.key, "reason", message)
        if found is None:
            return False
        visit.caller = replace(visit.caller, reason=str(found["reason"]))
        return True

    async def take(self, visit: Visit, message: str) -> dict[str, str]:
        """Keep the reason of the form; returns what is wrong with it."""
        if errors := check(visit.form):
            return errors
        await self.kept.keep(visit.session.key, "reason", {"reason": visit.form["reason"]}, name=message)
        return {}


def check(form: Mapping[str, str], name: str = "reason") -> dict[str, str]:
    """A reason is a few words."""
    length = len(form.get(name, ""))
    if length < SHORTEST:
        return {name: N_("请写明理由，至少四个字。")}
    return {name: N_("理由太长，最多二百个字。")} if length > LONGEST else {}


def saying(visit: Visit, name: str = "reason") -> None:
    """What the caller does in this request carries the reason of its form into the trail."""
    visit.caller = replace(visit.caller, reason=visit.form.get(name, ""))
