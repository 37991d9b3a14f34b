"""$validate over FHIR: its addresses, its modes, profiles of the store, and what is told."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fhir_world import World, issue, observation, patient

from hie.app import build
from hie.settings import Settings
from records.definitions import official

Json = dict[str, Any]
BASE = "http://hl7.org/fhir/StructureDefinition/"
RESIDENT = "http://example.org/StructureDefinition/resident"
BODY_WEIGHT = f"{BASE}bodyweight"
DIV = {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">居民</div>'}
WEIGHT = observation(
    text=DIV,
    meta={"profile": [BODY_WEIGHT]},
    category=[{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category",
                           "code": "vital-signs"}]}],
    code={"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
    effectiveDateTime="2026-11-02",
    valueQuantity={"value": 61.5, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"},
)  # fmt: skip


def resident_profile(identity: str = "resident", version: str = "1.0", **elements: Any) -> Json:
    """A profile that asks for a date of birth, in its first version."""
    asked = [{"id": "Patient", "path": "Patient"}, {"id": "Patient.birthDate", "path": "Patient.birthDate", "min": 1}]
    return {
        "resourceType": "StructureDefinition", "id": identity, "url": RESIDENT, "version": version, "name": "Resident",
        "status": "active", "kind": "resource", "abstract": False, "type": "Patient", "derivation": "constraint",
        "baseDefinition": f"{BASE}Patient", "differential": {"element": asked}, **elements,
    }  # fmt: skip


def asked(resource: Json | None = None, **values: str) -> Json:
    """Parameters of $validate."""
    parts: list[Json] = [{"name": "resource", "resource": resource}] if resource else []
    kinds = {"mode": "valueCode", "profile": "valueUri"}
    return {"resourceType": "Parameters", "parameter": [*parts, *({"name": n, kinds[n]: v} for n, v in values.items())]}


def found(answer: httpx.Response, severity: str = "error") -> list[tuple[str, str]]:
    """Code and place of the findings of that severity."""
    assert answer.status_code == 200, answer.text
    assert answer.json()["resourceType"] == "OperationOutcome"
    return [
        (one["code"], *one.get("expression", [""])) for one in answer.json()["issue"] if one["severity"] == severity
    ]


def texts(answer: httpx.Response) -> str:
    """All that the answer says in words."""
    return " ".join(one["diagnostics"] for one in answer.json()["issue"])


class TestType:
    async def test_valid(self, world: World) -> None:
        """What is valid is said to be, first of all, and nothing is stored."""
        answer = await world.post("/Patient/$validate", patient(text=DIV))

        assert answer.json()["issue"] == [
            {"severity": "information", "code": "informational", "diagnostics": "The resource is valid."}
        ]
        assert (await world.get("/Patient?_summary=count")).json()["total"] == 0

    async def test_all_kinds(self, world: World) -> None:
        """Structure, code, invariant, reference, extension and narrative are told of in one answer."""
        broken = observation(
            status="none", colour="red", subject={"reference": "Organization/o"},
            extension=[{"url": "http://example.org/unheard", "valueString": "x"}],
            referenceRange=[{"age": {"low": {"value": 1, "code": "a"}}}],
        )  # fmt: skip
        answer = await world.post("/Observation/$validate", broken)

        assert ("code-invalid", "Observation.status") in found(answer)
        assert ("structure", "Observation.colour") in found(answer)
        assert ("value", "Observation.subject.reference") in found(answer)
        assert ("invariant", "Observation.referenceRange[0].age.low") in found(answer)
        assert ("invariant", "Observation") in found(answer, "warning")
        assert ("extension", "Observation.extension[0]") in found(answer, "information")

    async def test_place_in_text(self, world: World) -> None:
        """Line and column are those of the JSON as it was sent, also inside of Parameters."""
        bare = json.dumps(patient(gender="x"), indent=1)
        wrapped = json.dumps(asked(patient(gender="x")), indent=1)
        for text in (bare, wrapped):
            line = next(at for at, one in enumerate(text.split("\n"), 1) if '"gender"' in one)
            column = text.split("\n")[line - 1].index('"x"') + 1
            (worst, *_) = (await world.post("/Patient/$validate", text)).json()["issue"]

            assert [one["valueInteger"] for one in worst["extension"]] == [line, column]

    async def test_no_line_of_xml(self, world: World) -> None:
        """A resource in XML has expressions, and no lines of a text that nobody sent."""
        text = '<Patient xmlns="http://hl7.org/fhir"><gender value="x"/></Patient>'
        answer = await world.post("/Patient/$validate", text, content_type="application/fhir+xml")

        assert ("code-invalid", "Patient.gender") in found(answer)
        assert not any("extension" in one for one in answer.json()["issue"])

    async def test_bundle(self, world: World) -> None:
        """The entries of a Bundle are validated, with the profiles that they claim."""
        heavy = {**WEIGHT, "valueQuantity": {**WEIGHT["valueQuantity"], "code": "cm"}}
        bundle = {
            "resourceType": "Bundle", "type": "collection",
            "entry": [{"fullUrl": "urn:uuid:6e1d1b0a-3f37-4e1b-8d5c-0a1f8f3c2d11", "resource": heavy}],
        }  # fmt: skip
        answer = await world.post("/Bundle/$validate", bundle)

        assert found(answer) == [("code-invalid", "Bundle.entry[0].resource.valueQuantity.code")]

    @pytest.mark.parametrize(
        ("query", "body"),
        [
            ("", asked(mode="create")),
            ("", {"resourceType": "Parameters", "parameter": [{"name": "colour", "valueString": "red"}]}),
            ("", asked(patient(), mode="perhaps")),
            ("", asked(patient(), mode="profile")),
            ("", asked(mode="delete")),
            ("?colour=red", patient()),
            ("?profile=", patient()),
            ("", observation()),
        ],
    )
    async def test_refused(self, world: World, query: str, body: Json) -> None:
        """What is not understood is refused, never passed over."""
        assert (await world.post(f"/Patient/$validate{query}", body)).status_code == 400

    async def test_tells_no_values(self, world: World) -> None:
        """No finding repeats what stands in the resource."""
        secret = "370303198001010011"
        profiled = {**WEIGHT, "valueQuantity": {"value": 1, "unit": secret, "system": secret, "code": secret}}
        answer = await world.post("/Observation/$validate", {**profiled, "status": secret})

        assert len(found(answer)) > 2
        assert secret not in answer.text


class TestModes:
    async def test_update(self, world: World) -> None:
        """An update needs the id of its address, and is told of what it would replace."""
        await world.made(patient())
        for body, expected in (
            (patient(), []),
            (patient("p2"), [("value", "Patient.id")]),
            ({**patient(), "id": None} | {}, None),
        ):
            sent = {name: value for name, value in body.items() if value is not None}
            answer = await world.post("/Patient/p1/$validate", asked(sent, mode="update"), account="system")

            assert found(answer) == ([("required", "Patient.id")] if expected is None else expected)

    async def test_create(self, world: World) -> None:
        """A create that the caller may not make is told to be refused."""
        allowed = await world.post("/Patient/$validate?mode=create", patient(), account="system")
        refused = await world.post("/SearchParameter/$validate?mode=create", SEARCH_PARAMETER)

        assert found(allowed) == []
        assert found(refused) == [("forbidden", "SearchParameter")]

    async def test_delete(self, world: World) -> None:
        """What is there may be deleted; what is not, or may not be seen, is not found."""
        await world.made(patient())
        there = await world.post("/Patient/p1/$validate", asked(mode="delete"), account="system")
        gone = await world.get("/Patient/p9/$validate?mode=delete", account="system")

        assert found(there) == []
        assert issue(gone)[:2] == (404, "not-found")
        assert (await world.get("/Patient/p1")).status_code == 200

    async def test_delete_forbidden(self, world: World) -> None:
        """Who may not delete is told so."""
        await world.made(patient())

        assert (await world.get("/Patient/p1/$validate?mode=delete", account="resident")).status_code == 403


class TestInstance:
    async def test_stored(self, world: World) -> None:
        """The resource at an address, against a profile; the trail names whose record it was."""
        await world.made(patient())
        answer = await world.get(f"/Patient/p1/$validate?mode=profile&profile={RESIDENT}")

        assert found(answer) == [("not-found", "Patient")]
        assert RESIDENT in texts(answer)
        assert (await world.events())[-1]["p"] == ["p1"]

    async def test_not_seen(self, world: World) -> None:
        """What the caller may not read, he may not have validated either."""
        await world.made(patient())

        assert (await world.get("/Patient/p1/$validate", account="resident")).status_code in (403, 404)


class TestProfiles:
    async def test_core(self, world: World) -> None:
        """HL7's own profiles are there without loading anything."""
        assert found(await world.post("/Observation/$validate", WEIGHT)) == []
        pounds = {**WEIGHT, "valueQuantity": {**WEIGHT["valueQuantity"], "code": "cm"}}

        assert found(await world.post("/Observation/$validate", pounds)) == [
            ("code-invalid", "Observation.valueQuantity.code")
        ]

    async def test_unknown(self, world: World) -> None:
        """A profile that nobody knows is an error where it was asked for, a warning where it is only claimed."""
        claims = patient(text=DIV, meta={"profile": [RESIDENT]})

        assert found(await world.post("/Patient/$validate", claims), "warning") == [("not-found", "Patient")]
        assert ("not-found", "Patient") in found(await world.post(f"/Patient/$validate?profile={RESIDENT}", claims))

    async def test_loaded(self, world: World) -> None:
        """A profile is loaded by storing it, and what it says changes with its next version, at once."""
        await world.made(resident_profile())
        path = f"/Patient/$validate?profile={RESIDENT}"
        assert found(await world.post(path, patient())) == [("required", "Patient.birthDate")]
        assert found(await world.post(path, patient(birthDate="1980-01-01"))) == []

        relaxed = {"element": [{"id": "Patient.birthDate", "path": "Patient.birthDate", "max": "0"}]}
        await world.made(resident_profile(differential=relaxed))
        assert found(await world.post(path, patient())) == []
        assert found(await world.post(path, patient(birthDate="1980-01-01"))) == [("structure", "Patient.birthDate")]

        assert (await world.ask("DELETE", "/StructureDefinition/resident", account="system")).status_code == 204
        assert found(await world.post(path, patient())) == [("not-found", "Patient")]

    async def test_version(self, world: World) -> None:
        """`url|version` is that version; without one it is the newest."""
        silent = {"element": [{"id": "Patient", "path": "Patient"}]}
        await world.made(resident_profile("r1", "1.9", differential=silent), resident_profile("r2", "1.10"))

        assert found(await world.post(f"/Patient/$validate?profile={RESIDENT}", patient())) != []
        assert found(await world.post(f"/Patient/$validate?profile={RESIDENT}|1.9", patient())) == []
        assert found(await world.post(f"/Patient/$validate?profile={RESIDENT}|7", patient())) == [
            ("not-found", "Patient")
        ]

    async def test_value_sets(self, world: World) -> None:
        """Required codes by a ValueSet in the store, by one of the dictionary, and by one that nobody knows."""
        bound = {
            "element": [
                {"id": "Observation.code", "path": "Observation.code",
                 "binding": {"strength": "required", "valueSet": "http://example.org/ValueSet/asked"}},
            ]
        }  # fmt: skip
        profile = resident_profile(type="Observation", baseDefinition=f"{BASE}Observation", differential=bound)
        await world.made(profile)
        path = f"/Observation/$validate?profile={RESIDENT}"
        unknown = await world.post(path, observation())
        assert (found(unknown), found(unknown, "warning")[-1]) == ([], ("not-supported", "Observation.code"))

        await world.made(value_set(include=[{"system": "http://loinc.org", "concept": [{"code": "1558-6"}]}]))
        assert found(await world.post(path, observation())) == []
        await world.made(value_set(include=[{"system": "http://loinc.org", "concept": [{"code": "1-1"}]}]))
        assert found(await world.post(path, observation())) == [("code-invalid", "Observation.code")]

    async def test_dictionary(self, world: World) -> None:
        """A value set of the region's dictionary, with the codes below another."""
        bound = {
            "element": [
                {"id": "Condition.code", "path": "Condition.code",
                 "binding": {"strength": "required", "valueSet": "urn:hie:valueset:hypertension"}},
            ]
        }  # fmt: skip
        await world.made(
            resident_profile(type="Condition", baseDefinition=f"{BASE}Condition", differential=bound)
        )
        path = f"/Condition/$validate?profile={RESIDENT}"

        assert found(await world.post(path, condition("I10"))) == []
        assert found(await world.post(path, condition("J45"))) == [("code-invalid", "Condition.code")]

    async def test_who_may_define(self, world: World) -> None:
        """What everybody's records are measured by is defined by a system or an administrator."""
        assert (await world.put("/StructureDefinition/resident", resident_profile())).status_code == 403
        codes = {"resourceType": "ValueSet", "id": "codes", "status": "active"}
        assert (await world.put("/ValueSet/codes", codes)).status_code == 403
        assert (await world.put("/ValueSet/codes", codes, account="administrator")).status_code == 201


