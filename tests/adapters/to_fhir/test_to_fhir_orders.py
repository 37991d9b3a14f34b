"""Orders, prescriptions, dispenses."""

from __future__ import annotations

from decimal import Decimal

import pytest
from to_fhir_world import Store

PID = "PID|1||P1^^^HIS^MR||王晓梅"


def message(kind: str, when: str, *segments: str) -> str:
    return "\r".join([f"MSH|^~\\&|HIS|H1|HIE|ZB|20240305{when}||{kind}|{when}|P|2.4", PID, *segments])


@pytest.fixture
def store() -> Store:
    return Store()


class TestServiceRequest:
    """ORC-1 and ORC-5."""

    def test_new(self, store: Store) -> None:
        """Who asked for what, when, how urgently."""
        orc = "ORC|NW|O1^HIS|F1^LIS|G1||||||||D1^张医生"
        store.file(
            message("OML^O21^OML_O21", "0900", orc, "TQ1|1||||||20240305093000||S", "OBR|1|O1^HIS|F1^LIS|GLU^血糖^LIS")
        )
        request = store.one("ServiceRequest")

        assert (request["status"], request["priority"]) == ("active", "stat")
        assert [i["system"] for i in request["identifier"]] == ["urn:hie:authority:HIS", "urn:hie:authority:LIS"]
        assert request["requester"]["display"] == "张医生"

    def test_cancel_without_obr(self, store: Store) -> None:
        """ORC alone patches the status and keeps the rest."""
        store.file(message("ORM^O01", "0900", "ORC|NW|O1", "OBR|1|O1||GLU^血糖^LIS"))
        store.file(message("ORM^O01", "1000", "ORC|CA|O1"))
        request = store.one("ServiceRequest")

        assert request["status"] == "revoked"
        assert request["code"]["text"] == "血糖"

    @pytest.mark.parametrize(
        ("control", "state", "status"),
        [("HD", "", "on-hold"), ("DC", "", "revoked"), ("SC", "CM", "completed"), ("SC", "IP", "active")],
    )
    def test_controls(self, store: Store, control: str, state: str, status: str) -> None:
        """Hold, discontinue, status change."""
        store.file(message("ORM^O01", "0900", "ORC|NW|O1", "OBR|1|O1||GLU"))
        store.file(message("ORM^O01", "1000", f"ORC|{control}|O1|||{state}"))

        assert store.one("ServiceRequest")["status"] == status

    def test_released(self, store: Store) -> None:
        """RL ends a hold; the older NW changes nothing afterwards."""
        for when, control in (("0900", "NW"), ("1000", "HD"), ("1100", "RL"), ("0900", "NW")):
            store.file(message("ORM^O01", when, f"ORC|{control}|O1", "OBR|1|O1||GLU"))

        assert store.one("ServiceRequest")["status"] == "active"

    def test_cancel_after_result(self, store: Store) -> None:
        """A cancellation after the final result leaves report and order as they are."""
        store.file(message("ORU^R01", "1000", "OBR|1|O1|F1|GLU|||||||||||||||||||||F", "OBX|1|NM|GLU||5|mmol/L|||||F"))
        store.file(message("ORM^O01", "1100", "ORC|CA|O1|F1"))

        assert store.one("ServiceRequest")["status"] == "completed"
        assert store.one("DiagnosticReport")["status"] == "final"

    def test_several_orders(self, store: Store) -> None:
        """One message, several orders."""
        store.file(message("OMG^O19", "0900", "ORC|NW|O1", "OBR|1|O1||A", "ORC|NW|O2", "OBR|2|O2||B"))

        assert len(store.of("ServiceRequest")) == 2


RXE = "RXE|^^^20240305^20240312|YP001^阿莫西林胶囊^YPID|0.5||g|CAP^胶囊|^饭后服||N|24|粒|0||||RX9"


