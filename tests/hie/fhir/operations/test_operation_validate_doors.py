"""HIE_FHIR_PROFILES=enforce at every door: HL7 v2, FHIR messages, use cases; imports are in test_bulk_import."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fhir_world import World, patient
from test_operation_process_message import about, message, person, result
from test_operation_validate import CLAIMS, resident_profile

from adapters.mllp.framing import Frame
from hie.app import build, carrier
from hie.settings import Settings
from records.errors import Invalid
from records.stored import Write

MSH = "MSH|^~\\&|HIS|H01|HIE|ZB|20261124080000||ADT^A08^ADT_A01|{}|P|2.5.1|||||CHN|UNICODE UTF-8"
EVN = "EVN||20261124080000"
BORN = "PID|1||L1^^^H01^MR||王^晓梅||19850612|F"
UNBORN = 'PID|1||L1^^^H01^MR||王^晓梅||""|F'


@pytest.fixture
async def strict(
    issuer: Settings, mongo_uri: str, database_prefix: str, tmp_path: Path
) -> AsyncIterator[World]:
    """An exchange that holds writes to the profiles that they claim, and has one."""
    settings = issuer.model_copy(
        update={"mongo_uri": mongo_uri, "database_prefix": database_prefix, "data_dir": tmp_path,
                "fhir_profiles": "enforce"}
    )  # fmt: skip
    async with build(settings) as services, World.over(services) as world:
        await world.made(resident_profile())
        yield world


async def sent(world: World, control: str, pid: str) -> None:
    """One ADT message through intake and pipeline, as a worker carries it."""
    services, raw = world.services, "\r".join([MSH.format(control), EVN, pid, ""]).encode()
    answer = await services.intake.accept(Frame(raw, total=len(raw)), "mllp")
    assert answer is not None and b"MSA|AA|" in answer
    for entry in await services.journal.pending_in(range(services.settings.lanes), 10):
        await carrier(services)(entry)


class TestMessages:
    async def test_hl7_v2(self, strict: World) -> None:
        """A message may not make the claim of a Patient untrue: nothing of it is filed."""
        await sent(strict, "1", BORN)
        (row,) = (await strict.get("/Patient", account="system")).json()["entry"]
        claimed = row["resource"] | {"meta": row["resource"]["meta"] | CLAIMS["meta"]}
        made = await strict.put(f"/Patient/{claimed['id']}", claimed, account="system")
        assert made.status_code == 200, made.text

        with pytest.raises(Invalid) as refused:
            await sent(strict, "2", UNBORN)
        assert [one.expression for one in refused.value.issues] == ["Patient.birthDate"]
        kept = (await strict.get(f"/Patient/{claimed['id']}", account="system")).json()
        assert (kept["birthDate"], kept["meta"]["versionId"]) == ("1985-06-12", "2")

    async def test_fhir(self, strict: World) -> None:
        """A FHIR message is held to the claims of its resources, and filed where they are kept."""

        def told(number: str, **elements: str) -> dict[str, object]:
            return about(message("observation-provide", result("r1"), person(number, **CLAIMS, **elements)), 1, 2)

        refused = await strict.post("/$process-message", told("1"), account="system")
        assert refused.status_code == 422
        assert "Patient.birthDate" in refused.text
        assert (await strict.get("/Observation?_summary=count", account="system")).json()["total"] == 0
        taken = await strict.post("/$process-message", told("2", birthDate="1980-01-01"), account="system")
        assert taken.status_code == 200, taken.text


class TestUseCases:
    async def test_write(self, strict: World) -> None:
        """The workbench writes by the same rule."""
        work = strict.services.work

        with pytest.raises(Invalid):
            await work.file([Write("update", "Patient", "p1", patient("p1", **CLAIMS))], "test")
        assert await work.file([Write("update", "Patient", "p2", patient("p2"))], "test")
