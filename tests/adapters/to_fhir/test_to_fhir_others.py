"""Vaccinations, appointments, documents, and what has no family."""

from __future__ import annotations

import base64

import pytest
from to_fhir_world import Store, run

PID = "PID|1||P1^^^HIS^MR||王晓梅"


def message(kind: str, when: str, *segments: str) -> str:
    return "\r".join([f"MSH|^~\\&|HIS|H1|HIE|ZB|20240305{when}||{kind}|{when}|P|2.4", *segments])


@pytest.fixture
def store() -> Store:
    return Store()


class TestVaccination:
    """VXU^V04."""

    def vxu(
        self,
        when: str,
        *,
        amount: str = "0.5|mL",
        notes: str = "00",
        refusal: str = "",
        done: str = "CP",
        action: str = "A",
        code: str = "08^HepB^CVX",
    ) -> str:
        given = f"RXA|0|1|20240305|20240305|{code}|{amount}||{notes}|N1^护士|^^^张店区卫生院"
        rxa = f"{given}||||L123|20251231|^北京生物|{refusal}".split("|")
        rxa += [""] * (20 - len(rxa)) + [done, action]
        obx = "OBX|1|NM|30973-2^dose number^LN||2||||||F"
        return message("VXU^V04", when, PID, "ORC|RE|P9|V9", "|".join(rxa), "RXR|IM^肌内^HL70162|LA^左臂^HL70163", obx)

    def test_given(self, store: Store) -> None:
        """Vaccine, dose, lot, route, dose number, primary source."""
        store.file(self.vxu("0900"))
        found = store.one("Immunization")

        assert found["status"] == "completed"
        assert found["vaccineCode"]["coding"][0]["system"] == "http://hl7.org/fhir/sid/cvx"
        assert found["primarySource"] is True
        assert (found["lotNumber"], found["expirationDate"]) == ("L123", "2025-12-31")
        assert found["protocolApplied"] == [{"doseNumberPositiveInt": 2}]
        assert found["doseQuantity"]["code"] == "mL"
        assert not store.of("Observation")

    def test_refused(self, store: Store) -> None:
        """RXA-20 RE is not done, for a reason."""
        store.file(self.vxu("0900", amount="999|", refusal="00^Parental decision^NIP002", done="RE"))
        found = store.one("Immunization")

        assert found["status"] == "not-done"
        assert found["statusReason"]["text"] == "Parental decision"
        assert "doseQuantity" not in found

    def test_historical(self, store: Store) -> None:
        """RXA-9 01 is told, not done here."""
        store.file(self.vxu("0900", notes="01^Historical^NIP001"))

        assert store.one("Immunization")["primarySource"] is False

    def test_deleted(self, store: Store) -> None:
        """RXA-21 D is an error; the older message does not bring it back."""
        for when, action in (("0900", "A"), ("1000", "D"), ("0900", "A")):
            store.file(self.vxu(when, action=action))

        assert store.one("Immunization")["status"] == "entered-in-error"
        assert store.one("Immunization")["lotNumber"] == "L123"

    def test_no_vaccine(self, store: Store) -> None:
        """Code 998 carries only observations."""
        store.file(self.vxu("0900", code="998^no vaccine^CVX"))

        assert not store.of("Immunization")
        assert store.of("Observation")


