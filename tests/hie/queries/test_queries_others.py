"""Vaccination histories, the queries of the original mode, and what is never silence."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest
from query_world import NUMBER, OTHER, QueryWorld, admitted, head, message, said
from starlette.applications import Starlette

from hie.http.hl7v2 import Hl7OverHttp

Q11 = "QBP^Q11^QBP_Q11"


def history(number: str, name: str, birth: str, most: str = "20^RD", control: str = "Q1") -> tuple[str, ...]:
    qpd = f"QPD|Z34^Request Immunization History^CDCPHINVS|T1|{number}|{name}||{birth}|F"
    return f"{head(Q11, control)}|||Z34^CDCPHINVS", qpd, f"RCP|I|{most}"


def vaccinated(local: str, control: str, code: str, day: str, name: str = "王^晓梅", number: str = NUMBER) -> bytes:
    return message(
        head("VXU^V04^VXU_V04", control, "HIS|H01"),
        f"PID|1||{local}^^^H01^MR~{number}^^^^NI||{name}||19850612|F", f"ORC|RE||{control}^CLINIC",
        f"RXA|0|1|{day}||{code}^vaccine^CVX|0.5|mL^mL^UCUM||00^New^NIP001|D1^李^医|||||LOT{control}|||||CP|A",
    )  # fmt: skip


@pytest.fixture
async def clinic(asked: QueryWorld) -> QueryWorld:
    """A woman with two vaccinations."""
    await asked.tell(
        admitted("L1", "王^晓梅", NUMBER), vaccinated("L1", "V1", "08", "20250101"),
        vaccinated("L1", "V2", "03", "20260101"),
    )  # fmt: skip
    return asked


class TestImmunizations:
    async def test_history(self, clinic: QueryWorld) -> None:
        """Z32: the patient, and an ORC and RXA for each vaccination."""
        answer = await clinic.ask(*history("L1^^^H01^MR", "王^晓梅", "19850612"))

        assert (answer.header.raw(9), answer.header.raw(21), *said(answer)) == (
            "RSP^K11^RSP_K11", "Z32^CDCPHINVS", "AA", "OK", "",
        )  # fmt: skip
        assert [(rxa.text(5), rxa.text(3)[:8], rxa.text(15)) for rxa in answer.all("RXA")] == [
            ("08", "20250101", "LOTV1"), ("03", "20260101", "LOTV2"),
        ]  # fmt: skip
        assert [orc.text(3) for orc in answer.all("ORC")] == ["V1", "V2"]
        assert answer.first("RXA").text(10, 2) == "李"
        names = [segment.name for segment in answer.segments]
        assert names[:5] == ["MSH", "MSA", "QAK", "QPD", "PID"]

    async def test_by_resident_number(self, clinic: QueryWorld) -> None:
        """The number of the identity card is enough."""
        answer = await clinic.ask(*history(f"{NUMBER}^^^^NI", "王^晓梅", "19850612"))

        assert len(answer.all("RXA")) == 2

    async def test_wrong_person(self, clinic: QueryWorld) -> None:
        """A number with another birth date is nobody: a slip of the pen shows no stranger's record."""
        answer = await clinic.ask(*history("L1^^^H01^MR", "赵^四", "19330303"))

        assert (answer.header.raw(21), *said(answer)) == ("Z33^CDCPHINVS", "AA", "NF", "")
        assert answer.all("PID") == ()

    async def test_candidates(self, clinic: QueryWorld) -> None:
        """Z31: several who could be meant, without any vaccination; more than asked for: TM, and nobody is shown."""
        twins = [("T1", "370303199001012223"), ("T2", "370303199001014464")]
        await clinic.tell(*(admitted(local, "孙^小红", number, birth="19900101") for local, number in twins))
        answer = await clinic.ask(*history("", "孙^小红", "19900101"))
        assert (answer.header.raw(21), *said(answer)) == ("Z31^CDCPHINVS", "AA", "OK", "")
        assert (len(answer.all("PID")), answer.all("RXA")) == (2, ())

        many = await clinic.ask(*history("", "孙^小红", "19900101", most="1^RD", control="Q2"))
        assert (many.header.raw(21), said(many)[1], many.all("PID")) == ("Z33^CDCPHINVS", "TM", ())

    async def test_nobody(self, clinic: QueryWorld) -> None:
        """Z33: nobody is like this."""
        assert said(await clinic.ask(*history("", "周^八", "19500505")))[:2] == ("AA", "NF")

    async def test_refused(self, clinic: QueryWorld) -> None:
        """Who refuses the asker is not found by it."""
        await clinic.refuses("L1")
        answer = await clinic.ask(*history("L1^^^H01^MR", "王^晓梅", "19850612"))

        assert (said(answer)[:2], answer.all("RXA")) == (("AA", "NF"), ())

    async def test_another_query(self, clinic: QueryWorld) -> None:
        """A forecast is not made here, and that is said."""
        lines = (head(Q11), "QPD|Z44^Request Evaluated History and Forecast^CDCPHINVS|T1|L1^^^H01^MR", "RCP|I|1^RD")

        assert said(await clinic.ask(*lines)) == ("AE", "AE", "QPD^1^1 103")


