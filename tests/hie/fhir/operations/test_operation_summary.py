"""$summary: the International Patient Summary. http://hl7.org/fhir/uv/ips/OperationDefinition/summary"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import pytest
from fhir_world import ID_NUMBER, RESIDENT_ID, World, issue, observation, patient

from hie.fhir.operations.summary.gathering import Item, take
from hie.fhir.operations.summary.rules import Source, rules
from hie.fhir.operations.summary.words import language, words
from records import validation
from records.definitions import definitions
from records.stored import Stored, decode, encode

Json = dict[str, Any]
IPS = "http://hl7.org/fhir/uv/ips/StructureDefinition/"
REQUIRED = {"11450-4": "Condition", "48765-2": "AllergyIntolerance", "10160-0": "Medication"}
RECOMMENDED = ("11369-6", "30954-2", "47519-4", "46264-8")
CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
VERIFIED = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
# Composition-uv-ips: what the entries of each section may be.
ALLOWED = {
    "11450-4": {"Condition", "DocumentReference"}, "48765-2": {"AllergyIntolerance", "DocumentReference"},
    "10160-0": {"MedicationStatement", "MedicationRequest", "MedicationAdministration", "MedicationDispense",
                "DocumentReference"},
    "11369-6": {"Immunization", "DocumentReference"},
    "30954-2": {"Observation", "DiagnosticReport", "Media", "DocumentReference"},
    "47519-4": {"Procedure", "DocumentReference"}, "46264-8": {"DeviceUseStatement", "DocumentReference"},
    "8716-3": {"Observation", "DocumentReference"}, "29762-2": {"Observation", "DocumentReference"},
    "11348-0": {"Condition", "DocumentReference"},
    "47420-5": {"Condition", "ClinicalImpression", "DocumentReference"}, "18776-5": {"CarePlan", "DocumentReference"},
    "10162-6": {"Observation", "DocumentReference"}, "42348-3": {"Consent", "DocumentReference"},
    "104605-1": {"Flag", "DocumentReference"},
}  # fmt: skip

pytestmark = pytest.mark.anyio


def days_ago(days: int) -> str:
    return (date.today() - timedelta(days=days)).isoformat()


def coded(text: str, code: str = "", system: str = "http://snomed.info/sct") -> Json:
    return {"text": text} | ({"coding": [{"system": system, "code": code}]} if code else {})


def condition(identity: str, text: str, state: str = "active", of: str = "p1", **elements: Any) -> Json:
    return {
        "resourceType": "Condition", "id": identity, "subject": {"reference": f"Patient/{of}"}, "code": coded(text),
        "clinicalStatus": {"coding": [{"system": CLINICAL, "code": state}]}, **elements,
    }  # fmt: skip


def about(kind: str, identity: str, of: str = "p1", element: str = "subject", **elements: Any) -> Json:
    return {"resourceType": kind, "id": identity, element: {"reference": f"Patient/{of}"}, **elements}


def allergy(text: str, **elements: Any) -> Json:
    system = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"
    active = {"clinicalStatus": {"coding": [{"system": system, "code": "active"}]}}
    return about("AllergyIntolerance", "a1", element="patient", code=coded(text), **active, **elements)


def labelled(*codes: str) -> Json:
    system = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
    return {"meta": {"security": [{"system": system, "code": code} for code in codes]}}


def laboratory(identity: str, day: str, number: str = "718-7", **elements: Any) -> Json:
    return observation(identity, effectiveDateTime=day, **{
        "category": [{"coding": [{"system": CATEGORY, "code": "laboratory"}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": number, "display": "Hemoglobin"}]}, **elements,
    })  # fmt: skip


def everything() -> list[Json]:
    """One of each kind that a section is made of."""
    medicine = {"resourceType": "Medication", "id": "m1", "code": coded("阿司匹林 <100 mg>")}
    device = {"resourceType": "Device", "id": "dev1", "deviceName": [{"name": "Pacemaker", "type": "model-name"}]}
    doctor = {"resourceType": "Practitioner", "id": "doc1", "name": [{"family": "张"}]}
    adr = {"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "adr"}
    directive = {"coding": [{"system": "http://loinc.org", "code": "42348-3"}]}
    return [
        medicine, device, doctor,
        condition("c1", "高血压", recordedDate="2024-05-01", encounter={"reference": "Encounter/nowhere"}),
        condition("c2", "肺炎", "resolved"),
        allergy("青霉素 & 头孢", criticality="high"),
        about("MedicationStatement", "ms1", status="active", medicationReference={"reference": "Medication/m1"}),
        about("Immunization", "i1", element="patient", status="completed", vaccineCode=coded("流感疫苗"),
              occurrenceDateTime="2024-10-01"),
        laboratory("l1", days_ago(20), valueQuantity={"value": 1.5, "unit": "g/dL"},
                   performer=[{"reference": "Practitioner/doc1"}]),
        about("DiagnosticReport", "r1", status="final", code=coded("血常规"), effectiveDateTime=days_ago(20),
              result=[{"reference": "Observation/l1"}]),
        about("Procedure", "pr1", status="completed", code=coded("阑尾切除术")),
        about("DeviceUseStatement", "du1", status="active", device={"reference": "Device/dev1"}),
        observation("v1", effectiveDateTime=days_ago(3),
                    code={"coding": [{"system": "http://loinc.org", "code": "8867-4"}]},
                    valueQuantity={"value": 72, "unit": "/min"}),
        observation("s1", effectiveDateTime="2023-01-01", code={"coding": [{"system": "http://loinc.org",
                    "code": "72166-2"}]}, valueCodeableConcept=coded("从不吸烟")),
        about("ClinicalImpression", "ci1", status="completed", summary="可独立行走", date="2024-01-01"),
        about("CarePlan", "cp1", status="active", intent="plan", title="降压随访"),
        observation("g1", effectiveDateTime=days_ago(30), code={"coding": [{"system": "http://loinc.org",
                    "code": "82810-3"}]}, valueCodeableConcept=coded("未妊娠")),
        about("Consent", "ad1", element="patient", status="active", scope={"coding": [adr]}, category=[directive],
              policy=[{"uri": "urn:policy"}]),
        about("Flag", "f1", status="active", code=coded("跌倒风险")),
    ]  # fmt: skip


def composition(bundle: Json) -> Json:
    found: Json = bundle["entry"][0]["resource"]
    assert found["resourceType"] == "Composition"
    return found


def section(bundle: Json, code: str) -> Json:
    found: Json = next(one for one in composition(bundle)["section"] if one["code"]["coding"][0]["code"] == code)
    return found


def listed(bundle: Json, code: str) -> list[str]:
    return [one["reference"].rpartition("fhir/")[2] for one in section(bundle, code).get("entry", ())]


def resource(bundle: Json, reference: str) -> Json:
    found: Json = next(one["resource"] for one in bundle["entry"] if one["fullUrl"].endswith(reference))
    return found


def literals(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("reference"), str):
            yield value["reference"]
        for inner in value.values():
            yield from literals(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from literals(inner)


def check(bundle: Json, base: str) -> None:
    """Every rule of Bundle-uv-ips and Composition-uv-ips that can be told from the document alone."""
    assert validation.validate(bundle) == []
    assert bundle["type"] == "document" and bundle["meta"]["profile"] == [IPS + "Bundle-uv-ips"]
    assert bundle["identifier"]["system"] and bundle["identifier"]["value"] and bundle["timestamp"]
    assert not [one for one in bundle["entry"] if {"search", "request", "response"} & one.keys()]
    full = [one["fullUrl"] for one in bundle["entry"]]
    assert len(set(full)) == len(full) and all(full)
    kinds = [one["resource"]["resourceType"] for one in bundle["entry"]]
    assert kinds.count("Composition") == kinds.count("Patient") == 1 and kinds[:2] == ["Composition", "Patient"]
    for one in bundle["entry"]:
        for literal in literals(one["resource"]):
            if literal.startswith("#"):
                continue
            assert literal in full or f"{base}/{literal}" in full, literal
    _check_patient(next(one["resource"] for one in bundle["entry"] if one["resource"]["resourceType"] == "Patient"))
    _check_composition(composition(bundle), full)


def _check_patient(subject: Json) -> None:
    assert "birthDate" in subject or "_birthDate" in subject
    assert subject["name"]


def _check_composition(found: Json, full: list[str]) -> None:
    assert found["meta"]["profile"] == [IPS + "Composition-uv-ips"]
    assert found["status"] == "final" and found["date"] and found["title"] and found["identifier"]["value"]
    assert found["type"]["coding"][0] | {"system": "http://loinc.org", "code": "60591-5"} == found["type"]["coding"][0]
    assert found["subject"]["reference"] in full and found["author"][0]["reference"] in full
    assert found["text"]["div"] and found["custodian"]["reference"] in full
    codes = [one["code"]["coding"][0]["code"] for one in found["section"]]
    assert len(codes) == len(set(codes)) and set(REQUIRED) <= set(codes)
    for one in found["section"]:
        coding = one["code"]["coding"][0]
        assert one["title"] and coding["system"] == "http://loinc.org" and coding["display"]
        assert one["text"]["div"] and "section" not in one
        # ips-comp-1 and cmp-2: entries, or the reason why there are none; never both.
        assert ("entry" in one) != ("emptyReason" in one)
        for entry in one.get("entry", ()):
            assert entry["reference"] in full
            assert entry["reference"].split("/")[-2] in ALLOWED[coding["code"]], entry


async def asked(world: World, path: str = "/Patient/p1/$summary", **options: Any) -> Json:
    answer = await world.get(path, **options)
    assert answer.status_code == 200, answer.text
    return decode(answer.content)


class TestRules:
    def test_dated(self) -> None:
        """The rule data are dated, sourced and versioned; days before all of them take the first."""
        found = rules(date(1990, 1, 1))

        assert found.version and found.source and found.valid_from == rules(date(2030, 1, 1)).valid_from

    def test_searchable(self) -> None:
        """Every source is a search that this server knows, and words are there for every section."""
        for one in rules(date.today()).sections:
            assert words("en")[one.key] and words("zh-CN")[one.key]
            for source in one.sources:
                names = {name.partition(":")[0] for name in (*source.where, *source.since, source.about)}
                assert names <= definitions().search_parameters(source.type).keys(), source

    def test_each(self) -> None:
        """At most so many of one code, so many in all, and only of the statuses that are kept."""
        source = Source("Observation", "subject", "-date", 3, 9, 2, {}, {}, {"status": frozenset({"final"})})
        rows = [("a", "final"), ("a", "final"), ("a", "final"), ("b", "draft"), ("b", "final"), ("c", "final")]
        items = [_item(number, code, status) for number, (code, status) in enumerate(rows)]

        assert [item.row.id for item in take(source, items)] == ["0", "1", "4"]

    @pytest.mark.parametrize(
        ("accepted", "spoken"),
        [(None, "zh-CN"), ("en-GB,en;q=0.9", "en"), ("fr, zh;q=0.5, en;q=0.4", "zh-CN"), ("en;q=0, *", "zh-CN"),
         ("de", "zh-CN"), ("en;q=x", "zh-CN")],
    )  # fmt: skip
    def test_language(self, accepted: str | None, spoken: str) -> None:
        """The liked language that is spoken here, else the region's."""
        assert language(accepted, "zh-CN") == spoken