class TestPharmacy:
    """RDE and RDS."""

    def test_prescription(self, store: Store) -> None:
        """Drug, dose, route, timing, quantity, days."""
        store.file(
            message("RDE^O11", "0900", "ORC|NW|RX1||||||||||D1^张医生", RXE, "TQ1|1||BID|||8^d", "RXR|PO^口服^HL70162")
        )
        request = store.one("MedicationRequest")
        dose = request["dosageInstruction"][0]

        assert request["status"] == "active"
        assert request["medicationCodeableConcept"]["text"] == "阿莫西林胶囊"
        assert dose["doseAndRate"][0]["doseQuantity"]["value"] == Decimal("0.5")
        assert dose["timing"]["repeat"]["frequency"] == 2
        assert dose["route"]["text"] == "口服"
        assert request["dispenseRequest"]["quantity"]["value"] == 24
        assert request["dispenseRequest"]["expectedSupplyDuration"]["value"] == 8
        assert request["substitution"] == {"allowedBoolean": False}

    def test_stopped(self, store: Store) -> None:
        """DC stops, CA cancels."""
        store.file(message("RDE^O11", "0900", "ORC|NW|RX1", RXE))
        store.file(message("RDE^O11", "1000", "ORC|DC|RX1", RXE))

        assert store.one("MedicationRequest")["status"] == "stopped"

    def test_dispense(self, store: Store) -> None:
        """What was handed over, when, how much, on which prescription."""
        store.file(message("RDE^O11", "0900", "ORC|NW|RX1", RXE))
        rxd = "RXD|1|YP001^阿莫西林胶囊^YPID|202403051000|24|粒||RX9|||PH1^赵药师"
        store.file(message("RDS^O13", "1000", "ORC|RE|RX1", "TQ1|1||BID|||8^d", rxd))
        dispense, request = store.one("MedicationDispense"), store.one("MedicationRequest")

        assert request["status"] == "active"
        assert dispense["authorizingPrescription"] == [{"reference": f"MedicationRequest/{request['id']}"}]
        assert dispense["whenHandedOver"] == "2024-03-05T10:00:00+08:00"
        assert dispense["quantity"]["value"] == 24
        assert dispense["daysSupply"]["value"] == 8
        assert dispense["status"] == "completed"
        assert dispense["performer"][0]["actor"]["display"] == "赵药师"

    def test_dispense_first(self, store: Store) -> None:
        """A dispense before its prescription makes it known; the prescription then fills it in."""
        store.file(message("RDS^O13", "1000", "ORC|RE|RX1", "RXD|1|YP001^阿莫西林胶囊^YPID|202403051000|24|粒"))
        store.file(message("RDE^O11", "0900", "ORC|NW|RX1", RXE))

        assert store.one("MedicationRequest")["status"] == "active"

    def test_drug_order_by_orm(self, store: Store) -> None:
        """An ORM with RXO is a prescription."""
        store.file(message("ORM^O01", "0900", "ORC|NW|RX1", "RXO|YP001^阿莫西林胶囊^YPID|0.5||g"))

        assert not store.of("ServiceRequest")
        assert store.one("MedicationRequest")["dosageInstruction"][0]["doseAndRate"][0]["doseQuantity"]["unit"] == "g"


class TestImaging:
    """OMI: an order for images, and the study that it announces."""

    IPC = "IPC|A1^HIS|RP1^HIS|1.2.840.113619.2.55|SPS1^HIS|CT^计算机断层|P1^胸部平扫^L|CT01^一号机|CTROOM"

    def test_study(self, store: Store) -> None:
        """The study is known by DICOM's numbers, on the order, and nothing has been taken yet."""
        store.file(message("OMI^O23", "0900", "ORC|NW|O1", "OBR|1|O1||CT01^胸部CT^L", self.IPC))
        request, study = store.one("ServiceRequest"), store.one("ImagingStudy")

        assert study["basedOn"] == [{"reference": f"ServiceRequest/{request['id']}"}]
        assert [i["value"] for i in study["identifier"]] == ["urn:oid:1.2.840.113619.2.55", "A1", "RP1"]
        assert (study["status"], study["modality"][0]["code"]) == ("registered", "CT")
        assert study["procedureCode"][0]["text"] == "胸部平扫"

    def test_steps(self, store: Store) -> None:
        """Two steps of one study are one study; another study is another."""
        other = self.IPC.replace("2.55", "2.56").replace("A1^", "A2^")
        store.file(message("OMI^O23", "0900", "ORC|NW|O1", "OBR|1|O1||CT01^胸部CT^L", self.IPC, self.IPC, other))

        assert len(store.of("ImagingStudy")) == 2


class TestReplies:
    """What the other side answers, by each of the replies."""

    @pytest.mark.parametrize("kind", ["ORL^O22", "ORL^O34", "ORL^O36", "ORG^O20", "ORI^O24", "ORR^O02"])
    def test_services(self, store: Store, kind: str) -> None:
        """Accepted with a number; the order learns it."""
        store.file(message("OML^O21", "0900", "ORC|NW|O1", "OBR|1|O1||GLU^血糖^L"))
        store.file(message(kind, "0910", "MSA|AA|1", "ORC|OK|O1|F1").replace(PID + "\r", ""))
        request = store.one("ServiceRequest")

        assert [i["value"] for i in request["identifier"]] == ["O1", "F1"]
        assert request["status"] == "active"

    @pytest.mark.parametrize("kind", ["ORP^O10", "RRE^O12", "ORR^O02"])
    def test_drugs(self, store: Store, kind: str) -> None:
        """A prescription is refused; no service is made of it."""
        store.file(message("OMP^O09", "0900", "ORC|NW|RX1", "RXO|YP001^阿莫西林胶囊^YPID|0.5||g"))
        store.file(message(kind, "0910", "MSA|AA|1", "ORC|UA|RX1").replace(PID + "\r", ""))

        assert store.one("MedicationRequest")["status"] == "cancelled"
        assert not store.of("ServiceRequest")

    def test_nobody(self, store: Store) -> None:
        """A reply that names neither patient nor order says nothing, and is kept."""
        translation = store.file(message("ORL^O22", "0910", "MSA|AA|1").replace(PID + "\r", ""))

        assert not translation.translated
        assert not store

    def test_with_patient(self, store: Store) -> None:
        """A reply that names the patient makes an order known that nobody has told of."""
        store.file(message("ORG^O20", "0910", "MSA|AA|1", "ORC|OK|O1|F1", "OBR|1|O1|F1|GLU^血糖^L"))

        assert store.one("ServiceRequest")["code"]["text"] == "血糖"
