"""
Who sees what of a job: the requester alone, what the decision leaves at the time of each look, all of it in the trail.
"""

from __future__ import annotations

import pytest
from bulk_world import ASYNC, BulkWorld
from fhir_world import RESIDENT_ID, Json, issue, observation, patient

from hie.errors import Unavailable

pytestmark = pytest.mark.anyio


def refusal(of: str, role: str = "administrator") -> Json:
    """A consent by which a resident refuses a role."""
    actor = {"role": {"text": role}, "reference": {"identifier": {"system": "urn:hie:role", "value": role}}}
    return {
        "resourceType": "Consent", "id": f"c-{of}", "status": "active",
        "scope": {"coding": [{"code": "patient-privacy"}]}, "category": [{"text": "privacy"}],
        "patient": {"reference": f"Patient/{of}"}, "policyRule": {"text": "opt-out"},
        "provision": {"type": "deny", "actor": [actor]},
    }  # fmt: skip


async def refused(world: BulkWorld, of: str) -> None:
    """The resident refuses, and every process has heard of it."""
    await world.made(refusal(of))
    world.services.gate.consents._looked = float("-inf")


class TestOwner:
    async def test_stranger(self, bulk: BulkWorld) -> None:
        """Status, files and cancellation of another's job are 404; nobody at all is 401."""
        await bulk.made(patient())
        address = await bulk.started("/$export?_type=Patient")
        await bulk.worked()
        (file,) = (await bulk.manifest(address))["output"]

        for path in (address, file["url"]):
            assert issue(await bulk.get(path, account="clinician"))[0] == 404
            assert issue(await bulk.get(path, account=None))[0] == 401
        assert issue(await bulk.ask("DELETE", address, account="clinician"))[0] == 404
        assert (await bulk.get(file["url"], account="system")).status_code == 200
        assert issue(await bulk.get(f"{address}/Other-1", account="system"))[0] == 404
        assert issue(await bulk.get(file["url"], account="system", Accept="text/csv"))[0] == 406

    async def test_same_client_other_person(self, bulk: BulkWorld) -> None:
        """A colleague at the same client is a stranger as well."""
        address = await bulk.started("/$export", account="administrator")

        assert issue(await bulk.get(address, account="public-health"))[0] == 404


class TestDecision:
    async def test_denied(self, bulk: BulkWorld) -> None:
        """Who refuses the requester is in no file, by no way of asking."""
        await bulk.made(patient("p1"), patient("p2"), observation("o1", "p1"), observation("o2", "p2"))
        await bulk.made({"resourceType": "Group", "id": "gr1", "type": "person", "actual": True, "member": [
            {"entity": {"reference": "Patient/p1"}}, {"entity": {"reference": "Patient/p2"}},
        ]})  # fmt: skip
        await refused(bulk, "p1")
        expected = ["Observation/o2", "Patient/p2"]

        for path in ("/$export", "/Patient/$export", "/Group/gr1/$export"):
            manifest = await bulk.exported(f"{path}?_type=Patient,Observation", account="administrator")
            assert await bulk.references(manifest, account="administrator") == expected

    async def test_refused_meanwhile(self, bulk: BulkWorld) -> None:
        """A refusal while the job runs, and one after it, count for what is written and for what is fetched."""
        await bulk.made(patient("p1"), patient("p2"), patient("p3"))
        address = await bulk.started("/$export?_type=Patient", account="administrator")
        await refused(bulk, "p1")
        await bulk.worked()
        manifest = await bulk.manifest(address, account="administrator")
        assert await bulk.references(manifest, account="administrator") == ["Patient/p2", "Patient/p3"]
        await refused(bulk, "p2")

        assert await bulk.references(manifest, account="administrator") == ["Patient/p3"]

    async def test_labelled_afterwards(self, bulk: BulkWorld) -> None:
        """A resource that was given a sensitive label after it was written out stays behind."""
        await bulk.made(patient("p1"), observation("o1"), observation("o2"))
        manifest = await bulk.exported("/$export?_type=Observation", account="administrator")
        label = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "HIV"}
        await bulk.made(observation("o1", meta={"security": [label]}))

        assert await bulk.references(manifest, account="administrator") == ["Observation/o2"]

    async def test_access_lost(self, bulk: BulkWorld) -> None:
        """A requester whose organization was closed gets nothing any more."""
        await bulk.made(patient())
        (file,) = (await bulk.exported("/$export?_type=Patient", account="administrator"))["output"]
        await bulk.made({
            "resourceType": "Organization", "id": "h1", "active": False, "name": "淄博市卫生健康委员会",
            "identifier": [{"system": "urn:hie:organization", "value": "370300-G01"}],
        })  # fmt: skip
        bulk.services.gate.organizations._known.clear()

        assert issue(await bulk.get(file["url"], account="administrator"))[0] == 403

    async def test_own_record(self, bulk: BulkWorld) -> None:
        """A resident takes the own record home, and nobody else's."""
        await bulk.made(patient("p1", RESIDENT_ID), patient("p2"), observation("o1", "p1"), observation("o2", "p2"))
        manifest = await bulk.exported("/Patient/$export?_type=Patient,Observation", account="resident")

        assert await bulk.references(manifest, account="resident") == ["Observation/o1", "Patient/p1"]

    async def test_type_withheld(self, bulk: BulkWorld) -> None:
        """A type that the role may not see is refused where it is named, and left out otherwise."""
        await bulk.made(patient())
        named = await bulk.get("/$export?_type=AuditEvent", account="public-health", Prefer=ASYNC)
        manifest = await bulk.exported("/$export", account="public-health")

        assert issue(named)[0] == 403
        assert "AuditEvent" not in {one["type"] for one in manifest["output"]}