class TestAll:
    def test_offered(self) -> None:
        """The types of the definitions that a profile needs are offered."""
        assert {"StructureDefinition", "ValueSet", "CodeSystem"} <= official().resource_types


SEARCH_PARAMETER: Json = {
    "resourceType": "SearchParameter", "url": "http://example.org/sp", "name": "Sp", "status": "active",
    "description": "x", "code": "sp", "base": ["Patient"], "type": "string", "expression": "Patient.name.text",
}  # fmt: skip


def value_set(**compose: Any) -> Json:
    """A value set of the operator."""
    return {
        "resourceType": "ValueSet", "id": "asked", "url": "http://example.org/ValueSet/asked", "status": "active",
        "compose": compose,
    }  # fmt: skip


def condition(code: str) -> Json:
    """A diagnosis by ICD-10."""
    return {
        "resourceType": "Condition", "subject": {"reference": "Patient/p1"}, "text": DIV,
        "clinicalStatus": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical",
                                       "code": "active"}]},
        "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": code}]},
    }  # fmt: skip


@pytest.fixture
async def strict(
    issuer: Settings, mongo_uri: str, database_prefix: str, tmp_path: Path
) -> AsyncIterator[World]:
    """An exchange that holds writes to the profiles that they claim."""
    settings = issuer.model_copy(
        update={"mongo_uri": mongo_uri, "database_prefix": database_prefix, "data_dir": tmp_path,
                "fhir_profiles": "enforce"}
    )  # fmt: skip
    async with build(settings) as services, World.over(services) as world:
        yield world


