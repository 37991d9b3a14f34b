"""
The caller: who asks, in which role, for which purpose; the same value for every door of the exchange.

https://profiles.ihe.net/ITI/IUA/ names these facts as the claims of an access token.
"""

from __future__ import annotations

from dataclasses import dataclass

from hie.access.scopes import Scope

# Emergency treatment and "break the glass" of the HL7 v3 ActReason code system.
EMERGENCY = frozenset({"ETREAT", "BTG"})


@dataclass(frozen=True, slots=True)
class Caller:
    """
    One authenticated caller with the purpose of this request.

    `role` is one of the policy's roles, or empty. `organization` is an identifier "system|value".
    `patients` are the source Patients of a resident's own record; None: the caller is not bound to a record.
    `launched` is true where a launch context bound the caller to one record. `reason` is what the caller wrote as
    the reason for an emergency access. `session` is the sign-in session.
    """

    subject: str = ""
    name: str = ""
    role: str = ""
    organization: str = ""
    organization_name: str = ""
    scopes: tuple[Scope, ...] = ()
    purpose: str = ""
    client: str = ""
    person_id: str | None = None
    patients: frozenset[str] | None = None
    reason: str = ""
    session: str = ""
    launched: bool = False

    @property
    def break_glass(self) -> bool:
        """True where the caller declares an emergency."""
        return self.purpose in EMERGENCY


ANONYMOUS = Caller()
