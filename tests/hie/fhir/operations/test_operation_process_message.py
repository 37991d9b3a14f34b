"""$process-message: https://hl7.org/fhir/R4/messageheader-operation-process-message.html"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from typing import Any

import httpx
import pytest
from fhir_world import World, issue
from free_ports import free_port

from adapters.facts import resource_id
from hie.app import carrier
from hie.exchange.dead_letters import DeadLetters
from hie.exchange.leases import Leases
from hie.exchange.outbox_runner import OutboxRunner, Patience
from hie.fhir.operations.messaging.delivering import NotOffered, admit
from hie.fhir.operations.messaging.events import SYSTEM, events
from hie.settings import Settings
from records import validation
from records.definitions import definitions
from records.errors import Invalid
from records.stored import decode

Json = dict[str, Any]
SOURCE = "http://his.example/fhir/$process-message"
NUMBERS = "urn:his:patients"

pytestmark = pytest.mark.anyio


def message(event: str, *resources: Json, focus: int = 1, system: str = SYSTEM, **head: Any) -> Json:
    """Each resource under a urn:uuid; the first `focus` of them are the focus."""
    entries = [{"fullUrl": f"urn:uuid:{uuid.uuid4()}", "resource": one} for one in resources]
    header = {
        "resourceType": "MessageHeader", "id": str(uuid.uuid4()),
        "eventCoding": {"system": system, "code": event}, "source": {"name": "HIS", "endpoint": SOURCE},
        "focus": [{"reference": one["fullUrl"]} for one in entries[:focus]], **head,
    }  # fmt: skip
    return {
        "resourceType": "Bundle", "type": "message", "timestamp": "2026-11-20T08:00:00+08:00",
        "identifier": {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{uuid.uuid4()}"},
        "entry": [{"fullUrl": f"urn:uuid:{header['id']}", "resource": header}, *entries],
    }  # fmt: skip


def person(number: str, name: str = "王晓梅", **elements: Any) -> Json:
    identifier = [{"system": NUMBERS, "value": number}]
    return {"resourceType": "Patient", "identifier": identifier, "name": [{"text": name}], **elements}


def result(number: str, value: Any = 5, **elements: Any) -> Json:
    return {
        "resourceType": "Observation", "status": "final",
        "identifier": [{"system": "urn:his:results", "value": number}],
        "code": {"coding": [{"system": "http://loinc.org", "code": "1558-6"}]},
        "valueQuantity": {"value": value, "unit": "mmol/L"}, **elements,
    }  # fmt: skip


def about(bundle: Json, number: int, target: int, element: str = "subject") -> Json:
    """Let the resource of one entry point at another."""
    bundle["entry"][number]["resource"][element] = {"reference": bundle["entry"][target]["fullUrl"]}
    return bundle


def provided(**elements: Any) -> Json:
    return about(message("observation-provide", result("r1", **elements), person("77")), 1, 2)


def patient_id(number: str) -> str:
    return resource_id(SOURCE, "Patient", NUMBERS, number)


RESULT_ID = resource_id(SOURCE, "Observation", "urn:his:results", "r1")


async def send(world: World, bundle: Any, address: str = "/$process-message", **options: Any) -> httpx.Response:
    return await world.post(address, bundle, **({"account": "system"} | options))


def answered(answer: httpx.Response) -> tuple[int, str, Json]:
    """Status, code and OperationOutcome of a response message, which must be a valid one."""
    bundle = decode(answer.content)
    assert bundle["resourceType"] == "Bundle" and bundle["type"] == "message", bundle
    assert validation.validate(bundle) == []
    header, outcome = (one["resource"] for one in bundle["entry"])
    assert header["response"]["details"]["reference"] == bundle["entry"][1]["fullUrl"]
    return answer.status_code, header["response"]["code"], outcome


async def taken(world: World, bundle: Json) -> Json:
    status, code, outcome = answered(await send(world, bundle))
    assert (status, code) == (200, "ok"), outcome
    return outcome


async def entries(world: World, **query: Any) -> list[Json]:
    return [one async for one in world.services.journal.collection.find(query).sort("_id", 1)]


class TestEvents:
    def test_rule_data(self) -> None:
        """Events are dated and sourced; what they speak of are types of R4, and every focus is one of their own."""
        found = events(date(1990, 1, 1))

        assert found.version and found.source
        for one in found.events.values():
            assert one.focus <= one.owns and one.owns | one.supporting <= definitions().resource_types
            assert not one.owns & one.supporting

    async def test_capability(self, world: World) -> None:
        """The capability statement names the endpoint, the operation and every event, and is valid."""
        found = decode((await world.get("/metadata")).content)

        assert validation.validate(found) == []
        (messaging,) = found["messaging"]
        assert messaging["endpoint"][0]["address"].endswith("/fhir/$process-message")
        assert len(messaging["supportedMessage"]) == len(events(date.today()).events)
        assert "process-message" in [one["name"] for one in found["rest"][0]["operation"]]


class TestProvide:
    async def test_filed(self, world: World) -> None:
        """Resources get ids from source and business identifier, references follow, text stays to the byte."""
        bundle = json.dumps(provided()).replace('"value": 5,', '"value": 5.10,')
        status, code, outcome = answered(await send(world, bundle, content_type="application/fhir+json"))

        assert (status, code) == (200, "ok")
        stored = await world.get(f"/Observation/{RESULT_ID}")
        assert b"5.10" in stored.content
        assert stored.json()["subject"]["reference"] == f"Patient/{patient_id('77')}"
        assert stored.json()["meta"]["source"].startswith(SOURCE + "#")
        assert [one["diagnostics"] for one in outcome["issue"]] == [
            f"Observation/{RESULT_ID}: created.", f"Patient/{patient_id('77')}: created.",
        ]  # fmt: skip
        assert await world.services.registry.person_of(patient_id("77"))

    async def test_journal(self, world: World) -> None:
        """The message is in the journal as it came, with its answer, in the state that its effects are in."""
        sent = json.dumps(provided()).encode()
        answer = await send(world, sent)
        (entry,) = await entries(world, channel="fhir")

        assert bytes(entry["raw"]) == sent and bytes(entry["answer"]) == answer.content
        assert (entry["state"], entry["type"], entry["ack"]) == ("committed", "observation-provide", "ok")

    async def test_repeated(self, world: World) -> None:
        """The same message again, also in another envelope: the same response to the byte, and nothing changes."""
        bundle = provided()
        first = await send(world, bundle)
        again = await send(world, bundle)
        bundle["identifier"]["value"] = "urn:uuid:another"
        enveloped = await send(world, bundle)

        assert first.content == again.content == enveloped.content and first.status_code == 200
        assert (await world.get(f"/Observation/{RESULT_ID}")).headers["etag"] == 'W/"1"'
        assert len(await entries(world, channel="fhir")) == 1

    async def test_at_once(self, world: World) -> None:
        """Sent several times at once it happens once."""
        bundle = provided()
        answers = await asyncio.gather(*(send(world, bundle) for _ in range(5)))

        assert len({one.content for one in answers}) == 1 and answers[0].status_code == 200
        assert len(await entries(world, channel="fhir")) == 1

    async def test_corrected(self, world: World) -> None:
        """A new message about the same result is its new version; what is the same is not written again."""
        await taken(world, provided())
        outcome = await taken(world, provided(value=6))

        assert (await world.get(f"/Observation/{RESULT_ID}")).json()["meta"]["versionId"] == "2"
        assert outcome["issue"][1]["diagnostics"].endswith("unchanged.")

    async def test_demographics(self, world: World) -> None:
        """A result never rewrites whom it is about; an administrative message does."""
        await taken(world, provided())
        await taken(world, about(message("observation-provide", result("r2"), person("77", "别人")), 1, 2))
        assert (await world.get(f"/Patient/{patient_id('77')}")).json()["name"][0]["text"] == "王晓梅"
        await taken(world, message("admin-notify", person("77", "王小梅")))

        assert (await world.get(f"/Patient/{patient_id('77')}")).json()["name"][0]["text"] == "王小梅"

    async def test_report_and_document(self, world: World) -> None:
        """Reports with their results, and documents."""
        report = {"resourceType": "DiagnosticReport", "status": "final", "code": {"text": "血常规"}}
        bundle = message("diagnosticreport-provide", report, result("r1"), person("77"))
        about(bundle, 1, 3)
        bundle["entry"][1]["resource"]["result"] = [{"reference": bundle["entry"][2]["fullUrl"]}]
        await taken(world, bundle)
        document = {"resourceType": "DocumentReference", "status": "current", "content": [{"attachment": {"url": "x"}}]}
        await taken(world, message("document-provide", document, system="urn:hie:message-events"))

        found = (await world.get("/DiagnosticReport", account="system")).json()["entry"][0]["resource"]
        assert found["result"] == [{"reference": f"Observation/{RESULT_ID}"}]

    async def test_nullified(self, world: World) -> None:
        """An administration that was wrong is marked so, and a nullification that does not say so is refused."""
        given = {
            "resourceType": "MedicationAdministration", "identifier": [{"system": "urn:his:given", "value": "1"}],
            "status": "completed", "medicationCodeableConcept": {"text": "x"}, "effectiveDateTime": "2026-11-20",
        }  # fmt: skip
        await taken(world, about(message("MedicationAdministration-Complete", given, person("77")), 1, 2))
        wrong = about(message("MedicationAdministration-Nullification", dict(given), person("77")), 1, 2)
        assert answered(await send(world, wrong))[:2] == (422, "fatal-error")
        void = given | {"status": "entered-in-error"}
        await taken(world, about(message("MedicationAdministration-Nullification", void, person("77")), 1, 2))

        found = (await world.get("/MedicationAdministration", account="system")).json()["entry"][0]["resource"]
        assert (found["status"], found["meta"]["versionId"]) == ("entered-in-error", "2")


class TestIdentity:
    async def test_linked(self, world: World) -> None:
        """Two records that the source joins are one person, and apart again when it takes that back."""
        registry = world.services.registry
        one, other = person("1", "张三", birthDate="1950-01-02"), person("2", "李四", birthDate="1990-03-04")
        await taken(world, message("admin-notify", one, other, focus=2))
        ids = patient_id("1"), patient_id("2")
        assert len({await registry.person_of(one) for one in ids}) == 2
        await taken(world, message("patient-link", one, other, focus=2))
        assert len({await registry.person_of(one) for one in ids}) == 1
        await taken(world, message("patient-unlink", one, other, focus=2))

        assert len({await registry.person_of(one) for one in ids}) == 2
        assert (await world.get(f"/Patient/{ids[0]}")).json()["meta"]["versionId"] == "1"

    async def test_unlink_of_strangers(self, world: World) -> None:
        """Taking back what was never said changes nothing and is no error."""
        await taken(world, message("patient-unlink", person("1", "张三"), person("2", "李四"), focus=2))

    async def test_one_record(self, world: World) -> None:
        """A link of one record is refused."""
        status, code, outcome = answered(await send(world, message("patient-link", person("1"))))

        assert (status, code) == (422, "fatal-error")
        assert outcome["issue"][0]["expression"] == ["MessageHeader.focus"]


class TestRefused:
    async def test_whole_or_nothing(self, world: World) -> None:
        """One invalid resource: nothing is stored, the response says where, the message is kept as rejected."""
        bundle = provided()
        bundle["entry"][2]["resource"]["gender"] = "x"
        status, code, outcome = answered(await send(world, bundle))

        assert (status, code) == (422, "fatal-error")
        assert "entry[2]" in outcome["issue"][0]["expression"][0]
        assert (await world.get(f"/Observation/{RESULT_ID}", account="system")).status_code == 404
        (entry,) = await entries(world, channel="fhir")
        assert entry["state"] == "rejected" and "王晓梅" not in entry["reason"]
        del bundle["entry"][2]["resource"]["gender"]
        assert answered(await send(world, bundle))[:2] == (200, "ok")

    @pytest.mark.parametrize("event", ["valueset-expand", "unknown-event"])
    async def test_event(self, world: World, event: str) -> None:
        """An event that is not taken is a fatal error that names those that are."""
        status, code, outcome = answered(await send(world, message(event, person("1"))))

        assert (status, code, outcome["issue"][0]["code"]) == (422, "fatal-error", "not-supported")
        assert "observation-provide" in outcome["issue"][0]["diagnostics"]

    async def test_contents(self, world: World) -> None:
        """Types that the event does not carry, a focus that is not there, one resource twice."""
        appointment = {"resourceType": "Basic", "code": {"text": "x"}}
        lost = message("admin-notify", person("1"), focus=1)
        lost["entry"][0]["resource"]["focus"] = [{"reference": "Patient/9"}]
        bundles = [message("admin-notify", person("1"), appointment), lost, message("admin-notify", person("1"),
                   person("1", "李四")), message("admin-notify", person("1"), focus=0)]  # fmt: skip
        for bundle in bundles:
            assert answered(await send(world, bundle))[:2] == (422, "fatal-error"), bundle

    async def test_foreign_reference(self, world: World) -> None:
        """A bare reference to what is not in the message would be taken for a record of ours."""
        await world.made(person("5") | {"id": "p1"})
        bundle = message("observation-provide", result("r1", subject={"reference": "Patient/p1"}))
        assert answered(await send(world, bundle))[:2] == (422, "fatal-error")
        absolute = f"{world.services.settings.fhir_url}/Patient/p1"
        bundle["entry"][1]["resource"]["subject"] = {"reference": absolute}

        assert answered(await send(world, bundle))[:2] == (200, "ok")
        found = (await world.get("/Observation?subject=Patient/p1", account="system")).json()
        assert found["total"] == 1

    async def test_envelope(self, world: World) -> None:
        """An envelope that carried another message is refused."""
        first, second = provided(), provided(value=6)
        second["identifier"] = first["identifier"]
        await taken(world, first)
        status, code, outcome = answered(await send(world, second))

        assert (status, code) == (422, "fatal-error") and outcome["issue"][0]["expression"] == ["Bundle.identifier"]

    async def test_no_header(self, world: World) -> None:
        """Where nobody can be answered by a message an OperationOutcome says why."""
        bundle = provided()
        del bundle["entry"][0]["resource"]["source"]
        assert issue(await send(world, bundle))[0] == 400
        assert issue(await send(world, {"resourceType": "Bundle", "type": "collection"}))[0] == 400
        assert issue(await send(world, person("1")))[0] == 400
        assert issue(await send(world, b"{"))[0] == 400

    async def test_response(self, world: World) -> None:
        """A response to a message that this exchange never sent is refused."""
        response = {"identifier": "x", "code": "ok"}
        status, code, _ = answered(await send(world, message("admin-notify", person("1"), response=response)))

        assert (status, code) == (422, "fatal-error")

    async def test_rights(self, world: World) -> None:
        """Scopes hold for every resource: a resident sends nothing about others."""
        status, code, _ = answered(await send(world, provided(), account="resident"))

        assert (status, code) == (403, "fatal-error")
        assert (await world.get(f"/Observation/{RESULT_ID}", account="system")).status_code == 404
        assert issue(await send(world, provided(), account=None))[0] == 401

    async def test_parameters(self, world: World) -> None:
        """Unknown parameters, two contents, a response-url without async."""
        content = {"name": "content", "resource": provided()}
        for extra in ([content], [{"name": "x", "valueString": "y"}], [{"name": "response-url", "valueUrl": "http://x"}]):
            body = {"resourceType": "Parameters", "parameter": [content, *extra]}
            assert issue(await send(world, body))[0] == 400


class TestBase:
    async def test_posted_to_base(self, world: World) -> None:
        """A Bundle of type message sent to the base goes the same way."""
        assert answered(await send(world, provided(), ""))[:2] == (200, "ok")
        assert (await world.get(f"/Observation/{RESULT_ID}")).status_code == 200

    async def test_parameters(self, world: World) -> None:
        """The message as the parameter `content`."""
        body = {"resourceType": "Parameters", "parameter": [{"name": "content", "resource": provided()}]}

        assert answered(await send(world, body))[:2] == (200, "ok")

    async def test_audited(self, world: World) -> None:
        """The trail names whose records were changed."""
        before = len(await world.events())
        await taken(world, provided())
        events = (await world.events())[before:]

        assert {name for one in events for name in one["p"]} == {patient_id("77")}


class TestReplay:
    async def test_replayed(self, world: World) -> None:
        """A message of the journal is filed again by a worker: what is there stays, what was lost is made anew."""
        await taken(world, provided())
        services = world.services
        await services.store.collections.of("Observation").delete_one({"_id": RESULT_ID})
        (entry,) = await entries(world, channel="fhir")
        assert await DeadLetters(services.journal).replay([entry["_id"]], by="test") == 1
        message = await services.journal.get(entry["_id"])
        assert message is not None and message.state == "pending"
        await carrier(services)(message)

        assert (await world.get(f"/Observation/{RESULT_ID}")).status_code == 200
        assert (await entries(world, channel="fhir"))[0]["state"] == "committed"
        assert (await world.get(f"/Patient/{patient_id('77')}")).json()["meta"]["versionId"] == "1"


    async def test_overtaken(self, world: World) -> None:
        """A replay never brings back what a later message, or a deletion, ended."""
        await taken(world, provided())
        await taken(world, provided(value=6))
        await world.ask("DELETE", f"/Patient/{patient_id('77')}", account="system")
        services = world.services
        (first, _) = await entries(world, channel="fhir")
        await DeadLetters(services.journal).replay([first["_id"]], by="test")
        message = await services.journal.get(first["_id"])
        assert message is not None
        await carrier(services)(message)

        found = (await world.get(f"/Observation/{RESULT_ID}")).json()
        assert (found["valueQuantity"]["value"], found["meta"]["versionId"]) == (6, "2")
        assert (await world.get(f"/Patient/{patient_id('77')}")).status_code == 410


@asynccontextmanager
async def receiver(statuses: list[int]) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A server that answers with these statuses, the last one for ever, and keeps what it was sent."""
    received: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        lines = [line.lower() for line in head.split(b"\r\n")]
        length = next(int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length"))
        received.append(await reader.readexactly(length))
        status = statuses.pop(0) if len(statuses) > 1 else statuses[0]
        writer.write(f"HTTP/1.1 {status} x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    port = free_port()
    server = await asyncio.start_server(serve, "127.0.0.1", port)
    async with server:
        yield f"http://127.0.0.1:{port}/answers", received


class TestLater:
    async def test_delivered(self, world: World) -> None:
        """With async=true the message is taken, and the response goes to the address, again where it first fails."""
        services = world.services
        leases = Leases(services.client, services.settings.database_prefix, "consumers", "test")
        runner = OutboxRunner(services.outbox, leases, patience=Patience(first=0.01))
        async with receiver([503, 200]) as (address, received):
            answer = await send(world, provided(), f"/$process-message?async=true&response-url={address}")
            assert answer.status_code == 202 and answer.json()["resourceType"] == "OperationOutcome"
            for _ in range(4):
                await runner.deliver_once()

        assert len(received) == 2 and received[0] == received[1]
        assert json.loads(received[1])["entry"][0]["resource"]["response"]["code"] == "ok"
        assert (await world.get(f"/Observation/{RESULT_ID}")).status_code == 200
        assert "message-responses" not in await services.outbox.waiting()

    async def test_refused_at_once(self, world: World) -> None:
        """What is wrong is said at once; an address that is not allowed takes nothing in."""
        bundle = provided()
        later = "/$process-message?async=true"
        assert issue(await send(world, bundle, f"{later}&response-url=https://evil.example/"))[0] == 422
        assert issue(await send(world, message("x", person("1")), later))[0] == 422
        assert (await world.get(f"/Observation/{RESULT_ID}", account="system")).status_code == 404

    async def test_hosts(self) -> None:
        """Only hosts that the operator names, never with a password in the address; without any nothing is offered."""
        production = Settings(mode="production")
        named = Settings(mode="production", message_response_hosts="10.1.0.0/16")

        with pytest.raises(NotOffered):
            await admit("https://10.1.2.3/x", production)
        assert await admit("https://10.1.2.3/x", named) == "https://10.1.2.3/x"
        for address in ("https://10.2.2.3/x", "http://10.1.2.3/", "https://a:b@10.1.2.3/", "ftp://10.1.2.3/", "x"):
            with pytest.raises(Invalid):
                await admit(address, named)
