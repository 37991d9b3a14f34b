"""
Item 31: a time keeps the precision and the offset that it was sent with.

Its zone is its own, else that of MSH-7, else that of the site, with summer time; where none of them is known an hour
would name no instant, and the day alone is stored.
"""

from __future__ import annotations

import pytest
from hl7v2_world import Hl7World

PID = "PID|1||L1^^^H01^MR||王^晓梅||{}|F"


async def tell(hl7: Hl7World, message_time: str, admitted: str, born: str = "19850612", profile: str = "") -> None:
    if profile:
        await hl7.services.directory.profiles.load(f"sender: HIS|H01\nzone: {profile}\n", by="test")
        await hl7.services.directory.refresh()
    await hl7.tell(
        f"""
        MSH|^~\\&|HIS|H01|HIE|ZB|{message_time}||ADT^A01^ADT_A01|1|P|2.5.1
        EVN||{message_time}
        {PID.format(born)}
        PV1|1|I|W1||||||||||||||||V1^^^H01|||||||||||||||||||||||||{admitted}
        """
    )


async def start(hl7: Hl7World) -> str:
    return str((await hl7.one("Encounter"))["period"]["start"])


class TestPrecision:
    @pytest.mark.parametrize(
        ("sent", "stored"),
        [
            ("2026", "2026"),
            ("202603", "2026-03"),
            ("20260301", "2026-03-01"),
            ("202603010830", "2026-03-01T08:30:00+08:00"),
            ("20260301083015", "2026-03-01T08:30:15+08:00"),
            ("20260301083015.25", "2026-03-01T08:30:15.25+08:00"),
        ],
    )
    async def test_kept(self, hl7: Hl7World, sent: str, stored: str) -> None:
        """A year stays a year, a fraction stays a fraction; only what FHIR demands (seconds) is added."""
        await tell(hl7, "20260301080000", sent)

        assert await start(hl7) == stored

    @pytest.mark.parametrize(
        ("sent", "stored"), [("1985", "1985"), ("198506", "1985-06"), ("198506120830", "1985-06-12")]
    )
    async def test_birth(self, hl7: Hl7World, sent: str, stored: str) -> None:
        """A birth date is as precise as it is known; its hour is an extension of it."""
        await tell(hl7, "20260301080000", "20260301", born=sent)
        patient = await hl7.one("Patient")

        assert patient["birthDate"] == stored
        assert ("_birthDate" in patient) == (len(sent) > 8)


class TestZone:
    @pytest.mark.parametrize("offset", ["+0800", "-0500", "+0545", "+0000"])
    async def test_own(self, hl7: Hl7World, offset: str) -> None:
        """The offset of the value is stored as it was sent, whatever MSH-7 and the site say."""
        await tell(hl7, "20260301080000+0100", f"202603010830{offset}", profile="Asia/Urumqi")

        assert await start(hl7) == f"2026-03-01T08:30:00{offset[:3]}:{offset[3:]}"

    async def test_of_the_message(self, hl7: Hl7World) -> None:
        """Without one, the offset of MSH-7 counts before that of the site."""
        await tell(hl7, "20260301080000+0900", "202603010830", profile="Asia/Urumqi")

        assert await start(hl7) == "2026-03-01T08:30:00+09:00"

    @pytest.mark.parametrize(
        ("sent", "stored"),
        [
            ("202601150830", "2026-01-15T08:30:00+01:00"),
            ("202607150830", "2026-07-15T08:30:00+02:00"),
            ("198607150830", "1986-07-15T08:30:00+02:00"),
        ],
    )
    async def test_of_the_site(self, hl7: Hl7World, sent: str, stored: str) -> None:
        """The zone of the site has its summer time, of the day that is meant and not of today."""
        await tell(hl7, "20260720080000", sent, profile="Europe/Berlin")

        assert await start(hl7) == stored

    async def test_summer_time_in_china(self, hl7: Hl7World) -> None:
        """From 1986 to 1991 the clocks in China were put forward: an old record says so."""
        await tell(hl7, "20260301080000", "198807150830")

        assert await start(hl7) == "1988-07-15T08:30:00+09:00"

    async def test_nobody_knows(self, hl7: Hl7World) -> None:
        """Without any zone the day is stored, and no hour is made up."""
        await tell(hl7, "20260301080000", "202603010830", profile="none")

        assert await start(hl7) == "2026-03-01"

    async def test_nobody_knows_but_the_value(self, hl7: Hl7World) -> None:
        """A value with an offset of its own needs no other."""
        await tell(hl7, "20260301080000", "202603010830+0800", profile="none")

        assert await start(hl7) == "2026-03-01T08:30:00+08:00"


class TestUnreadable:
    async def test_counted(self, hl7: Hl7World) -> None:
        """What is no time of this calendar is no element, and is counted as a field that was kept."""
        await tell(hl7, "20260301080000", "20260231", born="出生不详")
        kept = {one["location"] for one in await hl7.unmapped() if one["kind"] == "field"}

        assert "birthDate" not in await hl7.one("Patient")
        assert {"PID-7", "PV1-44"} <= kept
