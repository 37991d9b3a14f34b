"""
SMART's client for Python, whose models are strict: what they do not know they refuse. https://pypi.org/project/fhirclient/
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

import pytest
from fhirclient.client import FHIRClient
from fhirclient.models.bundle import Bundle, BundleEntry, BundleEntryRequest
from fhirclient.models.capabilitystatement import CapabilityStatement
from fhirclient.models.fhirreference import FHIRReference
from fhirclient.models.humanname import HumanName
from fhirclient.models.observation import Observation
from fhirclient.models.operationoutcome import OperationOutcome
from fhirclient.models.organization import Organization
from fhirclient.models.patient import Patient
from fhirclient.server import (
    FHIRNotFoundException,
    FHIRPermissionDeniedException,
    FHIRServer,
    FHIRUnauthorizedException,
)
from requests import HTTPError

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


def signed_in(base: str, token: str) -> FHIRServer:
    """A client that learnt from the capability statement how to sign in, and has done so."""
    settings = {"app_id": "trial", "api_base": base, "redirect_uri": "http://127.0.0.1/callback"}
    client = FHIRClient(settings)
    assert client.prepare() is False
    client.server.auth.access_token = token
    assert client.ready
    return client.server


@pytest.fixture
def smart(reached: Mapping[str, str]) -> FHIRServer:
    return signed_in(reached["FHIR_BASE"], reached["FHIR_TOKEN"])


@pytest.fixture
def mark() -> str:
    return uuid.uuid4().hex[:10]


def patient(mark: str) -> Patient:
    found = Patient()
    found.name = [HumanName({"family": mark, "given": ["晓梅"]})]
    return found


class TestSignIn:
    def test_address(self, reached: Mapping[str, str]) -> None:
        """Where a person signs in is read from the statement, and asks for a code."""
        client = FHIRClient({"app_id": "trial", "api_base": reached["FHIR_BASE"], "redirect_uri": "http://x/callback"})
        client.prepare()
        address = urlsplit(client.authorize_url)

        assert address.path.endswith("/auth")
        assert parse_qs(address.query)["response_type"] == ["code"]

    def test_capabilities(self, smart: FHIRServer) -> None:
        """The whole statement is read by the strict model."""
        statement = smart.capabilityStatement

        assert isinstance(statement, CapabilityStatement)
        assert statement.fhirVersion == "4.0.1"
        assert {one.type for one in statement.rest[0].resource} > {"Patient", "Observation"}

    def test_refused(self, reached: Mapping[str, str], mark: str) -> None:
        """A token that is none, and one that may only read."""
        with pytest.raises(FHIRUnauthorizedException):
            Patient.where({"family": mark}).perform(signed_in(reached["FHIR_BASE"], "a.b.c"))
        with pytest.raises(FHIRPermissionDeniedException):
            patient(mark).create(signed_in(reached["FHIR_BASE"], reached["FHIR_READER"]))


class TestInstances:
    def test_life(self, smart: FHIRServer, mark: str) -> None:
        """Created, read, updated, deleted, gone."""
        made = patient(mark)
        created = made.create(smart)
        made.id = created["id"] if isinstance(created, dict) else made.id
        read = Patient.read(made.id, smart)
        assert read.name[0].family == mark

        read.gender = "female"
        read.update(smart)
        assert Patient.read(made.id, smart).gender == "female"

        read.delete(smart)
        with pytest.raises(HTTPError) as gone:
            Patient.read(made.id, smart)
        assert gone.value.response.status_code == 410

    def test_errors(self, smart: FHIRServer, mark: str) -> None:
        """An unknown id is not found; what is refused says why in a strict OperationOutcome."""
        with pytest.raises(FHIRNotFoundException):
            Patient.read(f"none-{mark}", smart)
        with pytest.raises(HTTPError) as refused:
            Patient.where({"favourite": "blue"}).perform(smart)

        outcome = OperationOutcome(refused.value.response.json())
        assert (outcome.issue[0].severity, outcome.issue[0].code) == ("error", "not-supported")


class TestSearch:
    def test_every_page(self, smart: FHIRServer, mark: str) -> None:
        """Its iterators walk through all pages, each resource once."""
        for number in range(11):
            Organization({"name": f"{mark} {number}"}).create(smart)
        search = Organization.where({"name": mark, "_count": "4"})

        pages = list(search.perform_iter(smart))
        ids = [one.id for one in search.perform_resources_iter(smart)]

        assert [len(page.entry) for page in pages] == [4, 4, 3]
        assert len(ids) == len(set(ids)) == 11

    def test_include(self, smart: FHIRServer, mark: str) -> None:
        """An include brings the patient along, and the reference resolves to it."""
        created = patient(mark).create(smart)
        found = Observation({"status": "final", "code": {"text": mark}})
        found.subject = FHIRReference({"reference": f"Patient/{created['id']}"})
        found.create(smart)

        bundle = Observation.where({"subject": f"Patient/{created['id']}"}).include("subject").perform(smart)
        rows = {entry.resource.resource_type: entry.resource for entry in bundle.entry}

        assert set(rows) == {"Observation", "Patient"}
        assert rows["Observation"].subject.resolved(Patient).name[0].family == mark


class TestBundle:
    def test_transaction(self, smart: FHIRServer, mark: str) -> None:
        """A transaction built from models, whose answer is read by the model."""
        urn = uuid.uuid4().urn
        observation = Observation({"status": "final", "code": {"text": mark}, "subject": {"reference": urn}})
        bundle = Bundle({"type": "transaction"})
        bundle.entry = [entry("Observation", observation), entry("Patient", patient(mark), urn)]

        answer = Bundle(smart.post_json("", bundle.as_json()).json())

        assert [one.response.status[:3] for one in answer.entry] == ["201", "201"]
        found = Observation.where({"code:text": mark}).perform_resources(smart)
        assert found[0].subject.reference == "/".join(answer.entry[1].response.location.split("/")[-4:-2])


def entry(url: str, resource: Observation | Patient, full_url: str | None = None) -> BundleEntry:
    found = BundleEntry()
    found.resource, found.fullUrl = resource, full_url
    found.request = BundleEntryRequest({"method": "POST", "url": url})
    return found