def _item(number: int, code: str, status: str) -> Item:
    found = {"resourceType": "Observation", "id": str(number), "status": status, "code": {"text": code}}
    return Item(Stored("Observation", str(number), 1, datetime.now(UTC), encode(found)), found)


class TestDocument:
    async def test_full(self, world: World) -> None:
        """With something in every section the document keeps every rule, and each resource stands where it belongs."""
        await world.made(patient(birthDate="1985-06-12"), *everything())
        found = await asked(world)

        check(found, world.services.settings.fhir_url)
        where = {
            "11450-4": ["Condition/c1"], "48765-2": ["AllergyIntolerance/a1"], "10160-0": ["MedicationStatement/ms1"],
            "11369-6": ["Immunization/i1"], "30954-2": ["Observation/l1", "DiagnosticReport/r1"],
            "47519-4": ["Procedure/pr1"], "46264-8": ["DeviceUseStatement/du1"], "8716-3": ["Observation/v1"],
            "29762-2": ["Observation/s1"], "11348-0": ["Condition/c2"], "47420-5": ["ClinicalImpression/ci1"],
            "18776-5": ["CarePlan/cp1"], "10162-6": ["Observation/g1"], "42348-3": ["Consent/ad1"],
            "104605-1": ["Flag/f1"],
        }  # fmt: skip
        assert {code: listed(found, code) for code in where} == where
        assert {"Medication/m1", "Device/dev1", "Practitioner/doc1"} <= {
            one["fullUrl"].rpartition("fhir/")[2] for one in found["entry"]
        }

    async def test_empty(self, world: World) -> None:
        """Where nothing is recorded the exchange says that it has no information: never that there is nothing."""
        await world.made(patient())
        found = await asked(world, accept_language="en")

        check(found, world.services.settings.fhir_url)
        codes = [one["code"]["coding"][0]["code"] for one in composition(found)["section"]]
        assert codes == [*REQUIRED, *RECOMMENDED]
        for code in codes:
            assert section(found, code)["emptyReason"]["coding"][0]["code"] == "unavailable"
            assert "No information available" in section(found, code)["text"]["div"]
        assert resource(found, "Patient/p1")["_birthDate"]["extension"][0]["valueCode"] == "unknown"

    async def test_text(self, world: World) -> None:
        """Decimals and everything else that stands by itself are served as they were sent, to the byte."""
        await world.made(patient())
        sent = encode(laboratory("l1", days_ago(2), valueQuantity={"value": Decimal("1.50")}))
        await world.put("/Observation/l1", sent, account="system")
        answer = await world.get("/Patient/p1/$summary")
        stored = await world.get("/Observation/l1")

        assert stored.content in answer.content and b"1.50" in stored.content

    async def test_broken_reference(self, world: World) -> None:
        """What has no entry stays named by its address, and is no literal reference any more."""
        await world.made(patient(), condition("c1", "x", encounter={"reference": "Encounter/e9", "display": "visit"}))
        found = resource(await asked(world), "Condition/c1")["encounter"]

        assert found["identifier"]["value"].endswith("/Encounter/e9") and "reference" not in found
        assert (found["display"], found["type"]) == ("visit", "Encounter")

    async def test_narrative(self, world: World) -> None:
        """Every section has its words, in the language asked for; what came from a source is escaped."""
        await world.made(patient(birthDate="1985-06-12"), *everything())
        chinese, english = await asked(world), await asked(world, accept_language="en")

        assert "<td>阿司匹林 &lt;100 mg&gt;</td>" in section(chinese, "10160-0")["text"]["div"]
        assert "青霉素 &amp; 头孢" in section(chinese, "48765-2")["text"]["div"]
        assert (section(chinese, "11450-4")["title"], section(english, "11450-4")["title"]) == ("健康问题", "Problems")
        assert "王晓梅" in composition(english)["text"]["div"] and composition(english)["language"] == "en"
        assert "72 /min" in section(english, "8716-3")["text"]["div"]

    async def test_xml(self, world: World) -> None:
        """The document is served as XML as well."""
        await world.made(patient(), *everything())
        answer = await world.get("/Patient/p1/$summary", accept="application/fhir+xml")

        assert answer.status_code == 200 and answer.content.count(b"<Composition") == 1


