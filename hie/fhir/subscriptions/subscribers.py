"""
Whose Subscription it is, kept as long as it lives, so that every notification is decided anew without a token.

What a token said of role and organization is replaced by what the account's next token says.
https://profiles.ihe.net/ITI/IUA/
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hie.access.caller import Caller
from hie.access.gate import Gate
from hie.access.policy import policy
from hie.access.scopes import Scope, parse_all

# Roles that look after everybody's Subscriptions.
OPERATORS = frozenset({"administrator", "system"})


def to_document(caller: Caller) -> dict[str, Any]:
    """What has to be known of a subscriber later on."""
    return {
        "subject": caller.subject, "name": caller.name, "role": caller.role, "organization": caller.organization,
        "organization_name": caller.organization_name, "scopes": " ".join(map(_text, caller.scopes)),
        "purpose": caller.purpose, "client": caller.client, "launched": caller.launched,
        "patients": sorted(caller.patients) if caller.launched and caller.patients is not None else None,
    }  # fmt: skip


def may_manage(caller: Caller, kept: Mapping[str, Any]) -> bool:
    """True for the subscriber itself and for operators."""
    return caller.role in OPERATORS or (caller.subject == kept["subject"] and caller.client == kept["client"])


@dataclass(frozen=True, slots=True)
class Subscribers:
    """Makes a caller of what was kept."""

    gate: Gate

    async def caller(self, kept: Mapping[str, Any]) -> Caller:
        """The subscriber as of now: a resident's own record is looked up again."""
        patients = await self._patients(kept)
        return Caller(
            subject=kept["subject"], name=kept["name"], role=kept["role"], organization=kept["organization"],
            organization_name=kept["organization_name"], scopes=parse_all(kept["scopes"]), purpose=kept["purpose"],
            client=kept["client"], launched=kept["launched"], patients=patients,
        )  # fmt: skip

    async def _patients(self, kept: Mapping[str, Any]) -> frozenset[str] | None:
        role = policy().roles.get(kept["role"])
        if role is not None and role.own_record:
            return (await self.gate.residents.of_account(kept["subject"])).patients
        if kept["launched"]:
            return await self.gate.residents.together(kept["patients"] or ())
        return None


def _text(scope: Scope) -> str:
    return f"{scope.context}/{scope.type}.{scope.letters}" + (f"?{scope.query}" if scope.query else "")
