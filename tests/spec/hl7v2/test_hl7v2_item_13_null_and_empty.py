"""
Item 13: two double quotes delete an element, an empty field says nothing.

Unless the site's profile says that its messages are whole snapshots: then what is empty is gone.
"""

from __future__ import annotations

import pytest
from hl7v2_adt_messages import adt, pid, pv1
from hl7v2_world import Hl7World

FULL = {
    "f6": "李^",
    "f11": "淄博市张店区",
    "f13": "13800000000",
    "f14": "0533-1234567",
    "f16": "M",
    "f19": "370303198506120428",
    "f23": "济南",
    "f24": "Y",
}


class TestPatient:
    async def test_empty(self, hl7: Hl7World) -> None:
        """An update with a name alone keeps all the rest."""
        await hl7.tell(adt("A28", "20260301080000", pid(**FULL)))
        before = await hl7.one("Patient?identifier=L1")
        await hl7.tell(adt("A31", "20260302080000", "PID|1||L1^^^H01^MR||王^小梅"))
        after = await hl7.one("Patient?identifier=L1")

        assert after["name"][0]["text"] == "王小梅"
        kept = ("identifier", "address", "telecom", "birthDate", "gender", "maritalStatus", "multipleBirthBoolean")
        assert {name: after.get(name) for name in kept} == {name: before[name] for name in kept}

    @pytest.mark.parametrize(
        ("field", "path"),
        [
            ("f6", "extension.where(url.endsWith('mothersMaidenName'))"),
            ("f7", "birthDate"),
            ("f11", "address"),
            ("f13", "telecom.where(use = 'home')"),
            ("f14", "telecom.where(use = 'work')"),
            ("f16", "maritalStatus"),
            ("f19", "identifier.where(value = '370303198506120428')"),
            ("f23", "extension.where(url.endsWith('birthPlace'))"),
            ("f24", "multipleBirth"),
        ],
    )
    async def test_null(self, hl7: Hl7World, field: str, path: str) -> None:
        """A null deletes its own element, and no other; it is never stored as text."""
        await hl7.tell(adt("A28", "20260301080000", pid(**FULL)))
        before = await hl7.one("Patient?identifier=L1")
        assert await hl7.ask("Patient?identifier=L1", f"entry.resource.{path}.exists()") == [True]
        await hl7.tell(adt("A31", "20260302080000", pid(**FULL | {field: '""'})))
        after = await hl7.one("Patient?identifier=L1")

        assert await hl7.ask("Patient?identifier=L1", f"entry.resource.{path}.exists()") == [False]
        assert '""' not in str(after)
        gone = {name for name in before if before[name] != after.get(name)} - {"meta", "extension", "_birthDate"}
        assert len(gone) <= 1, gone

    async def test_older_null(self, hl7: Hl7World) -> None:
        """A deletion that comes late deletes nothing that was said after it."""
        await hl7.tell(adt("A28", "20260302080000", pid(**FULL)))
        await hl7.tell(adt("A31", "20260301080000", pid(f11='""')))

        assert (await hl7.one("Patient?identifier=L1"))["address"]


class TestVisit:
    async def test_null(self, hl7: Hl7World) -> None:
        """The same for the visit: a doctor who is deleted is gone, one who is not named stays."""
        await hl7.tell(adt("A01", "20260301080000", pid(), pv1(f7="D1^张", f8="D2^李", f10="MED^内科", f14="7")))
        await hl7.tell(adt("A08", "20260301090000", pid(), pv1(f7='""', f10='""')))
        visit = await hl7.one("Encounter?identifier=V1")

        assert [one["type"][0]["coding"][0]["code"] for one in visit["participant"]] == ["REF"]
        assert "serviceType" not in visit
        assert visit["hospitalization"]["admitSource"]["coding"][0]["code"] == "7"


class TestSnapshot:
    @pytest.fixture
    async def snapshots(self, hl7: Hl7World) -> Hl7World:
        """The site sends whole snapshots."""
        await hl7.fhir.made({"resourceType": "Organization", "id": "h01", "name": "市一院"})
        await hl7.services.directory.onboard("HIS|H01", "h01", by="administrator", snapshot=True)
        return hl7

    async def test_patient(self, snapshots: Hl7World) -> None:
        """What the newest message does not have is gone."""
        await snapshots.tell(adt("A28", "20260301080000", pid(**FULL)))
        await snapshots.tell(adt("A31", "20260302080000", pid(f14="0533-1234567")))
        patient = await snapshots.one("Patient?identifier=L1")

        assert "address" not in patient
        assert "maritalStatus" not in patient
        assert [one["use"] for one in patient["telecom"]] == ["work"]
        assert [one["value"] for one in patient["identifier"]] == ["L1"]

    async def test_visit(self, snapshots: Hl7World) -> None:
        """So for the visit, but never its places, its status or its beginning."""
        await snapshots.tell(adt("A01", "20260301080000", pid(), pv1(f7="D1^张", f10="MED^内科")))
        await snapshots.tell(adt("A08", "20260302080000", pid(), pv1("V1", "", f7="D2^李")))
        visit = await snapshots.one("Encounter?identifier=V1")

        assert [one["individual"]["display"] for one in visit["participant"]] == ["李"]
        assert "serviceType" not in visit
        assert (visit["status"], len(visit["location"])) == ("in-progress", 1)
        assert visit["period"]["start"].startswith("2026-03-01T08:00")

    async def test_merge_survives(self, snapshots: Hl7World) -> None:
        """A snapshot does not speak of merges: a record that was merged away stays so."""
        await snapshots.tell(adt("A28", "20260301080000", pid()), adt("A28", "20260301080000", pid("L2")))
        await snapshots.tell(adt("A40", "20260302080000", pid("L2"), "MRG|L1^^^H01^MR"))
        await snapshots.tell(adt("A31", "20260303080000", pid()))
        patient = await snapshots.one("Patient?identifier=L1")

        assert patient["active"] is False
        assert patient["link"]
