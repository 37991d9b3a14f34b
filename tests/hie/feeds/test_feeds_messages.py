"""Results, orders, documents, appointments, vaccinations go out as they came in; what may not be seen is left out."""

from __future__ import annotations

from feed_world import FeedWorld

HEAD = "MSH|^~\\&|HIS|H01|HIE|ZB|20261124080000||{kind}|{control}|P|2.5.1|||||CHN|UNICODE UTF-8"
PID = "PID|1||L1^^^H01^MR~370303198506120428^^^^NI||王^晓梅||19850612|F"


def of(kind: str, control: str, *lines: str) -> bytes:
    return ("\r".join((HEAD.format(kind=kind, control=control), *lines)) + "\r").encode()


def report(control: str, status: str = "F", value: str = "1.50", at: str = "20261124090000") -> bytes:
    return of(
        "ORU^R01^ORU_R01", control, PID, "ORC|RE|P1^HIS|F1^LIS",
        f"OBR|1|P1^HIS|F1^LIS|718-7^Haemoglobin^LN|||20261124080000|||||||||||||||{at}||LAB|{status}",
        f"OBX|1|NM|718-7^Haemoglobin^LN||{value}|g/L^g/L^UCUM|120-160|L|||{status}",
    )  # fmt: skip


class TestMessages:
    async def test_results(self, world: FeedWorld) -> None:
        """A preliminary and then a final report, digit for digit."""
        await world.feed(messages=["ORU"])
        await world.send(report("1", "P"), report("2", "F", at="20261124100000"))
        await world.quiet()

        assert world.hospital.kinds == ["ORU^R01", "ORU^R01"]
        assert [m.first("OBR").text(25) for m in world.hospital.messages] == ["P", "F"]
        last = world.hospital.messages[-1]
        assert (last.first("OBX").text(5), last.first("OBR").text(3), last.first("PID").text(3)) == ("1.50", "F1", "L1")

    async def test_order(self, world: FeedWorld) -> None:
        """An order, and its cancellation."""
        order = ("OBR|1|P2^HIS||24323-8^Metabolic panel^LN", "NTE|1||soon")
        await world.feed(messages=["ORM^O01"])
        await world.send(
            of("OML^O21^OML_O21", "1", PID, "ORC|NW|P2^HIS||||||||20261124080000", *order),
            of("OML^O21^OML_O21", "2", PID, "ORC|CA|P2^HIS||||||||20261124090000", *order),
        )
        await world.quiet()

        told = [(m.type, m.first("ORC").text(1), m.first("ORC").text(2)) for m in world.hospital.messages]
        assert told == [("ORM^O01", "NW", "P2"), ("ORM^O01", "CA", "P2")]

    async def test_documents(self, world: FeedWorld) -> None:
        """A document, what is added to it, what replaces it, its withdrawal."""

        def document(control: str, event: str, number: str, parent: str = "", at: str = "20261124080000") -> bytes:
            return of(
                f"MDM^{event}^MDM_{'T01' if event == 'T11' else 'T02'}", control, f"EVN||{at}", PID, "PV1|1|N",
                f"TXA|1|DS|TX|||||||||{number}^HIS|{parent}||||AU||AV",
                *(["OBX|1|TX|DS||some text||||||F"] if event != "T11" else []),
            )  # fmt: skip

        await world.feed(messages=["MDM"])
        await world.send(
            document("1", "T02", "D1"), document("2", "T06", "D2", "D1^HIS", "20261124090000"),
            document("3", "T10", "D3", "D1^HIS", "20261124100000"), document("4", "T11", "D3", "", "20261124110000"),
        )  # fmt: skip
        await world.quiet()

        told = [(m.trigger, m.first("TXA").text(12), m.first("TXA").text(13)) for m in world.hospital.messages]
        assert told == [("T02", "D1", ""), ("T06", "D2", "D1"), ("T10", "D3", "D1"), ("T11", "D3", "")]

    async def test_appointment(self, world: FeedWorld) -> None:
        """Booked, moved, cancelled."""

        def booking(event: str, control: str, start: str, at: str) -> bytes:
            sch = f"SCH|P3^HIS|||||^r|^Check||||^^M30^{start}+0800|||||^x||||^x"
            lines = (sch, PID, "RGS|1", "AIS|1||S^Service^L")
            return of(f"SIU^{event}^SIU_S12", control, *lines).replace(b"|20261124080000||", f"|{at}||".encode())

        await world.feed(messages=["SIU"])
        await world.send(
            booking("S12", "1", "20261201080000", "20261124080000"),
            booking("S13", "2", "20261202080000", "20261124090000"),
            booking("S15", "3", "20261202080000", "20261124100000"),
        )
        await world.quiet()

        told = [(m.trigger, m.first("SCH")[11][4]) for m in world.hospital.messages]
        assert [one[0] for one in told] == ["S12", "S13", "S15"]
        assert told[1][1].startswith("20261202080000")

    async def test_vaccination(self, world: FeedWorld) -> None:
        """A vaccination."""
        await world.feed(messages=["VXU^V04"])
        given = "RXA|0|1|20261124||08^Hep B^CVX|0.5|mL^mL^UCUM||||||||LOT1"
        await world.send(of("VXU^V04^VXU_V04", "1", PID, "ORC|RE||V1^CLINIC", given))
        await world.quiet()

        (told,) = world.hospital.messages
        assert (told.first("RXA").text(5), told.first("RXA").text(15)) == ("08", "LOT1")

    async def test_a_part_is_withheld(self, world: FeedWorld) -> None:
        """A result that is labelled as sensitive is missing from the report, whose other results are told."""
        await world.feed(messages=["ORU"], filter=["DiagnosticReport?identifier=F2"])
        await world.send(of("ADT^A28^ADT_A05", "1", "EVN||20261124080000", PID, "PV1|1|N"))
        await world.quiet()
        patient = await world.patient_id()
        label = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "HIV"}
        subject = {"subject": {"reference": f"Patient/{patient}"}, "status": "final"}
        listed = [
            {"resourceType": "Observation", "id": f"o{at}", "code": {"text": f"test {at}"}, "valueString": "x",
             **subject, **({"meta": {"security": [label]}} if at == 2 else {})}
            for at in (1, 2, 3)
        ]  # fmt: skip
        await world.file(
            *listed,
            {
                "resourceType": "DiagnosticReport", "id": "d1", "code": {"text": "panel"}, **subject,
                "identifier": [{"value": "F2"}], "result": [{"reference": f"Observation/o{at}"} for at in (1, 2, 3)],
            },
        )  # fmt: skip
        await world.quiet()

        (told,) = world.hospital.messages
        assert [obx.text(3, 2) for obx in told.all("OBX")] == ["test 1", "test 3"]