class TestSelection:
    async def test_statuses(self, world: World) -> None:
        """What was entered in error or refuted is in no section; past illness is apart."""
        wrong = {"verificationStatus": {"coding": [{"system": VERIFIED, "code": "entered-in-error"}]}}
        refuted = {"verificationStatus": {"coding": [{"system": VERIFIED, "code": "refuted"}]}}
        bad = condition("c4", "w") | wrong
        del bad["clinicalStatus"]
        await world.made(
            patient(), condition("c1", "x"), condition("c2", "y", "resolved"), condition("c3", "z", **refuted), bad,
            laboratory("l1", days_ago(1), status="entered-in-error"),
            about("MedicationStatement", "ms1", status="stopped", medicationCodeableConcept=coded("m")),
        )  # fmt: skip
        found = await asked(world)

        assert listed(found, "11450-4") == ["Condition/c1"] and listed(found, "11348-0") == ["Condition/c2"]
        assert listed(found, "30954-2") == listed(found, "10160-0") == []

    async def test_newest(self, world: World) -> None:
        """Of one test the newest two, newest first; what is older than the window is left out."""
        await world.made(
            patient(), *(laboratory(f"l{days}", days_ago(days)) for days in (30, 10, 20)),
            laboratory("old", days_ago(4000), "2345-7"),
        )  # fmt: skip

        assert listed(await asked(world), "30954-2") == ["Observation/l10", "Observation/l20"]


