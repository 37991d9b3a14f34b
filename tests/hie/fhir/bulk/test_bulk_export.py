"""
$export: kick-off, state, manifest, files. https://hl7.org/fhir/uv/bulkdata/export.html
"""

from __future__ import annotations

import json

import pytest
from bulk_world import ASYNC, BulkWorld, problems
from fhir_world import RESIDENT_ID, Json, issue, observation, patient

from records.stored import Write

pytestmark = pytest.mark.anyio


def organization() -> Json:
    return {"resourceType": "Organization", "id": "g1", "name": "医院"}


def group(*members: Json) -> Json:
    return {"resourceType": "Group", "id": "gr1", "type": "person", "actual": True, "member": list(members)}


def member(reference: str, **elements: object) -> Json:
    return {"entity": {"reference": reference}, **elements}


def parameters(*pairs: tuple[str, Json]) -> Json:
    return {"resourceType": "Parameters", "parameter": [{"name": name, **value} for name, value in pairs]}


class TestSystem:
    async def test_whole(self, bulk: BulkWorld) -> None:
        """202 and a status address; then a manifest whose files hold every resource once."""
        await bulk.made(patient("p1"), patient("p2"), observation("o1"), organization())
        address = await bulk.started("/$export")
        waiting = await bulk.get(address, account="system")
        await bulk.worked()
        done = await bulk.get(address, account="system")
        manifest = done.json()

        assert waiting.status_code == 202
        assert waiting.headers["X-Progress"]
        assert int(waiting.headers["Retry-After"]) > 0
        assert done.headers["Content-Type"] == "application/json"
        assert "GMT" in done.headers["Expires"]
        assert manifest["requiresAccessToken"] is True
        assert manifest["request"].endswith("/fhir/$export")
        assert manifest["error"] == []
        assert "deleted" not in manifest
        found = await bulk.references(manifest)
        assert {"Patient/p1", "Patient/p2", "Observation/o1", "Organization/g1"} <= set(found)
        assert len(found) == len(set(found)) == sum(file["count"] for file in manifest["output"])

    async def test_numbers(self, bulk: BulkWorld) -> None:
        """A resource sent over many lines is one line, and 1.50 stays 1.50."""
        value = '{\n    "value": 1.50,\n    "unit": "a\\nb\\u00e9"\n  }'
        body = json.dumps(observation("o1", valueQuantity="VALUE"), indent=2).replace('"VALUE"', value)
        await bulk.made(patient())
        stored = await bulk.put("/Observation/o1", body.encode(), account="system", Content_Type="application/json")
        assert stored.status_code == 201
        assert b"\n" in stored.content
        manifest = await bulk.exported("/$export?_type=Observation")

        (line,) = await bulk.lines(manifest["output"][0])
        assert b'"value":1.50,"unit":"a\\nb\\u00e9"' in line
        assert json.loads(line) == json.loads(stored.content)

    async def test_many(self, bulk: BulkWorld) -> None:
        """Ten thousand resources: each once, and as many as a search counts; no file is larger than it may be."""
        for start in range(0, 10_000, 500):
            rows = [observation(f"o{number:05}", f"p{number % 50}") for number in range(start, start + 500)]
            await bulk.services.store.apply([Write("create", "Observation", row["id"], row) for row in rows])
        await bulk.made(*(patient(f"p{number}") for number in range(50)))
        address = await bulk.started("/$export")
        await bulk.worked(bulk.runner(bulk.with_settings(bulk_file_rows=3_000)))
        manifest = await bulk.manifest(address)

        found = await bulk.references(manifest)
        assert len(found) == len(set(found))
        for kind in ("Observation", "Patient", "Person"):
            total = (await bulk.get(f"/{kind}?_total=accurate&_count=1", account="system")).json()["total"]
            assert sum(one["count"] for one in manifest["output"] if one["type"] == kind) == total
            assert sum(one.startswith(f"{kind}/") for one in found) == total
        sizes = [one["count"] for one in manifest["output"] if one["type"] == "Observation"]
        assert sizes == [3_000, 3_000, 3_000, 1_000]

    async def test_gzip(self, bulk: BulkWorld) -> None:
        """Files are compressed on their way where the client takes it."""
        await bulk.made(patient())
        (file,) = (await bulk.exported("/$export?_type=Patient"))["output"]
        plain = await bulk.get(file["url"], account="system", Accept_Encoding="identity")
        packed = await bulk.get(file["url"], account="system", Accept_Encoding="gzip")

        assert "Content-Encoding" not in plain.headers
        assert packed.headers["Content-Encoding"] == "gzip"
        assert plain.content == packed.content

    async def test_capabilities(self, bulk: BulkWorld) -> None:
        """The capability statement names the operations at their levels, and the guide."""
        found = (await bulk.get("/metadata", account=None)).json()
        rest = found["rest"][0]
        by_type = {one["type"]: {op["name"]: op["definition"] for op in one["operation"]} for one in rest["resource"]}
        base = "http://hl7.org/fhir/uv/bulkdata/OperationDefinition"

        assert {"name": "export", "definition": f"{base}/export"} in rest["operation"]
        assert by_type["Patient"]["export"] == f"{base}/patient-export"
        assert by_type["Group"]["export"] == f"{base}/group-export"
        assert "http://hl7.org/fhir/uv/bulkdata/CapabilityStatement/bulk-data" in found["instantiates"]


