"""ADT A40: two records, one patient."""

from __future__ import annotations

from to_fhir_world import Store, run

from adapters.facts import Merge, resource_id

OLD, NEW = (resource_id("urn:hie:authority:HIS", "Patient", number) for number in ("OLD", "NEW"))


def message(trigger: str, when: str, pid: str, more: str = "") -> str:
    header = f"MSH|^~\\&|HIS|H1|HIE|ZB|20240305{when}||ADT^{trigger}|{trigger}{when}|P|2.4"
    return f"{header}\rEVN||20240305{when}\rPID|1||{pid}^^^HIS^MR||王晓梅\r{more}"


MERGE = message("A40", "1000", "NEW", "MRG|OLD^^^HIS^MR")


class TestMerge:
    """Links, not rewriting."""

    def test_links_both_ways(self) -> None:
        """The subsumed record is inactive and replaced, the survivor replaces it."""
        store = Store()
        store.file(message("A28", "0800", "OLD"))
        translation = store.file(MERGE)

        assert translation.merges == (Merge(NEW, OLD),)
        assert set(translation.subjects) == {NEW, OLD}
        assert store[f"Patient/{OLD}"]["active"] is False
        assert store[f"Patient/{OLD}"]["name"][0]["text"] == "王晓梅"
        assert store[f"Patient/{OLD}"]["link"] == [{"other": {"reference": f"Patient/{NEW}"}, "type": "replaced-by"}]
        assert store[f"Patient/{NEW}"]["link"] == [{"other": {"reference": f"Patient/{OLD}"}, "type": "replaces"}]

    def test_merge_before_create(self) -> None:
        """A record merged before it was ever sent is known, inactive."""
        store = Store()
        store.file(MERGE)

        assert store[f"Patient/{OLD}"]["active"] is False

    def test_later_update_does_not_revive(self) -> None:
        """A08 on the old number changes words, not life."""
        store = Store()
        store.file(message("A28", "0800", "OLD"))
        store.file(MERGE)
        store.file(message("A08", "1100", "OLD"))

        assert store[f"Patient/{OLD}"]["active"] is False
        assert store[f"Patient/{OLD}"]["link"]

    def test_chain(self) -> None:
        """A survivor may be merged again; both links stay."""
        store = Store()
        store.file(MERGE)
        store.file(message("A40", "1100", "LAST", "MRG|NEW^^^HIS^MR"))

        assert {link["type"] for link in store[f"Patient/{NEW}"]["link"]} == {"replaces", "replaced-by"}
        assert store[f"Patient/{NEW}"]["active"] is False

    def test_several_in_one_message(self) -> None:
        """Several MRG under one PID are several merges, all linked."""
        translation = run(message("A40", "1000", "NEW", "MRG|OLD^^^HIS^MR\rMRG|OLD2^^^HIS^MR"))
        survivor = next(fact.resource for fact in translation.facts if fact.id == NEW)

        assert len(translation.merges) == len(survivor["link"]) == 2

    def test_into_itself(self) -> None:
        """A record cannot be merged into itself."""
        translation = run(message("A40", "1000", "NEW", "MRG|NEW^^^HIS^MR"))

        assert not translation.translated
        assert not translation.merges