CLAIMS = {"meta": {"profile": [RESIDENT]}}


class TestEnforced:
    async def test_ignored(self, world: World) -> None:
        """Without the setting a claim is stored as it is."""
        assert (await world.put("/Patient/p1", patient(**CLAIMS), account="system")).status_code == 201

    async def test_create_and_update(self, strict: World) -> None:
        """A write must keep what it claims; one that claims nothing is asked nothing."""
        await strict.made(resident_profile())
        poor, rich = patient(**CLAIMS), patient(birthDate="1980-01-01", **CLAIMS)

        refused = await strict.put("/Patient/p1", poor, account="system")
        assert issue(refused)[:2] == (422, "required")
        assert refused.json()["issue"][0]["expression"] == ["Patient.birthDate"]
        assert (await strict.post("/Patient", poor, account="system")).status_code == 422
        assert (await strict.put("/Patient/p1", rich, account="system")).status_code == 201
        assert (await strict.put("/Patient/p2", patient("p2"), account="system")).status_code == 201

    async def test_unknown(self, strict: World) -> None:
        """A claim that nobody can check is refused as well."""
        refused = await strict.put("/Patient/p1", patient(**CLAIMS), account="system")

        assert issue(refused)[:2] == (422, "not-found")

    async def test_transaction(self, strict: World) -> None:
        """In a transaction one broken claim undoes all; in a batch it is alone."""
        await strict.made(resident_profile())

        def bundle(kind: str) -> Json:
            entries = [(patient("p1"), "p1"), (patient("p2", **CLAIMS), "p2")]
            asked = [{"resource": one, "request": {"method": "PUT", "url": f"Patient/{name}"}} for one, name in entries]
            return {"resourceType": "Bundle", "type": kind, "entry": asked}

        assert (await strict.post("/", bundle("transaction"), account="system")).status_code == 422
        assert (await strict.get("/Patient?_summary=count")).json()["total"] == 0
        answer = await strict.post("/", bundle("batch"), account="system")
        assert [one["response"]["status"][:3] for one in answer.json()["entry"]] == ["201", "422"]

    async def test_patch(self, strict: World) -> None:
        """A patch may not make a claim untrue."""
        await strict.made(resident_profile(), patient(birthDate="1980-01-01", **CLAIMS))
        patch = [{"op": "remove", "path": "/birthDate"}]
        answer = await strict.ask(
            "PATCH", "/Patient/p1", json.dumps(patch), account="system", content_type="application/json-patch+json"
        )

        assert answer.status_code == 422


class TestProcesses:
    async def test_two(self, world: World) -> None:
        """What one process stores the other validates by, without being told."""
        settings = world.services.settings
        async with build(settings) as services, World.over(services) as other:
            path = f"/Patient/$validate?profile={RESIDENT}"
            assert found(await other.post(path, patient())) == [("not-found", "Patient")]
            await world.made(resident_profile())
            assert found(await other.post(path, patient())) == [("required", "Patient.birthDate")]
            await world.made(resident_profile(differential={"element": [{"id": "Patient", "path": "Patient"}]}))
            assert found(await other.post(path, patient())) == []
