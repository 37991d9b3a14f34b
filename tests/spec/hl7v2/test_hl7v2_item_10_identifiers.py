"""
Item 10: every repetition of PID-3 is an identifier, with its system, type and period; so are PID-2, 4, 18, 19 and 20.

A number without an assigning authority gets that of its site: nobody is ever matched on a bare value.
"""

from __future__ import annotations

import pytest
from hl7v2_adt_messages import LOCAL, NATIONAL, adt, pid
from hl7v2_world import Hl7World, Json


def of(patient: Json, value: str) -> Json:
    """The identifier with a value."""
    found: list[Json] = [one for one in patient["identifier"] if one["value"] == value]
    assert len(found) == 1, patient["identifier"]
    return found[0]


class TestRepetitions:
    async def test_all_kept(self, hl7: Hl7World) -> None:
        """Record number, national number, health card and a number of another authority: none is lost."""
        listed = "L1^^^H01^MR~370303198506120428^^^^NI~K77^^^^健康卡~X5^^^REG&1.2.156.77&ISO^PI"
        await hl7.tell(adt("A28", "20260301080000", pid(f3=listed)))
        patient = await hl7.one(f"Patient?identifier={LOCAL}|L1")

        assert [one["value"] for one in patient["identifier"]] == ["L1", "370303198506120428", "K77", "X5"]
        assert of(patient, "370303198506120428")["system"] == NATIONAL
        assert of(patient, "K77")["system"] == "urn:oid:2.16.156.10011.1.19"
        assert of(patient, "X5")["type"]["coding"][0]["code"] == "PI"

    @pytest.mark.parametrize(
        ("authority", "system"),
        [
            ("REG&1.2.156.77&ISO", "urn:oid:1.2.156.77"),
            ("&1.2.156.77&", "urn:oid:1.2.156.77"),
            ("&0F1E2D3C-0000-4000-8000-00000000000A&UUID", "urn:uuid:0f1e2d3c-0000-4000-8000-00000000000a"),
            ("&http://hospital.example/ids&URI", "http://hospital.example/ids"),
            ("REG&ids.hospital.example&DNS", "urn:hie:authority:REG"),
            ("&ids.hospital.example&DNS", "urn:hie:authority:ids.hospital.example"),
            ("NORTH WING", "urn:hie:authority:NORTH-WING"),
            ("", LOCAL),
        ],
    )
    async def test_assigning_authority(self, hl7: Hl7World, authority: str, system: str) -> None:
        """CX-4 in every form of HD names a system; without it the site's own stands."""
        await hl7.tell(adt("A28", "20260301080000", pid(f3=f"L1^^^{authority}^MR")))

        assert of(await hl7.one("Patient"), "L1")["system"] == system

    async def test_period(self, hl7: Hl7World) -> None:
        """CX-7 and CX-8 are when the number was in use."""
        await hl7.tell(adt("A28", "20260301080000", pid(f3="L1^^^H01^MR~C9^^^H01^SS^^20200101^20301231")))

        assert of(await hl7.one("Patient"), "C9")["period"] == {"start": "2020-01-01", "end": "2030-12-31"}


class TestOtherFields:
    async def test_fields(self, hl7: Hl7World) -> None:
        """PID-2, 4, 18, 19 and 20 name the patient too, each in a system of its own."""
        more = {"f2": "E2", "f4": "ALT4", "f18": "A18", "f19": "S19", "f20": "D20^37"}
        await hl7.tell(adt("A28", "20260301080000", pid(**more)))
        patient = await hl7.one("Patient")

        kinds = {one["value"]: one.get("type", {}).get("coding", [{}])[0].get("code") for one in patient["identifier"]}
        assert kinds == {"L1": "MR", "E2": None, "ALT4": None, "A18": "AN", "S19": "SS", "D20": "DL"}
        assert len({one["system"] for one in patient["identifier"] if one["value"] != "E2"}) == 5

    async def test_national_number_in_pid_19(self, hl7: Hl7World) -> None:
        """PID-19 is where many write the resident's number; it is told by its check digit."""
        await hl7.tell(adt("A28", "20260301080000", pid(f19="370303198506120428")))

        assert of(await hl7.one("Patient"), "370303198506120428")["system"] == NATIONAL


class TestNoBareValue:
    async def test_two_hospitals(self, hl7: Hl7World) -> None:
        """Two hospitals count their patients from one: number 1 of each is another human."""
        await hl7.tell(
            adt("A28", "20260301080000", "PID|1||1||王^晓梅||19850612|F", sender="HIS|H01"),
            adt("A28", "20260301080000", "PID|1||1||李^建国||19700101|M", sender="HIS|H02"),
        )

        assert len(await hl7.find("Patient?identifier=1")) == 2
        assert len(await hl7.find("Person")) == 2

    async def test_nobody(self, hl7: Hl7World) -> None:
        """A message that names no number is kept, and makes nobody."""
        await hl7.tell(adt("A28", "20260301080000", "PID|1||||王^晓梅||19850612|F"))

        assert await hl7.find("Patient") == []
        assert "PID-3 names no patient identifier" in await hl7.remarks()
        assert (await hl7.services.journal.counts())["kept"] == 1
