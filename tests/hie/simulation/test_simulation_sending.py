"""The demo region speaks through the doors, in order, and again where it got no answer."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from adapters.hl7v2 import parser, to_fhir
from adapters.hl7v2.site import Site
from adapters.mllp.framing import Frame
from adapters.mllp.server import MllpServer
from hie.errors import Unavailable, Unprocessable
from hie.settings import Settings
from hie.simulation import sending
from hie.simulation.plan import Plan, Planner
from hie.simulation.run import begun_file, done_file, simulate
from hie.simulation.sending import Region
from records import validation

TODAY = date(2026, 11, 24)


class Hospital:
    """A listener that remembers; the first `broken` messages end the connection without an answer."""

    def __init__(self, broken: int = 0) -> None:
        self.came: list[bytes] = []
        self.broken = broken
        self.server = MllpServer(self._handle)

    async def _handle(self, frame: Frame) -> bytes:
        if self.broken:
            self.broken -= 1
            raise RuntimeError("away")
        self.came.append(frame.data)
        return b"MSH|^~\\&|x\rMSA|AA|1\r"


class Exchange:
    """A FHIR server and token endpoint; `statuses` are its next answers."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.came: list[dict[str, Any]] = []
        self.tokens = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/token"):
            self.tokens += 1
            return httpx.Response(200, json={"access_token": f"t{self.tokens}"})
        self.came.append(json.loads(request.content))
        return httpx.Response(self.statuses.pop(0) if self.statuses else 200)


def region(plan: Plan, exchange: Exchange, port: int, monkeypatch: pytest.MonkeyPatch) -> Region:
    monkeypatch.setattr(sending, "PAUSE_SECONDS", 0.001)
    real = httpx.AsyncClient
    monkeypatch.setattr(
        sending.httpx, "AsyncClient", lambda **_: real(transport=httpx.MockTransport(exchange))
    )  # fmt: skip
    return Region(Settings(mllp_port=port), plan, lambda: None)


def plan(**clinics: list[bytes]) -> Plan:
    at = datetime.now(UTC)
    told = {name: [(at, "ADT^A01", f"{name}{number}".encode()) for number in range(5)] for name in ("A", "B")}
    return Plan([], told, {code: [(at, one) for one in visits] for code, visits in clinics.items()})


