"""ADT: demographics and the life of a visit."""

from __future__ import annotations

from typing import Any

import pytest
from to_fhir_world import SITE, Store, run

from adapters.errors import NotUnderstood
from adapters.facts import resource_id
from adapters.hl7v2.to_fhir.identifiers import RESIDENT_ID

PID = "PID|1||P1^^^HIS^MR~370303198506120428^^^^NI||王晓梅||19850612|女|||淄博市张店区||13800000000"
WARD1, WARD2, WARD3 = "^^01^101&心内科", "^^02^102&呼吸科", "^^03^103&ICU"


def adt(
    trigger: str,
    at: str,
    *,
    pid: str = PID,
    ward: str = WARD1,
    klass: str = "I",
    visit: str = "V1",
    more: str = "",
    **pv1: str,
) -> str:
    """An ADT message said at `at` (hour of 2024-03-05); pv1 fields by `f44=...`."""
    fields = {2: klass, 3: ward, 19: visit} | {int(key[1:]): text for key, text in pv1.items()}
    stay = "|".join(fields.get(n, "") for n in range(1, 53)).rstrip("|")
    when = f"20240305{at}"
    header = f"MSH|^~\\&|HIS|H1|HIE|ZB|{when}||ADT^{trigger}|M{trigger}{at}|P|2.4"
    return f"{header}\rEVN|{trigger}|{when}\r{pid}\rPV1|{stay}\r{more}"


def at(hour: str) -> str:
    return f"2024-03-05T{hour[:2]}:{hour[2:]}:00+08:00"


@pytest.fixture
def store() -> Store:
    return Store()


class TestPatient:
    """Who it is."""

    def test_chinese_sender(self, store: Store) -> None:
        """Chinese words, the resident number among the PID-3 repetitions, one-word name."""
        store.file(adt("A01", "0800"))
        patient = store.one("Patient")

        assert patient["id"] == resource_id("urn:hie:authority:HIS", "Patient", "P1")
        assert patient["gender"] == "female"
        assert patient["birthDate"] == "1985-06-12"
        assert {"system": RESIDENT_ID, "value": "370303198506120428"}.items() <= patient["identifier"][1].items()
        assert patient["meta"]["source"] == "urn:hie:message:01J0"

    def test_resident_number_in_pid_19(self, store: Store) -> None:
        """PID-19 is where many senders put it."""
        store.file(adt("A01", "0800", pid="PID|1||P1||王晓梅||19850612|F|||||||||||370303198506120428"))

        assert [i["system"] for i in store.one("Patient")["identifier"]] == ["urn:hie:authority:A", RESIDENT_ID]

    def test_disagreement_is_remarked(self) -> None:
        """A birth date that the resident number contradicts is a finding, without the values in it."""
        translation = run(adt("A01", "0800", pid="PID|1||P1^^^HIS~370303198506120428^^^^NI||王晓梅||19850613|男"))

        assert len(translation.remarks) == 2
        assert not any("1985" in remark for remark in translation.remarks)

    def test_only_a_resident_number(self) -> None:
        """Two sites that know somebody by the national number alone still have two source records."""
        pid = "PID|1||370303198506120428^^^^NI||王晓梅"
        other = type(SITE)("site-b", authority="urn:hie:authority:B")

        assert run(adt("A01", "0800", pid=pid)).subjects != run(adt("A01", "0800", pid=pid), other).subjects

    def test_update_keeps_what_is_absent(self, store: Store) -> None:
        """An empty field says nothing."""
        store.file(adt("A01", "0800"))
        store.file(adt("A08", "0900", pid="PID|1||P1^^^HIS^MR||王小梅"))
        patient = store.one("Patient")

        assert patient["name"][0]["text"] == "王小梅"
        assert patient["birthDate"] == "1985-06-12"
        assert len(patient["identifier"]) == 2
        assert patient["address"]

    def test_null_deletes(self, store: Store) -> None:
        """Two quotes delete, and are never stored as text."""
        store.file(adt("A01", "0800"))
        store.file(adt("A08", "0900", pid='PID|1||P1^^^HIS^MR||王晓梅||""||||""||""'))
        patient = store.one("Patient")

        assert "birthDate" not in patient
        assert "address" not in patient
        assert "telecom" not in patient
        assert patient["gender"] == "female"
        assert '""' not in str(patient)

    def test_older_update_reverts_nothing(self, store: Store) -> None:
        """A message said earlier and received later only fills gaps."""
        store.file(adt("A08", "0900", pid="PID|1||P1^^^HIS^MR||新名字"))
        store.file(adt("A08", "0800"))
        patient = store.one("Patient")

        assert patient["name"][0]["text"] == "新名字"
        assert patient["birthDate"] == "1985-06-12"

    def test_orders_never_rewrite(self, store: Store) -> None:
        """An order creates the patient if absent and changes nothing otherwise; a later ADT may."""
        order = (
            "MSH|^~\\&|LIS|H1|HIE|ZB|20240305{0}||ORM^O01|{0}|P|2.4\rPID|1||P1^^^HIS^MR||{1}\rORC|NW|O1\rOBR|1|O1||GLU"
        )
        store.file(order.format("1000", "临时名"))
        store.file(adt("A01", "0800"))
        assert store.one("Patient")["name"][0]["text"] == "王晓梅"

        store.file(order.format("1100", "旧名"))
        assert store.one("Patient")["name"][0]["text"] == "王晓梅"

    def test_unknown_codes_are_kept_and_counted(self, store: Store) -> None:
        """A sex nobody knows is unknown in FHIR and counted as unmapped; Z segments too."""
        translation = store.file(adt("A01", "0800", pid="PID|1||P1^^^HIS||王晓梅||19850612|X9", more="ZPI|1|医保"))

        assert store.one("Patient")["gender"] == "unknown"
        assert ("code", "PID-8", "X9") in {(u.kind, u.location, u.code) for u in translation.unmapped}
        assert ("segment", "ZPI") in {(u.kind, u.location) for u in translation.unmapped}

    def test_no_identifier(self) -> None:
        """Nobody is filed under a stranger: without an identifier the message is kept."""
        translation = run(adt("A01", "0800", pid="PID|1||||王晓梅"))

        assert not translation.translated
        assert not translation.facts
        assert translation.remarks


