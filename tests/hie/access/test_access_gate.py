"""The gate, with tokens, bindings and consents in a real database."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from access_world import PublishedKeys, claims, settings, sign

from hie.access import consents as consents_module
from hie.access.accounts import Accounts
from hie.access.demo_sign_in.accounts import accounts, bind_demo_accounts
from hie.access.gate import Gate
from hie.access.policy import Denied
from hie.errors import Unauthenticated
from hie.exchange.database import Client
from records.stored import Page, Stored, Visibility, encode

ID_NUMBER = ("urn:oid:2.16.156.10011.1.3", "370303198506120428")
RESIDENT = accounts()["resident"].subject


@dataclass
class Registry:
    """A client registry of one person with two Patients."""

    known: dict[tuple[str, str], str] = field(default_factory=lambda: {ID_NUMBER: "person-1"})
    patients: dict[str, tuple[str, ...]] = field(default_factory=lambda: {"person-1": ("pat-1", "pat-2")})

    async def find_person(self, system: str, value: str) -> str | None:
        return self.known.get((system, value))

    async def expand(self, person_id: str) -> tuple[str, ...]:
        return self.patients.get(person_id, ())

    async def person_of(self, patient_id: str) -> str | None:
        return next((person for person, linked in self.patients.items() if patient_id in linked), None)


@dataclass
class Directory:
    """A store that holds organizations by identifier."""

    organizations: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: int = 0

    async def search(self, resource_type: str, params: Sequence[tuple[str, str]], /, *, visibility: Visibility) -> Page:
        self.asked += 1
        found = self.organizations.get(params[0][1])
        return Page((_stored(found),) if found else ())


def _stored(resource: Mapping[str, Any]) -> Stored:
    return Stored(resource["resourceType"], resource["id"], 1, datetime.now(UTC), encode(dict(resource)))


@dataclass
class World:
    gate: Gate
    directory: Directory
    registry: Registry
    consents: Any

    async def caller(self, **headers: str) -> Any:
        return await self.gate.caller(f"Bearer {token()}", {name.replace("_", "-"): v for name, v in headers.items()})

    async def refuse(self, patient: str, version: int = 1, **provision: Any) -> None:
        consent = {
            "resourceType": "Consent", "id": "c-1", "status": "active", "patient": {"reference": f"Patient/{patient}"},
            "provision": provision,
        }  # fmt: skip
        row = {"v": version, "t": datetime.now(UTC), "d": False, "text": encode(consent)}
        await self.consents.replace_one({"_id": "c-1"}, row, upsert=True)


def token(**changes: Any) -> str:
    at = int(time.time())
    return sign(claims(**{"iat": at, "exp": at + 300, **changes}))


def resident_token() -> str:
    return token(
        sub=RESIDENT, azp="portal", scope="patient/*.rs", realm_access={"roles": ["resident"]}, organization=None
    )


@pytest.fixture
async def world(
    mongo: Client, database_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[World]:
    monkeypatch.setattr(consents_module, "LOOK_SECONDS", 0.0)
    registry, directory = Registry(), Directory()
    chosen = settings(tmp_path, database_prefix=database_prefix, sign_in_port=8082)
    gate = Gate(chosen, registry, directory, mongo, http=PublishedKeys().client())
    await bind_demo_accounts(gate.accounts)
    yield World(gate, directory, registry, mongo[f"{database_prefix}_health_records"]["Consent"])
    await gate.aclose()


class TestCaller:
    @pytest.mark.parametrize("header", [None, "", "Basic c3lzdGVtOnN5c3RlbQ==", "Bearer", "Bearer  ", "Bearer x.y.z"])
    async def test_without_a_token_there_is_no_caller(self, world: World, header: str | None) -> None:
        """No header, another scheme, or a broken token: sign in first."""
        with pytest.raises(Unauthenticated):
            await world.gate.caller(header, {})

    async def test_facts_of_the_token_and_the_request(self, world: World) -> None:
        """Role and organization from the token, purpose and reason from the request."""
        caller = await world.caller(
            x_purpose_of_use="http://x/v3-ActReason|etreat", x_access_reason="%E6%8A%A2%E6%95%91"
        )

        assert (caller.name, caller.role, caller.client) == ("张医生", "clinician", "workbench")
        assert (caller.purpose, caller.reason, caller.break_glass) == ("ETREAT", "抢救", True)
        assert caller.patients is None

    async def test_treatment_is_the_clinicians_default(self, world: World) -> None:
        """A request without a purpose is made for the role's first one."""
        assert (await world.caller()).purpose == "TREAT"

    async def test_control_characters_do_not_pass(self, world: World) -> None:
        """A reason cannot carry line breaks into the trail."""
        assert (await world.caller(x_access_reason="a%0D%0Ab")).reason == "a b"

    async def test_a_resident_is_bound_to_the_own_record(self, world: World) -> None:
        """Through the binding and the registry; the token knows no ID number."""
        caller = await world.gate.caller(f"Bearer {resident_token()}", {})

        assert (caller.person_id, caller.patients) == ("person-1", {"pat-1", "pat-2"})
        assert caller.purpose == "PATRQT"

    async def test_a_resident_whom_no_source_knows(self, world: World) -> None:
        """The account works before the first message about its owner; the record is empty."""
        world.registry.known.clear()
        caller = await world.gate.caller(f"Bearer {resident_token()}", {})
        seen = await world.gate.visibility(caller, "Observation", "search")

        assert caller.person_id is None
        assert seen.patients == frozenset()

    async def test_a_binding_is_not_overwritten_by_the_demo(self, world: World) -> None:
        """Demo bindings fill gaps only."""
        await world.gate.accounts.bind(RESIDENT, "urn:x", "1", by="administrator")
        await bind_demo_accounts(world.gate.accounts)
        binding = await world.gate.accounts.binding(RESIDENT)

        assert binding is not None
        assert (binding.value, binding.by) == ("1", "administrator")


