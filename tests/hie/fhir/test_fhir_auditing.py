"""What the audit trail is told of a FHIR request: whose record, by whom, with which outcome; before it is answered."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from hie.access.caller import Caller
from hie.access.policy import Decision, Denied
from hie.audit.events import Entry
from hie.errors import Unavailable, fault
from hie.exchange.database import Client
from hie.exchange.filing import Filing
from hie.exchange.ids import now
from hie.exchange.journal import Journal
from hie.exchange.outbox import Outbox
from hie.fhir.auditing import audit
from hie.fhir.bulk.jobs import Jobs as BulkJobs
from hie.fhir.call import Answer, Call, split_url
from hie.fhir.outcome import refusal
from hie.fhir.router import dispatch
from hie.fhir.services import FhirServices
from hie.fhir.subscriptions.registry import Registry as Subscriptions
from hie.identity.registry import ClientRegistry
from hie.settings import Settings
from records.resource_store import ResourceStore
from records.stored import EVERYTHING, Json, Visibility, encode

CLINICIAN = Caller("s-1", "张医生", "clinician", purpose="TREAT", client="workbench")
PATIENT: Json = {"resourceType": "Patient", "gender": "female", "birthDate": "1985-06-12"}


@dataclass
class Gate:
    """Lets everything pass, or hides what it is told to."""

    given: Visibility = EVERYTHING
    refusal: Denied | None = None

    async def visibility(self, caller: Caller, resource_type: str, interaction: str) -> Visibility:
        return (await self.decide(caller, resource_type, interaction)).visibility

    async def decide(self, _caller: Caller, _type: str, interaction: str) -> Decision:
        if self.refusal:
            raise self.refusal
        return Decision(self.given, (f"allowed-{interaction}",))


@dataclass
class Trail:
    """Remembers what was recorded; or cannot be written."""

    entries: list[Entry] = field(default_factory=list)
    away: bool = False

    async def record(self, entries: list[Entry]) -> None:
        if self.away:
            raise Unavailable("away")
        self.entries += entries


class World:
    """A FHIR interface without sockets."""

    def __init__(self, client: Client, prefix: str) -> None:
        self.gate, self.trail = Gate(), Trail()
        store = ResourceStore(client, prefix)
        registry = ClientRegistry(client, prefix, store)
        filing = Filing(store, registry, Outbox(client, prefix))
        self.services = FhirServices(
            Settings(), store, filing, self.gate, self.trail, Journal(client, prefix), registry, now,  # type: ignore[arg-type]
            Subscriptions(client, prefix), BulkJobs(client, prefix),
        )  # fmt: skip

    async def ask(
        self, method: str, url: str, body: Json | None = None, *, caller: Caller = CLINICIAN,
        headers: Mapping[str, str] | None = None, raw: bytes = b"",
    ) -> Answer:  # fmt: skip
        """One request, answered and audited as the web edge does it."""
        path, query = split_url(url)
        call = Call(
            self.services, dispatch, caller, method, path, query, headers or {}, raw or (encode(body) if body else b""),
            "http://hie/fhir", "r-1", "10.0.0.7",
        )  # fmt: skip
        try:
            answer = await dispatch(call)
        except Exception as error:
            answer = refusal(fault(error))
        await audit(call, answer)
        return answer

    async def made(self, resource: Json) -> str:
        """Create, and forget that it was audited."""
        answer = await self.ask("POST", resource["resourceType"], resource)
        assert answer.status == 201, answer.body
        self.trail.entries.clear()
        return answer.rows[0].id

    def said(self) -> list[tuple[str, str, str, int]]:
        """Interaction, type, patient and status of each entry."""
        return [(one.interaction, one.resource_type, one.patient, one.status) for one in self.trail.entries]


@pytest.fixture
async def world(mongo: Client, database_prefix: str) -> AsyncIterator[World]:
    """An empty store."""
    one = World(mongo, database_prefix)
    for part in (one.services.store, one.services.registry, one.services.journal):
        await part.ensure_indexes()
    yield one


def observation(patient: str) -> Json:
    code = {"coding": [{"system": "http://loinc.org", "code": "718-7"}]}
    subject = {"reference": f"Patient/{patient}"}
    return {"resourceType": "Observation", "status": "final", "code": code, "subject": subject, "valueInteger": 1}


class TestShown:
    async def test_create_and_read(self, world: World) -> None:
        """A write and a read name the resource, its version, its patient and the reasons of the decision."""
        answer = await world.ask("POST", "Patient", PATIENT)
        patient = answer.rows[0].id
        await world.ask("GET", f"Patient/{patient}")

        assert world.said() == [("create", "Patient", patient, 201), ("read", "Patient", patient, 200)]
        read = world.trail.entries[1]
        assert (read.resource_id, read.version, read.reasons) == (patient, 1, ("allowed-read",))
        assert (read.request_id, read.address, read.caller) == ("r-1", "10.0.0.7", CLINICIAN)

    async def test_search(self, world: World) -> None:
        """A search is one entry a patient, however many resources of each were shown, with the request as sent."""
        one, other = await world.made(PATIENT), await world.made(PATIENT)
        for patient in (one, one, other):
            await world.made(observation(patient))
        await world.ask("GET", "Observation?code=718-7")

        assert sorted(world.said()) == sorted(("search", "Observation", found, 200) for found in (one, other))
        assert {entry.query for entry in world.trail.entries} == {"Observation?code=718-7"}
        assert {entry.resource_id for entry in world.trail.entries} == {""}

    async def test_search_by_post(self, world: World) -> None:
        """The parameters of a search by POST are in the trail, though in no address."""
        await world.ask("POST", "Observation/_search", raw=b"code=718-7", headers={"content-type": "x"})

        assert [entry.query for entry in world.trail.entries] == ["Observation?code=718-7"]

    async def test_everything(self, world: World) -> None:
        """$everything is in the trail before its stream begins."""
        patient = await world.made(PATIENT)
        answer = await world.ask("GET", f"Patient/{patient}/$everything")

        assert answer.stream is not None
        assert world.said() == [("everything", "Patient", patient, 200)]

    async def test_transaction(self, world: World) -> None:
        """A transaction names everybody whose record it touched."""
        patient = await world.made(PATIENT)
        entries = [
            {"resource": observation(patient), "request": {"method": "POST", "url": "Observation"}},
            {"resource": PATIENT, "request": {"method": "POST", "url": "Patient"}},
        ]
        answer = await world.ask("POST", "", {"resourceType": "Bundle", "type": "transaction", "entry": entries})
        touched = {found for row in answer.rows for found in row.patients}

        assert len(touched) == 2
        assert {entry.patient for entry in world.trail.entries} == touched
        assert {entry.interaction for entry in world.trail.entries} == {"transaction"}


class TestNothingShown:
    async def test_empty_search(self, world: World) -> None:
        """A search that finds nothing is one entry without a patient."""
        await world.ask("GET", "Observation?code=1")

        assert world.said() == [("search", "Observation", "", 200)]

    @pytest.mark.parametrize(
        "url", ["Observation?patient=p-1", "Observation?subject=Patient/p-1", "Patient/p-1/Condition"]
    )
    async def test_named_patient(self, world: World, url: str) -> None:
        """Where the request names a patient, that patient learns of it though nothing was found."""
        await world.ask("GET", url)

        assert [entry.patient for entry in world.trail.entries] == ["p-1"]

    async def test_nonsense_names_nobody(self, world: World) -> None:
        """Only ids become patients: a sender's free text never does."""
        await world.ask("GET", "Observation?patient=王晓梅,http://x/Patient/1")

        assert [entry.patient for entry in world.trail.entries] == [""]

    async def test_hidden(self, world: World) -> None:
        """Who asks in vain for a record that is closed to him is shown to its resident."""
        patient = await world.made(PATIENT)
        found = await world.made(observation(patient))
        world.gate.given = replace(EVERYTHING, denied=frozenset({patient}))
        answer = await world.ask("GET", f"Observation/{found}")

        assert answer.status == 404
        assert world.said() == [("read", "Observation", patient, 404)]

    async def test_refused(self, world: World) -> None:
        """A refusal keeps the reason code of the policy."""
        world.gate.refusal = Denied("scope-missing", "no")
        await world.ask("DELETE", "Patient/p-1")

        (entry,) = world.trail.entries
        assert (entry.interaction, entry.status, entry.reasons) == ("delete", 403, ("scope-missing",))

    async def test_unknown_address(self, world: World) -> None:
        """What is no interaction at all is in the trail as an operation."""
        await world.ask("GET", "Nonsense/1/2/3")

        assert world.said() == [("operation", "Nonsense", "", 404)]


class TestAway:
    async def test_nothing_leaves(self, world: World) -> None:
        """Without its entry no record is shown; a refusal shows nothing and may leave."""
        patient = await world.made(PATIENT)
        world.trail.away = True

        with pytest.raises(Unavailable):
            await world.ask("GET", f"Patient/{patient}")
        assert (await world.ask("GET", "Patient/none")).status == 404
        refused: Any = await world.ask("GET", "Nonsense/1")
        assert refused.status == 404
