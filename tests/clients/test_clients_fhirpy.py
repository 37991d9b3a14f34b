"""
fhirpy, a client for Python, in both of its ways: with and without a loop. https://pypi.org/project/fhirpy/
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any

import fhirpy
import pytest
from fhirpy.base.exceptions import (
    AuthorizationError,
    ForbiddenError,
    MultipleResourcesFound,
    OperationOutcome,
    ResourceNotFound,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
SYSTEM = "urn:example:fhirpy"


@pytest.fixture
def client(reached: Mapping[str, str]) -> fhirpy.SyncFHIRClient:
    return fhirpy.SyncFHIRClient(reached["FHIR_BASE"], authorization=f"Bearer {reached['FHIR_TOKEN']}")


@pytest.fixture
def mark() -> str:
    """A word that nobody else uses."""
    return uuid.uuid4().hex[:10]


def patient(client: Any, mark: str, **elements: Any) -> Any:
    identifier = [{"system": SYSTEM, "value": mark}]
    return client.resource("Patient", identifier=identifier, name=[{"family": "王", "given": ["晓梅"]}], **elements)


class TestInstances:
    def test_life(self, client: fhirpy.SyncFHIRClient, mark: str) -> None:
        """Created, read, updated, refreshed where nothing changed, deleted, gone."""
        made = patient(client, mark, gender="female")
        made.save()
        assert made["meta"]["versionId"] == "1"

        read = client.reference("Patient", made.id).to_resource()
        read["birthDate"] = "1985-06-12"
        read.save()
        assert client.reference("Patient", made.id).to_resource()["birthDate"] == "1985-06-12"
        assert read.refresh()["meta"]["versionId"] == "2"

        made.delete()
        with pytest.raises(ResourceNotFound, match="deleted"):
            client.get("Patient", made.id)

    def test_history(self, client: fhirpy.SyncFHIRClient, mark: str) -> None:
        """Both versions of what was written twice."""
        made = patient(client, mark)
        made.save()
        made["active"] = True
        made.save()

        history = client.execute(f"Patient/{made.id}/_history", method="get")

        assert [entry["resource"]["meta"]["versionId"] for entry in history["entry"]] == ["2", "1"]

    def test_validate(self, client: fhirpy.SyncFHIRClient, mark: str) -> None:
        """$validate says yes and no, and why."""
        assert patient(client, mark, gender="female").is_valid()
        with pytest.raises(OperationOutcome) as refused:
            patient(client, mark, gender="f").is_valid(raise_exception=True)

        assert "Patient.gender" in str(refused.value)


class TestSearch:
    def test_every_page(self, client: fhirpy.SyncFHIRClient, mark: str) -> None:
        """The iterator walks through all pages and gives each resource once."""
        entries = [
            {
                "resource": {"resourceType": "Organization", "name": f"{mark} {number}", "active": True},
                "request": {"method": "POST", "url": "Organization"},
            }
            for number in range(23)
        ]
        client.execute("", data={"resourceType": "Bundle", "type": "transaction", "entry": entries})

        found = client.resources("Organization").search(name=mark).sort("name").limit(5)
        ids = [one.id for one in found]

        assert len(ids) == len(set(ids)) == 23
        assert len(found.fetch()) == 5
        assert client.resources("Organization").search(name__contains=mark).first() is not None

    def test_count(self, reached: Mapping[str, str], mark: str) -> None:
        """Its count sends a parameter of one vendor: who asks for leniency gets the number."""
        lenient = fhirpy.SyncFHIRClient(
            reached["FHIR_BASE"],
            authorization=f"Bearer {reached['FHIR_TOKEN']}",
            extra_headers={"Prefer": "handling=lenient"},
        )
        patient(lenient, mark).save()

        assert lenient.resources("Patient").search(identifier=f"{SYSTEM}|{mark}").count() == 1

    def test_include(self, client: fhirpy.SyncFHIRClient, mark: str) -> None:
        """Includes, reverse includes, chains and _has."""
        subject = patient(client, mark)
        subject.save()
        client.resource(
            "Observation", status="final", code={"text": mark}, subject=subject.to_reference()
        ).save()

        found = client.resources("Observation").search(subject__identifier=mark).include("Observation", "subject")
        kinds = {entry["resource"]["resourceType"] for entry in found.fetch_raw()["entry"]}
        about = client.resources("Patient").search(_id=subject.id).revinclude("Observation", "subject").fetch_raw()

        assert kinds == {"Observation", "Patient"}
        assert [entry["search"]["mode"] for entry in about["entry"]] == ["match", "include"]
        assert client.resources("Patient").has("Observation", "subject", status="final").search(_id=subject.id).get()


class TestConditions:
    def test_update(self, client: fhirpy.SyncFHIRClient, mark: str) -> None:
        """A conditional update creates once, then updates the one."""
        chosen = client.resources("Patient").search(identifier=f"{SYSTEM}|{mark}")
        first, created = chosen.update(patient(client, mark))
        second, again = chosen.update(patient(client, mark, active=True))

        assert (created, again, first.id) == (True, False, second.id)
        assert second["active"] is True

    def test_several(self, client: fhirpy.SyncFHIRClient, mark: str) -> None:
        """A condition that selects two is no condition."""
        patient(client, mark).save()
        patient(client, mark).save()

        with pytest.raises(MultipleResourcesFound):
            client.resources("Patient").search(identifier=f"{SYSTEM}|{mark}").update(patient(client, mark))

    def test_delete(self, client: fhirpy.SyncFHIRClient, mark: str) -> None:
        """A conditional delete."""
        made = client.resource("Basic", identifier=[{"system": SYSTEM, "value": mark}], code={"text": "x"}).save()

        client.resources("Basic").search(identifier=f"{SYSTEM}|{mark}").delete()

        with pytest.raises(ResourceNotFound):
            client.get("Basic", made.id)


class TestOperations:
    def test_everything(self, client: fhirpy.SyncFHIRClient, mark: str) -> None:
        """$everything of a patient."""
        subject = patient(client, mark)
        subject.save()
        client.resource("Condition", subject=subject.to_reference(), code={"text": mark}).save()

        found = subject.execute("$everything", method="get")

        assert {"Patient", "Condition"} <= {entry["resource"]["resourceType"] for entry in found["entry"]}

    def test_capabilities(self, client: fhirpy.SyncFHIRClient) -> None:
        """The statement names the version and the formats."""
        statement = client.execute("metadata", method="get")

        assert statement["fhirVersion"] == "4.0.1"
        assert {"json", "xml"} <= set(statement["format"])


class TestErrors:
    def test_outcomes(self, client: fhirpy.SyncFHIRClient, mark: str) -> None:
        """Every refusal arrives as the error that the client has for it."""
        with pytest.raises(OperationOutcome) as unknown:
            client.resources("Patient").search(favourite="blue").fetch()
        with pytest.raises(ResourceNotFound):
            client.get("Patient", f"none-{mark}")
        with pytest.raises(OperationOutcome) as invalid:
            patient(client, mark, gender="f").save()

        assert unknown.value.resource["issue"][0]["code"] == "not-supported"
        assert invalid.value.resource["issue"][0]["expression"] == ["Patient.gender"]

    def test_who(self, reached: Mapping[str, str], mark: str) -> None:
        """Without a token, and with one that may not write."""
        with pytest.raises(AuthorizationError):
            fhirpy.SyncFHIRClient(reached["FHIR_BASE"]).resources("Patient").fetch()
        reader = fhirpy.SyncFHIRClient(reached["FHIR_BASE"], authorization=f"Bearer {reached['FHIR_READER']}")
        with pytest.raises(ForbiddenError) as refused:
            patient(reader, mark).save()

        assert json.loads(str(refused.value))["resourceType"] == "OperationOutcome"


class TestInALoop:
    async def test_life(self, reached: Mapping[str, str], mark: str) -> None:
        """The asynchronous client: create, search all pages, conditional update, delete, gone."""
        client = fhirpy.AsyncFHIRClient(reached["FHIR_BASE"], authorization=f"Bearer {reached['FHIR_TOKEN']}")
        for number in range(7):
            await client.resource("Organization", name=f"{mark} {number}").save()
        found = client.resources("Organization").search(name=mark).limit(3)
        rows = [one async for one in found]
        chosen = client.resources("Patient").search(identifier=f"{SYSTEM}|{mark}")
        made, created = await chosen.update(patient(client, mark))
        await made.delete()

        assert (len({one.id for one in rows}), created) == (7, True)
        with pytest.raises(ResourceNotFound):
            await client.get("Patient", made.id)