class TestConsent:
    async def test_a_refusal_covers_every_patient_of_the_person(self, world: World) -> None:
        """Refused at one source, refused for the whole record."""
        await world.refuse("pat-1", type="deny")

        seen = await world.gate.visibility(await world.caller(), "Observation", "search")

        assert seen.denied == {"pat-1", "pat-2"}

    async def test_a_refusal_of_the_callers_organization(self, world: World) -> None:
        """Named by its reference, found through the directory."""
        hospital = {"resourceType": "Organization", "id": "org-1"}
        world.directory.organizations["urn:hie:organization|370303-H01"] = hospital
        actor = {"role": {"text": "x"}, "reference": {"reference": "Organization/org-1"}}
        await world.refuse("pat-1", type="deny", actor=[actor])

        assert (await world.gate.visibility(await world.caller(), "Patient", "read")).denied == {"pat-1", "pat-2"}

    async def test_withdrawing_and_refusing_again(self, world: World) -> None:
        """Each change holds from the next look on."""
        caller = await world.caller()
        await world.refuse("pat-1", type="deny")
        first = await world.gate.visibility(caller, "Patient", "read")
        await world.refuse("pat-1", version=2, type="permit")
        second = await world.gate.visibility(caller, "Patient", "read")

        assert (bool(first.denied), bool(second.denied)) == (True, False)

    async def test_a_deleted_consent_refuses_nobody(self, world: World) -> None:
        """The tombstone ends the refusal."""
        caller = await world.caller()
        await world.refuse("pat-1", type="deny")
        await world.gate.visibility(caller, "Patient", "read")
        await world.consents.update_one(
            {"_id": "c-1"}, {"$set": {"v": 2, "d": True, "text": b"", "t": datetime.now(UTC)}}
        )

        assert not (await world.gate.visibility(caller, "Patient", "read")).denied

    async def test_break_glass_reads_on(self, world: World) -> None:
        """An emergency with its reason sees the record, and the decision says so."""
        await world.refuse("pat-1", type="deny")
        caller = await world.caller(x_purpose_of_use="ETREAT", x_access_reason="emergency room")
        decision = await world.gate.decide(caller, "Patient", "read")

        assert not decision.visibility.denied
        assert "break-glass" in decision.reasons

    async def test_the_residents_own_view_is_not_refused(self, world: World) -> None:
        """Who refuses everybody still sees the own record."""
        await world.refuse("pat-1", type="deny")
        caller = await world.gate.caller(f"Bearer {resident_token()}", {})

        assert not (await world.gate.visibility(caller, "Observation", "search")).denied


class TestOrganization:
    async def test_one_that_left_the_region_sees_nothing(self, world: World) -> None:
        """Offboarding an organization closes the door for its staff."""
        gone = {"resourceType": "Organization", "id": "org-1", "active": False}
        world.directory.organizations["urn:hie:organization|370303-H01"] = gone

        with pytest.raises(Denied) as caught:
            await world.gate.visibility(await world.caller(), "Patient", "read")
        assert caught.value.reason == "organization-inactive"

    async def test_is_looked_up_once(self, world: World) -> None:
        """A second decision asks no database for the organization."""
        caller = await world.caller()
        await world.gate.visibility(caller, "Patient", "read")
        await world.gate.visibility(caller, "Observation", "search")

        assert world.directory.asked == 1


class TestAccounts:
    async def test_an_unbound_account(self, mongo: Client, database_prefix: str) -> None:
        """Nothing is known of a subject that nobody bound."""
        assert await Accounts(mongo, database_prefix).binding("nobody") is None
