"""
The gate: every request passes here once to learn who calls, and once an interaction to learn what is visible.

https://profiles.ihe.net/ITI/IUA/, https://profiles.ihe.net/ITI/PCF/
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from urllib.parse import unquote

import httpx

from hie.access.accounts import Accounts
from hie.access.caller import Caller
from hie.access.consent import ROLE
from hie.access.consents import Consents
from hie.access.jwks import Keys
from hie.access.organizations import Membership, Organizations, Searches
from hie.access.policy import Decision, Denied, decide, policy, role_among
from hie.access.residents import Persons, Residents
from hie.access.scopes import parse_all
from hie.access.tokens import Claims, Tokens
from hie.errors import Unauthenticated
from hie.exchange.database import Client
from hie.exchange.ids import now
from hie.settings import Settings
from records.stored import Visibility

LONGEST_REASON = 500
SUBJECT = "urn:hie:subject"
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")


class Gate:
    """Authentication and authorization of one process; wired once, closed with `aclose`."""

    def __init__(
        self,
        settings: Settings,
        registry: Persons,
        store: Searches,
        client: Client,
        *,
        http: httpx.AsyncClient | None = None,
        clock: Callable[[], datetime] = now,
    ) -> None:
        # Loopback and in-house addresses: a proxy of the environment has no place between us and the issuer.
        self._http = http or httpx.AsyncClient(trust_env=False)
        self.keys = keys = Keys(settings.issuer_url, self._http, reached_at=settings.issuer_internal_url)
        audiences = (settings.audience, settings.fhir_url)
        self.tokens = Tokens(keys, issuer=settings.issuer_url, audiences=audiences, clock=clock)
        self.accounts = Accounts(client, settings.database_prefix, clock=clock)
        self.residents = Residents(self.accounts, registry)
        consents = client[f"{settings.database_prefix}_health_records"]["Consent"]
        self.consents = Consents(consents, self.residents, clock=clock)
        self.organizations = Organizations(store)
        self._portal_client = settings.portal_client
        self._watchers: list[Callable[[Caller], None]] = []

    def watch(self, watcher: Callable[[Caller], None]) -> None:
        """Show every caller of a verified token to somebody who keeps what accounts are."""
        self._watchers.append(watcher)

    async def aclose(self) -> None:
        """Close the connection to the issuer."""
        await self._http.aclose()

    async def caller(self, authorization: str | None, headers: Mapping[str, str]) -> Caller:
        """
        Who calls, from the Authorization header and the request's headers.

        Unauthenticated without a valid token. `X-Purpose-Of-Use` names the purpose ("TREAT", "system|ETREAT"),
        `X-Access-Reason` (percent-encoded UTF-8) the reason of an emergency.
        """
        return await self.caller_of(await self.tokens.verify(_bearer(authorization)), headers)

    async def caller_of(self, claims: Claims, headers: Mapping[str, str]) -> Caller:
        """The caller of a verified token; staff sign-in of the workbench enters here too."""
        role = role_among(claims.roles, policy(), resident=claims.client == self._portal_client)
        rules = policy().roles.get(role)
        own = await self._own(claims, own_record=rules is not None and rules.own_record)
        caller = Caller(
            subject=claims.subject,
            name=claims.name,
            role=role,
            organization=claims.organization,
            organization_name=claims.organization_name,
            scopes=parse_all(claims.scope),
            purpose=_purpose(headers.get("x-purpose-of-use")) or (rules.default_purpose if rules else ""),
            client=claims.client,
            person_id=own[0],
            patients=own[1],
            reason=_reason(headers.get("x-access-reason")),
            session=claims.session,
            launched=bool(claims.patient),
        )
        for watcher in self._watchers:
            watcher(caller)
        return caller

    async def visibility(self, caller: Caller, resource_type: str, interaction: str) -> Visibility:
        """What the caller may see or touch; Refused where the answer is nothing at all."""
        return (await self.decide(caller, resource_type, interaction)).visibility

    async def decide(self, caller: Caller, resource_type: str, interaction: str) -> Decision:
        """The same with its reason codes; raises `Denied` (a Refused) with the code of the refusal."""
        member = await self.organizations.find(caller.organization)
        _active(member, caller)
        return decide(caller, resource_type, interaction, await self._denied(caller, member))

    async def _own(self, claims: Claims, *, own_record: bool) -> tuple[str | None, frozenset[str] | None]:
        if own_record:
            record = await self.residents.of_account(claims.subject)
        elif claims.patient:
            record = await self.residents.of_patient(claims.patient)
        else:
            return None, None
        return record.person_id, record.patients

    async def _denied(self, caller: Caller, member: Membership) -> frozenset[str]:
        role = policy().roles.get(caller.role)
        if role is None or not role.consent:
            return frozenset()
        actors = {f"{ROLE}|{caller.role}", f"{SUBJECT}|{caller.subject}", caller.organization, *member.references}
        return await self.consents.denied(frozenset(actors), caller.purpose)


def _bearer(authorization: str | None) -> str:
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated("An access token is needed: Authorization: Bearer ...")
    return token.strip()


def _purpose(header: str | None) -> str:
    """`TREAT`, `system|TREAT`, `urn:...:TREAT` and `http://.../v3-ActReason#TREAT` all mean TREAT."""
    return re.split(r"[|#:/]", header or "")[-1].strip().upper()[:32]


def _reason(header: str | None) -> str:
    return _CONTROL.sub(" ", unquote(header or "", errors="replace")).strip()[:LONGEST_REASON]


def _active(member: Membership, caller: Caller) -> None:
    if member.active is False:
        raise Denied("organization-inactive", "The organization of the caller is not active in the directory.")
    if member.active is None and caller.organization and policy().unknown_organization != "permit":
        raise Denied("organization-unknown", "The organization of the caller is not in the directory.")