class TestAppointment:
    """SIU."""

    def siu(self, trigger: str, when: str, start: str = "202403060900") -> str:
        sch = f"SCH|A1|B1||||^号源取消|FOLLOWUP^复诊||30|min|^^^{start}"
        return message(
            f"SIU^{trigger}", when, sch, PID, "RGS|1", "AIS|1||CARD^心内科", "AIP|1||D1^张医生", "AIL|1||^^^H&门诊楼"
        )

    def test_book_move_cancel(self, store: Store) -> None:
        """One appointment; it moves, and a cancellation keeps its time."""
        store.file(self.siu("S12", "0800"))
        assert store.one("Appointment")["status"] == "booked"
        assert store.one("Appointment")["end"] == "2024-03-06T09:30:00+08:00"

        store.file(self.siu("S13", "0900", "202403070900"))
        assert store.one("Appointment")["start"].startswith("2024-03-07T09")

        store.file(message("SIU^S15", "1000", "SCH|A1|B1||||^号源取消", PID))
        cancelled = store.one("Appointment")
        assert cancelled["status"] == "cancelled"
        assert cancelled["start"].startswith("2024-03-07")
        assert len(cancelled["participant"]) == 3

    def test_late_booking(self, store: Store) -> None:
        """The booking received after its cancellation revives nothing."""
        store.file(self.siu("S15", "0900"))
        store.file(self.siu("S12", "0800"))

        assert store.one("Appointment")["status"] == "cancelled"

    @pytest.mark.parametrize("trigger", ["S15", "S26"])
    def test_late_cancellation(self, store: Store, trigger: str) -> None:
        """A cancellation older than the booking changes no status, and leaves no reason that R4 app-4 forbids."""
        store.file(self.siu("S12", "0900"))
        store.file(self.siu(trigger, "0800"))

        assert store.one("Appointment")["status"] == "booked"
        assert "cancelationReason" not in store.one("Appointment")

    @pytest.mark.parametrize(("trigger", "status"), [("S26", "noshow"), ("S17", "entered-in-error"), ("S14", "booked")])
    def test_others(self, store: Store, trigger: str, status: str) -> None:
        """Not there, deleted, changed."""
        store.file(self.siu("S12", "0800"))
        store.file(self.siu(trigger, "0900"))

        assert store.one("Appointment")["status"] == status

    def test_without_time(self, store: Store) -> None:
        """Without a time it is a proposal: R4 asks for start and end of anything booked."""
        store.file(self.siu("S12", "0800", ""))

        assert store.one("Appointment")["status"] == "proposed"


class TestDocument:
    """MDM."""

    def mdm(
        self, trigger: str, when: str, number: str, *, parent: str = "", text: str = "出院小结", state: str = "AU"
    ) -> str:
        fields = ["TXA", "1", "DS^出院小结", "TX", "20240305", *[""] * 7, number, parent, "", "", "", state, "", "AV"]
        return message(
            f"MDM^{trigger}", when, PID, "|".join(fields), *([f"OBX|1|TX|DS^小结||{text}||||||F"] if text else [])
        )

    def test_new(self, store: Store) -> None:
        """The text is the content."""
        store.file(self.mdm("T02", "0900", "D1"))
        found = store.one("DocumentReference")

        assert (found["status"], found["docStatus"]) == ("current", "final")
        assert base64.b64decode(found["content"][0]["attachment"]["data"]).decode() == "出院小结"

    def test_replacement(self, store: Store) -> None:
        """T10 supersedes its parent."""
        store.file(self.mdm("T02", "0900", "D1"))
        store.file(self.mdm("T10", "1000", "D2", parent="D1"))
        by_number = {d["masterIdentifier"]["value"]: d for d in store.of("DocumentReference")}

        assert by_number["D1"]["status"] == "superseded"
        assert by_number["D2"]["relatesTo"][0]["code"] == "replaces"

    def test_replacement_of_the_unknown(self, store: Store) -> None:
        """A parent that was never sent is not invented."""
        store.file(self.mdm("T10", "1000", "D2", parent="D1"))

        assert store.one("DocumentReference")["masterIdentifier"]["value"] == "D2"

    def test_addendum(self, store: Store) -> None:
        """T06 appends."""
        store.file(self.mdm("T02", "0900", "D1"))
        store.file(self.mdm("T06", "1000", "D2", parent="D1"))

        assert {d["status"] for d in store.of("DocumentReference")} == {"current"}

    def test_cancel_keeps_content(self, store: Store) -> None:
        """T11 marks the document; its text stays readable."""
        store.file(self.mdm("T02", "0900", "D1"))
        store.file(self.mdm("T11", "1000", "D1", text=""))
        found = store.one("DocumentReference")

        assert found["status"] == "entered-in-error"
        assert found["content"][0]["attachment"]["data"]


class TestKept:
    """What nobody translates."""

    def test_unknown_type(self) -> None:
        """It is kept with its subjects, asserts nothing, and is counted."""
        translation = run(message("SRM^S01", "0900", PID))

        assert not translation.translated
        assert not translation.facts
        assert len(translation.subjects) == 1
        assert translation.unmapped[0].kind == "message"