class TestWhose:
    async def test_person(self, world: World) -> None:
        """All source records of one human are in it, and every one of them is about the one subject."""
        await world.made(
            patient("p1", RESIDENT_ID, birthDate="1985-06-12"), patient("p2", RESIDENT_ID, birthDate="1985-06-12"),
            condition("c1", "甲", recordedDate="2024-01-01"), condition("c2", "乙", of="p2", recordedDate="2024-02-01"),
        )  # fmt: skip
        found = await asked(world)

        check(found, world.services.settings.fhir_url)
        assert listed(found, "11450-4") == ["Condition/c2", "Condition/c1"]
        assert resource(found, "Condition/c2")["subject"]["reference"] == "Patient/p1"
        person = await world.services.registry.person_of("p1")
        by_person = await asked(world, f"/Person/{person}/$summary")
        check(by_person, world.services.settings.fhir_url)
        assert len(listed(by_person, "11450-4")) == 2

    async def test_linked_record(self, world: World) -> None:
        """A Patient that links to another record of the same human does not point at itself."""
        link = [{"other": {"reference": "Patient/p2"}, "type": "seealso"}]
        await world.made(patient("p2", RESIDENT_ID), patient("p1", RESIDENT_ID, link=link))
        found = resource(await asked(world), "Patient/p1")["link"][0]["other"]

        assert "reference" not in found and found["identifier"]["value"].endswith("Patient/p2")

    async def test_identifier(self, world: World) -> None:
        """By identifier, in the address or in Parameters as a token or an Identifier; the latter stay out of logs."""
        await world.made(patient("p1", RESIDENT_ID), condition("c1", "x"))
        token = f"{ID_NUMBER}|{RESIDENT_ID}"
        identifier = {"system": ID_NUMBER, "value": RESIDENT_ID}
        bodies = [{"name": "identifier", "valueString": token}, {"name": "identifier", "valueIdentifier": identifier}]

        found = await asked(world, f"/Patient/$summary?identifier={quote(token)}")
        assert listed(found, "11450-4") == ["Condition/c1"]
        for body in bodies:
            answer = await world.post("/Patient/$summary", {"resourceType": "Parameters", "parameter": [body]})
            assert listed(answer.json(), "11450-4") == ["Condition/c1"]

    async def test_identifier_refused(self, world: World) -> None:
        """Nobody: not found; two people: refused; none given: refused."""
        shared = [{"system": "urn:ward", "value": "7"}]
        await world.made(
            patient("p1", identifier=shared, name=[{"text": "王芳"}], birthDate="1950-01-02"),
            patient("p2", identifier=shared, name=[{"text": "李强"}], birthDate="1990-03-04"),
        )  # fmt: skip

        assert issue(await world.get("/Patient/$summary?identifier=urn:ward|8"))[0] == 404
        assert issue(await world.get("/Patient/$summary?identifier=urn:ward|7"))[0] == 412
        assert issue(await world.get("/Patient/$summary"))[0] == 400

    async def test_parameters(self, world: World) -> None:
        """The profile may be named; another one, or an unknown parameter, is refused."""
        await world.made(patient())
        address = "/Patient/p1/$summary"

        assert (await world.get(f"{address}?profile={IPS}Bundle-uv-ips|2.0.0")).status_code == 200
        assert issue(await world.get(f"{address}?profile={IPS}Bundle-uv-ips|9"))[:2] == (400, "not-supported")
        assert issue(await world.get(f"{address}?profile=http://other"))[:2] == (400, "not-supported")
        assert issue(await world.get(f"{address}?graph=x"))[:2] == (400, "not-supported")
        assert issue(await world.get("/Patient/none/$summary"))[0] == 404