class TestWho:
    """Taking populations out is a right of its own, by role and purpose."""

    @pytest.mark.parametrize("path", ["/$export", "/Patient/$export", "/Group/gr1/$export"])
    @pytest.mark.parametrize("account", ["clinician", "family-doctor", "pharmacist"])
    async def test_not_those_who_treat(self, bulk: BulkWorld, path: str, account: str) -> None:
        """Who may search every record may not carry all of them away; the refusal is in the trail."""
        await bulk.made({"resourceType": "Group", "id": "gr1", "type": "person", "actual": True})
        refused = await bulk.get(path, account=account, Prefer=ASYNC)

        assert issue(refused)[:2] == (403, "forbidden")
        assert "in bulk" in issue(refused)[2]
        assert b"110106" in (await bulk.events())[-1]["text"]

    @pytest.mark.parametrize(
        ("account", "purpose", "status"),
        [
            ("administrator", "HOPERAT", 202), ("public-health", "PUBHLTH", 202), ("public-health", "HOPERAT", 403),
            ("system", "TREAT", 202), ("system", "HOPERAT", 202),
        ],
    )  # fmt: skip
    async def test_by_purpose(self, bulk: BulkWorld, account: str, purpose: str, status: int) -> None:
        """Systems, administrators, and public health for public health."""
        answer = await bulk.get("/$export", account=account, Prefer=ASYNC, X_Purpose_Of_Use=purpose)

        assert answer.status_code == status, answer.text

    async def test_download(self, bulk: BulkWorld) -> None:
        """What was exported is fetched by who may export: the rule counts at each download."""
        await bulk.made(patient())
        (file,) = (await bulk.exported("/$export?_type=Patient", account="public-health"))["output"]

        refused = await bulk.get(file["url"], account="public-health", X_Purpose_Of_Use="HOPERAT")
        assert issue(refused)[:2] == (403, "forbidden")
        assert (await bulk.get(file["url"], account="public-health")).status_code == 200


class TestTrail:
    async def test_patients(self, bulk: BulkWorld) -> None:
        """The start of an export, and at each download every patient whose record is in the file."""
        await bulk.made(patient("p1"), patient("p2"), observation("o1", "p1"))
        manifest = await bulk.exported("/$export?_type=Patient,Observation")
        before = len(await bulk.events())
        started = [row for row in await bulk.events() if b"110106" in row["text"]]
        await bulk.resources([one for one in manifest["output"] if one["type"] == "Patient"])
        told = (await bulk.events())[before:]

        assert len(started) == 1
        assert all(b"110106" in row["text"] for row in told)
        assert sorted(one for row in told for one in row["p"]) == ["p1", "p2"]

    async def test_trail_away(self, bulk: BulkWorld, monkeypatch: pytest.MonkeyPatch) -> None:
        """Nothing leaves while the trail cannot be written."""
        await bulk.made(patient())
        (file,) = (await bulk.exported("/$export?_type=Patient"))["output"]

        async def away(_entries: object) -> None:
            raise Unavailable("The audit trail cannot be written; nothing is shown without it.")

        monkeypatch.setattr(type(bulk.services.audit), "record", lambda _self, entries: away(entries))
        assert issue(await bulk.get(file["url"], account="system"))[0] == 503