class TestParameters:
    async def test_asynchronous_only(self, bulk: BulkWorld) -> None:
        """Without Prefer: respond-async nothing begins."""
        assert issue(await bulk.get("/$export", account="system"))[0] == 400
        assert await bulk.count("bulk_jobs") == 0

    @pytest.mark.parametrize(
        "query",
        [
            "_typo=1", "_type=Nothing", "_outputFormat=csv", "includeAssociatedData=LatestProvenanceResources",
            "_since=yesterday", "_since=2024-01-01", "_typeFilter=Patient", "_typeFilter=Patient?nme=x",
            "_typeFilter=Patient%3F_sort%3Dname", "_type=Patient&_typeFilter=Observation%3Fstatus%3Dfinal",
            "_elements=a-b", "patient=Patient/p1", "_type=", "_typeFilter=Observation%3Fdate%3Dsoon",
        ],
    )  # fmt: skip
    async def test_refused(self, bulk: BulkWorld, query: str) -> None:
        """What is not known or not readable is 400 with an OperationOutcome."""
        assert issue(await bulk.get(f"/$export?{query}", account="system", Prefer=ASYNC))[0] == 400

    async def test_lenient(self, bulk: BulkWorld) -> None:
        """A lenient client is told in the error file what was passed over."""
        await bulk.made(patient())
        manifest = await bulk.exported("/$export?_typo=1&_type=Patient", Prefer=f"{ASYNC}, handling=lenient")

        (file,) = manifest["error"]
        outcomes = await bulk.resources([file])
        assert await bulk.references(manifest) == ["Patient/p1"]
        assert file["type"] == "OperationOutcome"
        assert "'_typo'" in problems(outcomes)[0]

    @pytest.mark.parametrize(
        "spelling", ["application/fhir%2Bndjson", "application/fhir+ndjson", "application/ndjson", "ndjson"]
    )
    async def test_formats(self, bulk: BulkWorld, spelling: str) -> None:
        """The spellings of NDJSON, and a plus sign that nobody encoded."""
        await bulk.started(f"/$export?_outputFormat={spelling}")

    async def test_posted(self, bulk: BulkWorld) -> None:
        """Parameters by POST say the same."""
        await bulk.made(patient(), observation(), organization())
        asked = parameters(
            ("_type", {"valueString": "Patient,Organization"}), ("_outputFormat", {"valueString": "ndjson"}),
            ("_since", {"valueInstant": "2020-01-01T00:00:00Z"}), ("_elements", {"valueString": "Patient.id"}),
        )  # fmt: skip

        assert await bulk.references(await bulk.exported("/$export", asked)) == ["Organization/g1", "Patient/p1"]

    async def test_filters(self, bulk: BulkWorld) -> None:
        """Filters of one type are joined by or, each row comes once; types without a filter are whole."""
        await bulk.made(
            patient("p1", birthDate="1985-06-12"), patient("p2", birthDate="1950-01-01"),
            observation("o1", "p1", effectiveDateTime="2024-03-01"), observation("o2", "p2", status="amended"),
            observation("o3", "p2", effectiveDateTime="2020-01-01"),
        )  # fmt: skip
        dated, chained = "Observation%3Fdate%3Dgt2023", "Observation%3Fsubject:Patient.birthdate%3Dge1980"
        filters = f"_typeFilter={dated},{chained}&_typeFilter=Observation%3Fstatus%3Damended"
        address = f"/$export?_type=Patient,Observation&{filters}"

        assert await bulk.references(await bulk.exported(address)) == [
            "Observation/o1", "Observation/o2", "Patient/p1", "Patient/p2",
        ]  # fmt: skip

    async def test_filter_by_person(self, bulk: BulkWorld) -> None:
        """A Person in a filter means all of that human's records."""
        await bulk.made(patient("p1", RESIDENT_ID), patient("p2", RESIDENT_ID), patient("p3"))
        await bulk.made(observation("o1", "p1"), observation("o2", "p2"), observation("o3", "p3"))
        person = await bulk.services.registry.person_of("p1")
        address = f"/$export?_type=Observation&_typeFilter=Observation%3Fsubject%3DPerson/{person}"

        assert await bulk.references(await bulk.exported(address)) == ["Observation/o1", "Observation/o2"]

    async def test_elements(self, bulk: BulkWorld) -> None:
        """The named elements, the mandatory ones, and a mark that something is missing."""
        await bulk.made(patient("p1", birthDate="1985-06-12", gender="female"), observation("o1", note=[{"text": "x"}]))
        elements = "_elements=Patient.birthDate,Observation.subject"
        manifest = await bulk.exported(f"/$export?_type=Patient,Observation&{elements}")
        found = {one["resourceType"]: one for one in await bulk.resources(manifest["output"])}

        assert set(found["Patient"]) == {"resourceType", "id", "meta", "birthDate"}
        assert set(found["Observation"]) == {"resourceType", "id", "meta", "status", "code", "subject"}
        assert found["Patient"]["meta"]["tag"][-1]["code"] == "SUBSETTED"