class TestVisit:
    """One Encounter through all triggers."""

    def test_admit_transfer_discharge(self, store: Store) -> None:
        """A01, A02, A03 make one visit with its history of places."""
        store.file(adt("A01", "0800", f44="202403050800"))
        store.file(adt("A02", "1000", ward=WARD2))
        store.file(adt("A03", "1800", ward=WARD2, f45="202403051755"))
        visit = store.one("Encounter")

        assert visit["status"] == "finished"
        assert visit["class"]["code"] == "IMP"
        assert visit["period"] == {"start": at("0800"), "end": at("1755")}
        assert [(p["status"], p["period"]) for p in visit["location"]] == [
            ("completed", {"start": at("0800"), "end": at("1000")}),
            ("completed", {"start": at("1000"), "end": at("1755")}),
        ]
        assert visit["location"][1]["location"]["display"] == "呼吸科 02"

    def test_late_admission_does_not_reopen(self, store: Store) -> None:
        """A01 after A03 fills in the start and leaves the visit finished."""
        store.file(adt("A03", "1800", f45="202403051800"))
        store.file(adt("A01", "0800", f44="202403050800"))
        visit = store.one("Encounter")

        assert visit["status"] == "finished"
        assert visit["period"] == {"start": at("0800"), "end": at("1800")}

    def test_repeated_admission_does_not_reopen(self, store: Store) -> None:
        """Only A13 reopens: an A01 sent again with a new time does not."""
        store.file(adt("A01", "0800"))
        store.file(adt("A03", "1800"))
        store.file(adt("A01", "1900"))

        assert store.one("Encounter")["status"] == "finished"

    def test_cancelled_discharge(self, store: Store) -> None:
        """A13 reopens, and the end is gone; the older A03 sent again does not close it."""
        for message in (adt("A01", "0800"), adt("A03", "1800"), adt("A13", "1830"), adt("A03", "1800")):
            store.file(message)
        visit = store.one("Encounter")

        assert visit["status"] == "in-progress"
        assert "end" not in visit["period"]
        assert visit["location"][-1]["status"] == "active"
        assert [h["status"] for h in visit["statusHistory"]] == ["in-progress", "finished"]

    def test_cancelled_admission(self, store: Store) -> None:
        """A11 cancels, and the A01 received again late does not revive it."""
        for message in (adt("A01", "0800"), adt("A11", "0830"), adt("A01", "0800")):
            store.file(message)

        assert store.one("Encounter")["status"] == "cancelled"

    def test_cancelled_transfer(self, store: Store) -> None:
        """A12 takes the last move back."""
        for message in (adt("A01", "0800"), adt("A02", "1000", ward=WARD2), adt("A12", "1030", ward=WARD1)):
            store.file(message)
        places = store.one("Encounter")["location"]

        assert [p["location"]["display"] for p in places] == ["心内科 01"]
        assert places[0]["status"] == "active"

    def test_late_transfer(self, store: Store) -> None:
        """A transfer received after a later one takes its place in time."""
        for message in (adt("A01", "0800"), adt("A02", "1200", ward=WARD3), adt("A02", "1000", ward=WARD2)):
            store.file(message)
        places = store.one("Encounter")["location"]

        assert [p["location"]["display"] for p in places] == ["心内科 01", "呼吸科 02", "ICU 03"]
        assert [p["status"] for p in places] == ["completed", "completed", "active"]

    def test_planned_then_admitted(self, store: Store) -> None:
        """A05 plans, A01 begins, a late A05 plans nothing more."""
        store.file(adt("A05", "0700", klass="P"))
        assert store.one("Encounter")["status"] == "planned"

        store.file(adt("A01", "0800"))
        store.file(adt("A05", "0700", klass="P"))
        visit = store.one("Encounter")
        assert visit["status"] == "in-progress"
        assert visit["class"]["code"] == "IMP"

    def test_class_history(self, store: Store) -> None:
        """A06 turns the outpatient into an inpatient and remembers."""
        store.file(adt("A04", "0800", klass="门诊"))
        store.file(adt("A06", "1000", klass="住院"))
        visit = store.one("Encounter")

        assert visit["class"]["code"] == "IMP"
        assert [(h["class"]["code"], h["period"]) for h in visit["classHistory"]] == [
            ("AMB", {"start": at("0800"), "end": at("1000")})
        ]

    def test_leave(self, store: Store) -> None:
        """A21 goes on leave, A22 comes back."""
        store.file(adt("A01", "0800"))
        store.file(adt("A21", "1000"))
        assert store.one("Encounter")["status"] == "onleave"

        store.file(adt("A22", "1600"))
        assert store.one("Encounter")["status"] == "in-progress"

    def test_older_update(self, store: Store) -> None:
        """An A08 dated earlier does not bring the old doctor back."""
        store.file(adt("A01", "0800", f7="D1^张医生"))
        store.file(adt("A08", "1200", f7="D2^李医生"))
        store.file(adt("A08", "1000", f7="D1^张医生"))

        assert [p["individual"]["display"] for p in store.one("Encounter")["participant"]] == ["李医生"]

    def test_stub_of_a_result_is_filled(self, store: Store) -> None:
        """A visit first seen in a result becomes the real one by ADT."""
        store.file(
            f"MSH|^~\\&|LIS|H1|HIE|ZB|202403051500||ORU^R01|1|P|2.4\r{PID}\rPV1|1|I|||||||||||||||||V1\rOBR|1||F1|GLU|||||||||||||||||||||F"
        )
        assert store.one("Encounter")["status"] == "unknown"

        store.file(adt("A01", "0800"))
        assert store.one("Encounter")["status"] == "in-progress"

    def test_resend_changes_nothing(self, store: Store) -> None:
        """The same message under another journal id makes no new version but its own provenance."""
        store.file(adt("A01", "0800", more="DG1|1||I10^高血压^I10||20240305|A\rAL1|1|DA|青霉素"))
        before: dict[str, Any] = dict(store)
        store.file(adt("A01", "0800", more="DG1|1||I10^高血压^I10||20240305|A\rAL1|1|DA|青霉素"), reference="01J1")

        assert {key for key in store if key not in before} == {
            f"Provenance/{p['id']}" for p in store.of("Provenance")
        } - set(before)
        assert all(store[key] is before[key] for key in before)

    def test_number_of_another_patient(self, store: Store) -> None:
        """A visit number used again for somebody else is refused, not moved."""
        store.file(adt("A01", "0800"))
        store.file(adt("A03", "1800"))
        with pytest.raises(NotUnderstood):
            store.file(adt("A01", "2000", pid="PID|1||P2^^^HIS^MR||李四"))

    def test_without_number(self, store: Store) -> None:
        """Patient and admission time name a visit that has no number."""
        store.file(adt("A01", "0800", visit="", f44="202403050800"))
        store.file(adt("A03", "1800", visit="", f44="202403050800", f45="202403051800"))

        assert store.one("Encounter")["status"] == "finished"

    def test_person_messages_make_no_visit(self, store: Store) -> None:
        """A28 and A31 are about the person."""
        store.file(adt("A28", "0800"))

        assert not store.of("Encounter")

    def test_around_the_visit(self, store: Store) -> None:
        """Diagnosis, allergy, next of kin, insurance, measurement."""
        more = "\r".join(
            [
                "NK1|1|王^大明|FTH^父亲|淄博|13900000000",
                "AL1|1|DA|PCN^青霉素|SV|皮疹~休克",
                "DG1|1||I10.x00^原发性高血压^ICD10||20240305|A",
                "IN1|1|YB01^城镇职工基本医疗保险|370300|淄博市医保局||||||||20240101|20241231",
                "OBX|1|NM|8302-2^Body height^LN||165|cm|||||F",
            ]
        )
        store.file(adt("A01", "0800", more=more))

        assert store.one("AllergyIntolerance")["reaction"][0]["severity"] == "severe"
        assert (
            store.one("Encounter")["diagnosis"][0]["condition"]["reference"]
            == f"Condition/{store.one('Condition')['id']}"
        )
        assert store.one("Condition")["code"]["coding"][0]["system"] == "http://hl7.org/fhir/sid/icd-10"
        assert store.one("RelatedPerson")["name"][0]["text"] == "王大明"
        assert store.one("Coverage")["payor"][0]["display"] == "淄博市医保局"
        assert store.one("Observation")["category"][0]["coding"][0]["code"] == "vital-signs"

    def test_withdrawn_diagnosis(self, store: Store) -> None:
        """DG1-21 D is an error, and leaves the visit's list."""
        store.file(adt("A01", "0800", more="DG1|1||I10^高血压^I10||20240305|A"))
        store.file(adt("A08", "0900", more="DG1|1||I10^高血压^I10||20240305|A|||||||||||||||D"))
        condition = store.one("Condition")

        assert condition["verificationStatus"]["coding"][0]["code"] == "entered-in-error"
        assert "clinicalStatus" not in condition


class TestProvenance:
    """Where it came from."""

    def test_targets_and_source(self, store: Store) -> None:
        """One Provenance names the message, the sender and every clinical fact."""
        store.file(adt("A01", "0800", f7="D1^张医生"))
        provenance = store.one("Provenance")

        assert {t["reference"].split("/")[0] for t in provenance["target"]} == {"Patient", "Encounter"}
        assert provenance["entity"][0]["what"]["identifier"]["value"] == "01J0"
        assert provenance["agent"][0]["who"]["display"] == SITE.name
