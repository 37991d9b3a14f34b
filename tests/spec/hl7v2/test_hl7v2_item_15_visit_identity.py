"""
Item 15: PV1-19 with its authority is the visit, through every trigger and in results; else PV1-50, PID-18, PV1-44.

Which of these name a visit, and in which order, is the site's own rule.
"""

from __future__ import annotations

import pytest
from hl7v2_adt_messages import adt, pid, pv1, result
from hl7v2_world import Hl7World

JOURNEY = ("A04", "A01", "A06", "A07", "A02", "A08", "A12", "A21", "A22", "A03", "A13", "A11")


class TestOneVisit:
    async def test_every_trigger(self, hl7: Hl7World) -> None:
        """Twelve triggers and two results speak of one Encounter."""
        for hour, trigger in enumerate(JOURNEY, start=1):
            await hl7.tell(adt(trigger, f"20260301{hour:02}0000", pid(), pv1(place=f"W{hour}")))
        await hl7.tell(result("20260301080000"), result("20260301090000", order="F2"))
        visit = await hl7.one("Encounter")

        assert visit["status"] == "cancelled"
        assert len(await hl7.find(f"Observation?encounter=Encounter/{visit['id']}")) == 2

    async def test_authorities(self, hl7: Hl7World) -> None:
        """The same number of two authorities is two visits; without one it is the sending facility's."""
        await hl7.tell(
            adt("A01", "20260301080000", pid(), pv1("", f19="V1^^^H01")),
            adt("A08", "20260301090000", pid(), pv1("", f19="V1")),
            adt("A01", "20260301080000", pid(), pv1("", f19="V1^^^DAY&1.2.156.9&ISO")),
        )

        assert len(await hl7.find("Encounter?identifier=V1")) == 2
        assert len(await hl7.find("Encounter?identifier=urn:hie:authority:H01|V1")) == 1

    async def test_two_applications(self, hl7: Hl7World) -> None:
        """The laboratory system of the hospital speaks of the same visit."""
        await hl7.tell(result("20260301080000"), adt("A01", "20260301070000", pid(), pv1()))

        assert (await hl7.one("Encounter"))["status"] == "in-progress"


class TestFallback:
    @pytest.mark.parametrize(
        ("patient", "visit"),
        [
            ({}, {"f50": "ALT9^^^H01"}),
            ({"f18": "ACC9^^^H01^AN"}, {}),
            ({}, {"f44": "202603010800"}),
        ],
        ids=["PV1-50", "PID-18", "PV1-44"],
    )
    async def test_fallback(self, hl7: Hl7World, patient: dict[str, str], visit: dict[str, str]) -> None:
        """Admission and discharge meet by the next best number."""
        await hl7.tell(adt("A01", "20260301080000", pid(**patient), pv1("", **visit)))
        await hl7.tell(adt("A03", "20260302080000", pid(**patient), pv1("", **visit, f45="202603020800")))

        assert (await hl7.one("Encounter"))["status"] == "finished"

    async def test_alternate_is_kept(self, hl7: Hl7World) -> None:
        """PV1-50 and PID-18 are identifiers of the visit beside its number."""
        await hl7.tell(adt("A01", "20260301080000", pid(f18="ACC9^^^H01^AN"), pv1(f50="ALT9^^^H01")))

        assert {one["value"] for one in (await hl7.one("Encounter"))["identifier"]} == {"V1", "ALT9", "ACC9"}

    async def test_none(self, hl7: Hl7World) -> None:
        """A PV1 that names no visit makes none, and says so; the patient is stored."""
        await hl7.tell(adt("A08", "20260301080000", pid(), pv1("")))

        assert await hl7.find("Encounter") == []
        assert len(await hl7.find("Patient")) == 1
        assert "PV1 has neither visit number nor admission time" in await hl7.remarks()


class TestSiteRule:
    async def test_account_is_no_visit(self, hl7: Hl7World) -> None:
        """At a site whose accounts live for years the account number does not name a visit."""
        await hl7.fhir.made({"resourceType": "Organization", "id": "h01", "name": "市一院"})
        await hl7.services.directory.onboard("HIS|H01", "h01", by="administrator", visit_by=["PV1-19", "PV1-44"])
        for day in ("1", "2"):
            at = f"2026030{day}080000"
            await hl7.tell(adt("A04", at, pid(f18="ACC9^^^H01^AN"), pv1("", kind="O", f44=at)))

        assert len(await hl7.find("Encounter")) == 2