class TestMoment:
    async def test_since(self, bulk: BulkWorld) -> None:
        """What changed since, and what was deleted since as Bundles that would delete it."""
        await bulk.made(patient("p1"), patient("p2"), observation("o1"), observation("o2"))
        first = await bulk.exported("/$export")
        await bulk.made(patient("p2", gender="female"))
        await bulk.ask("DELETE", "/Observation/o1", account="system")
        second = await bulk.exported(f"/$export?_type=Patient,Observation&_since={first['transactionTime']}")

        assert await bulk.references(second) == ["Patient/p2"]
        (file,) = second["deleted"]
        (bundle,) = await bulk.resources([file])
        assert file["type"] == "Bundle"
        assert bundle["type"] == "transaction"
        assert bundle["entry"] == [{"request": {"method": "DELETE", "url": "Observation/o1"}}]

    async def test_as_of(self, bulk: BulkWorld) -> None:
        """Changes after the transaction time do not show: not the new, not the changed, not the deleted."""
        await bulk.made(patient("p1", gender="male"), patient("p2"), observation("o1"))
        address = await bulk.started("/$export?_type=Patient,Observation")
        await bulk.made(patient("p1", gender="female"), patient("p3"))
        await bulk.ask("DELETE", "/Observation/o1", account="system")
        await bulk.worked()
        manifest = await bulk.manifest(address)
        found = {one["id"]: one for one in await bulk.resources(manifest["output"])}

        assert sorted(found) == ["o1", "p1", "p2"]
        assert found["p1"]["gender"] == "male"
        assert found["p1"]["meta"]["versionId"] == "1"

    async def test_until(self, bulk: BulkWorld) -> None:
        """The state at an earlier moment."""
        await bulk.made(patient("p1"))
        moment = (await bulk.exported("/$export"))["transactionTime"]
        await bulk.made(patient("p1", gender="female"), patient("p2"))
        manifest = await bulk.exported(f"/$export?_type=Patient&_until={moment}")

        (found,) = await bulk.resources(manifest["output"])
        assert found["id"] == "p1"
        assert "gender" not in found