class TestSight:
    async def test_labels(self, world: World) -> None:
        """What a label hides is not in it, not referenced from it, and its section reads as any empty one."""
        await world.made(
            patient(), condition("c1", "秘密诊断", **labelled("HIV")),
            condition("c2", "x", evidence=[{"detail": [{"reference": "Condition/c1"}]}]),
            allergy("秘密过敏", **labelled("PSY")),
        )  # fmt: skip
        text = (await world.get("/Patient/p1/$summary", accept_language="en")).text
        found = await asked(world, accept_language="en")

        assert "秘密" not in text and listed(found, "11450-4") == ["Condition/c2"]
        other = await world.made(patient("p9"))
        empty = section(await asked(world, f"/{other[0]}/$summary", accept_language="en"), "48765-2")
        assert section(found, "48765-2") == empty

    async def test_confidentiality(self, world: World) -> None:
        """Who may see what is sensitive gets a document that says so."""
        await world.made(patient(), condition("c1", "x", **labelled("HIV")))

        assert composition(await asked(world))["confidentiality"] == "N"
        assert composition(await asked(world, account="system"))["confidentiality"] == "R"

    async def test_own_record(self, world: World) -> None:
        """A resident sees the summary of their own record alone."""
        await world.made(patient("p1", RESIDENT_ID), patient("p2", "370303199001011234"), condition("c1", "x"))

        assert (await world.get("/Patient/p1/$summary", account="resident")).status_code == 200
        assert issue(await world.get("/Patient/p2/$summary", account="resident"))[0] == 404

    async def test_audited(self, world: World) -> None:
        """The trail names every source record that was shown, before the answer leaves."""
        await world.made(
            patient("p1", RESIDENT_ID), patient("p2", RESIDENT_ID), condition("c1", "x"), condition("c2", "y", of="p2")
        )
        before = len(await world.events())
        await asked(world)
        events = (await world.events())[before:]

        assert sorted(one["p"][0] for one in events) == ["p1", "p2"]
        assert all(decode(bytes(one["text"]))["subtype"][0]["code"] == "operation" for one in events)

    async def test_capability(self, world: World) -> None:
        """The capability statement names the operation by the guide's definition."""
        found = (await world.get("/metadata")).json()["rest"][0]["resource"]
        offered = {one["type"]: one.get("operation", []) for one in found}

        assert {"name": "summary", "definition": "http://hl7.org/fhir/uv/ips/OperationDefinition/summary"} in offered[
            "Patient"
        ]
