"""ADT that gives up numbers, moves records, links and unlinks them: what the translation alone can say."""

from __future__ import annotations

import pytest
from to_fhir_world import SITE, Store, run

from adapters.facts import Merge, Move, Renumbered, Unlink, resource_id
from adapters.hl7v2.to_fhir import FAMILIES

HIS = "urn:hie:authority:HIS"
P1, P2 = (resource_id(HIS, "Patient", number) for number in ("P1", "P2"))
V1, V2 = (resource_id(SITE.authority, "Encounter", number) for number in ("V1", "V2"))
A1, A2 = (resource_id(SITE.authority, "Account", number) for number in ("A1", "A2"))
VISIT = "PV1|1|I|W1||||||||||||||||V2"


def message(trigger: str, *segments: str, at: str = "1000") -> str:
    header = f"MSH|^~\\&|HIS|H1|HIE|ZB|20240305{at}||ADT^{trigger}|{trigger}{at}|P|2.4"
    return "\r".join([header, f"EVN||20240305{at}", *segments])


def pid(number: str = "P1", account: str = "", external: str = "", alternate: str = "") -> str:
    return f"PID|1|{external}|{number}^^^HIS^MR|{alternate}|王晓梅|||||||||||||{account}"


class TestAccounts:
    @pytest.mark.parametrize("trigger", ["A35", "A41", "A49"])
    def test_given_up(self, trigger: str) -> None:
        """The old account is closed and part of the new one; the patient has both numbers, one of them old."""
        store = Store()
        translation = store.file(message(trigger, pid(account="A2"), "MRG|P1^^^HIS^MR||A1"))

        assert translation.renumbered == (Renumbered(f"Account/{A1}", f"Account/{A2}"),)
        assert store[f"Account/{A1}"]["status"] == "inactive"
        assert store[f"Account/{A1}"]["partOf"] == {"reference": f"Account/{A2}"}
        assert {i["value"]: i.get("use") for i in store[f"Patient/{P1}"]["identifier"]} == {
            "P1": None,
            "A2": None,
            "A1": "old",
        }

    def test_same_number(self) -> None:
        """An account cannot become itself: kept, and said."""
        translation = run(message("A41", pid(account="A1"), "MRG|P1^^^HIS^MR||A1"))

        assert not translation.translated
        assert translation.remarks == ("MRG names no number that was given up for another",)


class TestVisits:
    @pytest.mark.parametrize("trigger", ["A42", "A50"])
    def test_given_up(self, trigger: str) -> None:
        """The old number names the new visit; nothing is asserted of a visit that nobody knows."""
        store = Store()
        translation = store.file(message(trigger, pid(), "MRG|P1^^^HIS^MR||||V1", VISIT))

        assert translation.renumbered == (Renumbered(f"Encounter/{V1}", f"Encounter/{V2}"),)
        assert translation.conditional == {f"Encounter/{V1}", f"Encounter/{V2}"}
        assert not store.of("Encounter")

    def test_alternate(self) -> None:
        """A51: the visit stays under its number, with another alternate one; the one before is old."""
        store = Store()
        store.file(message("A01", pid(), f"{VISIT}{'|' * 31}ALT1", at="0800"))
        store.file(message("A51", pid(), "MRG|P1^^^HIS^MR|||||ALT1", f"{VISIT}{'|' * 31}ALT2"))
        visit = store.one("Encounter")

        assert {i["value"]: i.get("use") for i in visit["identifier"]} == {"V2": None, "ALT2": None, "ALT1": "old"}
        assert visit["status"] == "in-progress"


class TestOtherNumbers:
    @pytest.mark.parametrize(
        ("trigger", "patient", "mrg"),
        [("A46", pid(external="E2"), "MRG|P1^^^HIS^MR|||E1"), ("A48", pid(alternate="E2"), "MRG|P1^^^HIS^MR|E1")],
    )
    def test_old(self, trigger: str, patient: str, mrg: str) -> None:
        """A46, A48: the record is the same, and found by both numbers."""
        store = Store()
        store.file(message(trigger, patient, mrg))

        assert {i["value"]: i.get("use") for i in store.one("Patient")["identifier"]} == {
            "P1": None,
            "E2": None,
            "E1": "old",
        }

    def test_late(self) -> None:
        """A change of number that comes late makes no number old that was said to be in use after it."""
        store = Store()
        store.file(message("A31", pid(external="E1"), at="1100"))
        store.file(message("A46", pid(external="E2"), "MRG|P1^^^HIS^MR|||E1"))

        assert {i["value"]: i.get("use") for i in store.one("Patient")["identifier"]}["E1"] is None

    def test_prior_name(self) -> None:
        """MRG-7 is who the old record was of, where nobody has told of it."""
        store = Store()
        store.file(message("A40", pid("P2"), "MRG|P1^^^HIS^MR||||||旧名字"))

        assert store[f"Patient/{P1}"]["name"][0]["text"] == "旧名字"


class TestMoves:
    def test_patient(self) -> None:
        """A43 with two numbers moves what was filed; it merges nobody."""
        translation = run(message("A43", pid("P2"), "MRG|P1^^^HIS^MR"))

        assert translation.moves == (Move(f"Patient/{P1}", f"Patient/{P2}"),)
        assert translation.merges == ()

    def test_external(self) -> None:
        """A43 with one number: the record goes from one external number to another."""
        store = Store()
        translation = store.file(message("A43", pid(external="E2"), "MRG|P1^^^HIS^MR|||E1"))

        assert translation.moves == ()
        assert {i["value"]: i.get("use") for i in store.one("Patient")["identifier"]}["E1"] == "old"

    def test_account(self) -> None:
        """A44: the account has another owner."""
        translation = run(message("A44", pid("P2", account="A1"), "MRG|P1^^^HIS^MR||A1"))

        assert translation.moves == (Move(f"Account/{A1}", f"Patient/{P2}"),)

    def test_visit_by_mrg(self) -> None:
        """A45 whose PV1 has no number means the one that MRG names."""
        store = Store()
        store.file(message("A01", pid("P1"), VISIT, at="0800"))
        store.file(message("A45", pid("P2"), "MRG|P1^^^HIS^MR||A1||V2", "PV1|1|I"))
        visit = store.one("Encounter")

        assert visit["subject"] == {"reference": f"Patient/{P2}"}
        assert {i["value"]: i.get("use") for i in visit["identifier"]} == {"V2": None, "A1": "old"}


class TestLinks:
    def test_link(self) -> None:
        """A24 joins persons, and both records stay."""
        translation = run(message("A24", pid("P1"), pid("P2")))

        assert translation.merges == (Merge(P1, P2),)
        assert all(f.resource["active"] for f in translation.facts if f.type == "Patient")

    def test_unlink(self) -> None:
        """A37 parts them, and says nothing where nobody is known."""
        store = Store()
        translation = store.file(message("A37", pid("P1"), pid("P2")))

        assert translation.unlinks == (Unlink(P1, P2),)
        assert not store.of("Patient")


class TestEveryTrigger:
    def test_translated(self) -> None:
        """Every trigger of ADT that names a patient has a family."""
        silent = {"A19", "A20", "A56", "A57", "A58", "A59"}
        named = {f"A{number:02}" for number in range(1, 63)} - silent

        assert {kind.removeprefix("ADT^") for kind in FAMILIES if kind.startswith("ADT^A")} == named