class TestPatients:
    async def test_compartment(self, bulk: BulkWorld) -> None:
        """The records of all patients, and nothing that is in no record."""
        await bulk.made(patient("p1"), observation("o1"), organization(), group(member("Patient/p1")))
        found = await bulk.references(await bulk.exported("/Patient/$export"))
        outside = await bulk.get("/Patient/$export?_type=Organization", account="system", Prefer=ASYNC)

        assert {"Patient/p1", "Observation/o1", "Group/gr1"} <= set(found)
        assert "Organization/g1" not in found
        assert issue(outside)[0] == 400

    async def test_named(self, bulk: BulkWorld) -> None:
        """By POST some patients are named; who is not known is told in the error file."""
        await bulk.made(patient("p1"), patient("p2"), observation("o1", "p1"), observation("o2", "p2"))
        asked = parameters(
            ("_type", {"valueString": "Patient,Observation"}),
            ("patient", {"valueReference": {"reference": "Patient/p2"}}),
            ("patient", {"valueReference": {"reference": "Patient/nobody"}}),
        )
        manifest = await bulk.exported("/Patient/$export", asked)

        assert await bulk.references(manifest) == ["Observation/o2", "Patient/p2"]
        assert problems(await bulk.resources(manifest["error"])) == [
            "Patient/nobody is not among the patients of this export."
        ]


class TestGroup:
    async def test_members(self, bulk: BulkWorld) -> None:
        """The members that are active; a Person means all source Patients of that human."""
        await bulk.made(
            *(patient(one, RESIDENT_ID) for one in ("p1", "p2")), *(patient(one) for one in ("p3", "p4", "p5")),
            *(observation(f"o{number}", f"p{number}") for number in range(1, 6)),
        )  # fmt: skip
        person = await bulk.services.registry.person_of("p1")
        members = group(member(f"Person/{person}"), member("Patient/p3"), member("Patient/p4", inactive=True))
        # A Person is no member as R4 has it; the exchange stores such groups for its own applications.
        await bulk.services.store.apply([Write("create", "Group", "gr1", members)])
        found = await bulk.references(await bulk.exported("/Group/gr1/$export?_type=Patient,Observation"))

        assert found == ["Observation/o1", "Observation/o2", "Observation/o3", "Patient/p1", "Patient/p2", "Patient/p3"]

    async def test_named(self, bulk: BulkWorld) -> None:
        """Of the members only who is named; who is no member is told in the error file."""
        await bulk.made(patient("p1"), patient("p2"), patient("p3"), group(member("Patient/p1"), member("Patient/p2")))
        asked = parameters(
            ("_type", {"valueString": "Patient"}),
            ("patient", {"valueReference": {"reference": "Patient/p2"}}),
            ("patient", {"valueReference": {"reference": "Patient/p3"}}),
        )
        manifest = await bulk.exported("/Group/gr1/$export", asked)

        assert await bulk.references(manifest) == ["Patient/p2"]
        assert problems(await bulk.resources(manifest["error"])) == [
            "Patient/p3 is not among the patients of this export."
        ]

    async def test_empty(self, bulk: BulkWorld) -> None:
        """A group without members exports nothing, not everything; one that is not there is 404."""
        await bulk.made(patient("p1"), group(member("Patient/p1", inactive=True)))

        assert (await bulk.exported("/Group/gr1/$export"))["output"] == []
        assert issue(await bulk.get("/Group/none/$export", account="system", Prefer=ASYNC))[0] == 404