class TestOriginal:
    async def test_who(self, clinic: QueryWorld) -> None:
        """QRY^A19: the patient and the visit."""
        lines = (head("QRY^A19^QRY_A19"), "QRD|20261124080000|R|I|T1|||1^RD|L1^王^晓梅^^^^^^H01|DEM|ALL")
        answer = await clinic.ask(*lines)

        assert (answer.header.raw(9), said(answer)[0]) == ("ADR^A19^ADR_A19", "AA")
        assert (answer.first("PID").text(5, 2), answer.first("PV1").text(19)) == ("晓梅", "VL1")
        assert answer.first("QRD").text(4) == "T1"

    async def test_nobody(self, clinic: QueryWorld) -> None:
        """Nobody of this number."""
        lines = (head("QRY^A19^QRY_A19"), "QRD|20261124080000|R|I|T1|||1^RD|NO^^^^^^^^H01|DEM|ALL")

        assert said(await clinic.ask(*lines))[0] == "AE"

    async def test_results(self, clinic: QueryWorld) -> None:
        """QRY^R02: the reports of a patient, between two dates where they are given."""
        for number, day in ((1, "20260101"), (2, "20260601")):
            await clinic.tell(message(
                head("ORU^R01^ORU_R01", f"R{number}", "HIS|H01"), "PID|1||L1^^^H01^MR", f"ORC|RE||F{number}^LIS",
                f"OBR|1||F{number}^LIS|718-7^Haemoglobin^LN|||{day}|||||||||||||||{day}120000|||F",
                f"OBX|1|NM|718-7^Haemoglobin^LN||12{number}|g/L|||||F",
            ))  # fmt: skip
        qrd = "QRD|20261124080000|R|I|T1|||10^RD|L1^^^^^^^^H01|RES|ALL"
        answer = await clinic.ask(head("QRY^R02^QRY_R02"), qrd)
        assert (answer.header.raw(9), [obx.text(5) for obx in answer.all("OBX")]) == ("ORF^R04^ORF_R04", ["121", "122"])

        later = await clinic.ask(head("QRY^R02^QRY_R02", "Q2"), qrd, "QRF|LAB|20260301|20261231")
        assert [obx.text(5) for obx in later.all("OBX")] == ["122"]


class TestNeverSilence:
    @pytest.mark.parametrize(
        ("kind", "condition"), [("QBP^Q31^QBP_Q21", "201"), ("QRY^Q01", "201"), ("SPQ^Q08", "200"), ("VQQ^Q07", "200")]
    )
    async def test_not_answered_here(self, asked: QueryWorld, kind: str, condition: str) -> None:
        """A query that nobody answers: AR, and which of type or event is not taken."""
        answer = await asked.ask(head(kind), "QPD|X|T1")

        assert (answer.first("MSA").text(1), answer.first("MSA").text(2)) == ("AR", "Q1")
        assert answer.first("ERR").text(3) == condition

    async def test_unregistered(self, asked: QueryWorld) -> None:
        """A sender that nobody registered is told nothing about anybody, and that at once."""
        answer = await asked.ask(head("QBP^Q22^QBP_Q21", sender="X|Y"), "QPD|Q22|T1|@PID.5.1^王", "RCP|I")

        assert said(answer)[::2] == ("AE", "MSH^1^3 204")

    async def test_character_set(self, clinic: QueryWorld) -> None:
        """The answer is in the asker's character set; where that has no signs for a name, it says so."""
        lines = ("QPD|Q22|T1|@PID.3.1^L1~@PID.3.4.1^H01", "RCP|I")
        chinese = await clinic.raw(head("QBP^Q22^QBP_Q21", charset="GB 18030-2000"), *lines, codec="gb18030")
        latin = await clinic.ask(head("QBP^Q22^QBP_Q21", "Q2", charset="8859/1"), *lines)

        assert "王^晓梅".encode("gb18030") in chinese
        assert said(latin) == ("AE", "AE", "MSH^1^18 102")

    async def test_asked_for_no_answer(self, clinic: QueryWorld) -> None:
        """A query is answered, whatever MSH-15 and MSH-16 say."""
        first = "MSH|^~\\&|HIS|H02|HIE|ZB|20261124080000||QBP^Q23^QBP_Q21|Q1|P|2.5.1|||NE|NE||UNICODE UTF-8"

        assert said(await clinic.ask(first, "QPD|X|T1|L1^^^H01^MR", "RCP|I"))[0] == "AA"

    async def test_over_http(self, clinic: QueryWorld) -> None:
        """The same over HTTP; its status says what MSA-1 says."""
        services = clinic.services
        demo = services.settings.model_copy(update={"mode": "demo"})
        app = Starlette(routes=Hl7OverHttp(demo, services.gate, services.intake, services.clock).routes())
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://hie") as http:
            good, bad = [
                await http.post(
                    "/hl7v2", headers={"Content-Type": "application/hl7-v2"},
                    content=message(head("QBP^Q23^QBP_Q21", number), f"QPD|X|T1|{number}^^^H01^MR", "RCP|I"),
                )
                for number in ("L1", "NOBODY")
            ]  # fmt: skip

        assert (good.status_code, bad.status_code) == (200, 422)
        assert b"QAK|T1|OK" in good.content


class TestSamples:
    async def test_shapes(self, asked: QueryWorld, shared_data: Path) -> None:
        """Queries as others have sent them are understood: OK, NF, or what is not known, and never a fault of ours."""
        await asked.tell(admitted("L1", "MOORE^CHIP", OTHER, birth="19380224", sex="M"))
        text = (shared_data / "hl7v2/iz/messages.txt").read_text("utf-8")
        queries = re.findall(r"(?m)^MSH\|[^\n]*\|QBP\^[^\n]*\n(?:[A-Z]{3}\|[^\n]*\n)+", text)
        assert len(queries) >= 5
        for number, query in enumerate(queries):
            lines = query.strip().split("\n")
            fields = lines[0].split("|")
            fields[2:4], fields[9] = ["HIS", "H02"], f"S{number}"
            answer = await asked.ask("|".join(fields), *lines[1:])

            assert answer.first("MSA").text(1) in ("AA", "AE"), lines
            assert answer.first("ERR").text(3) in ("", "204"), lines
            assert answer.first("MSA").text(2) == f"S{number}"