class TestRegion:
    async def test_order_and_retry(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Each hospital's messages arrive in order, also where a connection broke; none is left out."""
        hospital = Hospital(broken=3)
        await hospital.server.start()
        tally = await region(plan(), Exchange(), hospital.server.port, monkeypatch).send()
        await hospital.server.stop()

        for name in (b"A", b"B"):
            mine = [one for one in hospital.came if one.startswith(name)]
            assert list(dict.fromkeys(mine)) == [name + str(number).encode() for number in range(5)]
        assert (tally.accepted, tally.refused) == (10, 0)

    async def test_clinics(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A clinic's visits arrive in order; a conflict and an expired token are overcome, a refusal is counted."""
        hospital, exchange = Hospital(), Exchange(200, 409, 401, 503, 200, 422)
        await hospital.server.start()
        visits = [json.dumps({"visit": number}).encode() for number in range(3)]
        tally = await region(plan(C1=visits), exchange, hospital.server.port, monkeypatch).send()
        await hospital.server.stop()

        seen = [one["visit"] for one in exchange.came[1:]]
        assert seen == [0, 0, 0, 0, 1, 2]
        assert (tally.transactions, tally.failed, exchange.tokens) == (3, 1, 2)

    async def test_no_directory(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without its directory of institutions nothing is sent."""
        with pytest.raises(Unavailable):
            await region(plan(), Exchange(422), 1, monkeypatch).send()


class TestRun:
    def test_goes_on(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A region that was interrupted goes on as the same region the next day; one that is done is not begun anew."""
        days: list[date] = []

        async def send(one: Region) -> sending.Tally:
            if len(days) == 1:
                raise Unavailable("interrupted")
            return sending.Tally()

        real = Planner.__init__

        def planned(self: Planner, seed: int, residents: int, as_of: date) -> None:
            days.append(as_of)
            real(self, seed, residents, as_of)

        monkeypatch.setattr(Region, "send", send)
        monkeypatch.setattr(Planner, "__init__", planned)
        settings = Settings(data_dir=tmp_path)
        with pytest.raises(Unavailable):
            simulate(settings, "tiny", 1, TODAY)
        assert begun_file(settings).exists()
        assert not done_file(settings).exists()

        simulate(settings, "tiny", 1, date(2026, 11, 25))
        assert days == [TODAY, TODAY]
        assert done_file(settings).read_text().split()[0] == "tiny"

    def test_unknown_size(self, tmp_path: Path) -> None:
        """A size that is none is refused with those that are."""
        with pytest.raises(Unprocessable, match="tiny, small, city"):
            simulate(Settings(data_dir=tmp_path), "huge", 1, TODAY)


class TestContent:
    """What is told is what the exchange can use: nothing of the demonstration is lost on the way in."""

    def test_messages(self) -> None:
        """Every message is understood, and what it becomes is valid FHIR; only the oddities are kept or refused."""
        kept = Counter[str]()
        for told in Planner(3, 60, TODAY).plan().hospitals.values():
            for _, kind, raw in told:
                if not kind:
                    continue
                site = Site("site-x", authority="urn:hie:authority:X")
                message = parser.parse(raw, site=site)
                translation = to_fhir.translate(message, site=site, received=datetime.now(UTC), reference="X" * 26)
                kept[kind] += not translation.translated
                for fact in translation.facts:
                    assert validation.validate(fact.resource) == [], (kind, fact.type)
        assert +kept == Counter({"ORU^R01": 1})

    def test_transactions(self) -> None:
        """Every resource that a clinic sends is valid FHIR once its references are resolved."""
        for visits in Planner(3, 60, TODAY).plan().clinics.values():
            for _, bundle in visits:
                text = re.sub(r"urn:uuid:[0-9a-f-]{36}", "Patient/x", bundle.decode())
                text = re.sub(r"Organization\?identifier=[^\"]+", "Organization/x", text)
                for entry in json.loads(text)["entry"]:
                    found = validation.validate(validation.parse(json.dumps(entry["resource"]).encode()))
                    issues = [one for one in found if "reference" not in one.expression]
                    assert issues == [], entry["resource"]["resourceType"]

    def test_demo_residents(self) -> None:
        """The two demo residents have results with a trend, drugs, imaging, vaccinations and an appointment ahead."""
        central = Planner(1251, 40, TODAY).plan().hospitals["HIS|ZBZX"]
        for number in ("ZBZX000000^", "ZBZX000001^"):
            mine = [(kind, raw.decode()) for _, kind, raw in central if number in raw.decode()]
            kinds = Counter(kind for kind, _ in mine)
            assert {"ADT^A04", "ORU^R01", "RDE^O11", "RDS^O13", "VXU^V04", "SIU^S12"} <= set(kinds)
            assert kinds["ORU^R01"] >= 10
            assert any("|RAD|F" in text for _, text in mine)
        sugar = [float(found) for _, _, raw in central if b"ZBZX000000^" in raw
                 for found in re.findall(r"14771-0\^[^|]+\|\|([\d.]+)", raw.decode())]  # fmt: skip
        assert sugar == [5.8, 6.3, 6.7, 7.2, 6.4]

    def test_elder_in_his_clinic(self) -> None:
        """The elder's follow-ups show a pressure that is not under control, and he is referred."""
        found = Planner(1251, 40, TODAY).plan()
        sent = [one for visits in found.clinics.values() for _, one in visits]
        mine = [json.loads(one) for one in sent if "370303194809150175" in one.decode()]
        types = Counter(entry["resource"]["resourceType"] for bundle in mine for entry in bundle["entry"])

        assert types["Observation"] == 5
        assert types["MedicationDispense"] == 10
        assert types["Task"] == 1
