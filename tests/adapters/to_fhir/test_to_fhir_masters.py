"""Master files of staff and of places."""

from __future__ import annotations

import pytest
from to_fhir_world import Store, run

MFI = "MFI|PRA^人员主文件^HL70175||UPD|||AL"


def mfn(at: str, *lines: str, kind: str = "M02", mfi: str = MFI) -> str:
    header = f"MSH|^~\\&|HR|H1|HIE|ZB|20240305{at}||MFN^{kind}^MFN_{kind}|{at}|P|2.5"
    return "\r".join([header, mfi, *lines])


@pytest.fixture
def store() -> Store:
    return Store()


class TestStaff:
    def test_added(self, store: Store) -> None:
        """A person with all numbers, and what the person does here; the file has its Provenance."""
        store.file(
            mfn(
                "0900", "MFE|MAD|F1||D1|CE", "STF|D1|Z9^^^HR&urn:hr&URI^EI|张^三丰|01^医师|M|19750101|A|CARD^心内科",
                "PRA|D1||01^主任医师||心血管内科|37010^YSZG^山东", "LAN|1|zh^中文",
            )
        )  # fmt: skip
        person, role = store.one("Practitioner"), store.one("PractitionerRole")

        assert [one["value"] for one in person["identifier"]] == ["D1", "Z9", "37010"]
        assert (person["name"][0]["text"], person["communication"][0]["text"]) == ("张三丰", "中文")
        assert role["practitioner"]["reference"] == f"Practitioner/{person['id']}"
        assert role["specialty"] == [{"text": "心血管内科"}]
        assert {one["reference"].split("/")[0] for one in store.one("Provenance")["target"]} == {
            "Practitioner", "PractitionerRole",
        }  # fmt: skip

    def test_rewrites_what_orders_named(self, store: Store) -> None:
        """Whoever an order has named by either number is told; nobody is made of a number alone."""
        header = "MSH|^~\\&|HIS|H1|HIE|ZB|202403050800||ORM^O01|1|P|2.4"
        order = "ORC|NW|O1||||||||||Z9^张^^^^^^^HR&urn:hr&URI"
        store.file("\r".join([header, "PID|1||P1^^^HIS^MR", order, "OBR|1|O1||X^x"]))
        assert store.one("Practitioner")["name"][0]["text"] == "张"

        store.file(mfn("0900", "MFE|MAD|F1||D1|CE", "STF|D1|Z9^^^HR&urn:hr&URI^EI~Z8^^^HR&urn:hr&URI|张^三丰"))
        assert {one["name"][0]["text"] for one in store.of("Practitioner")} == {"张三丰"}
        assert len(store.of("Practitioner")) == 2

    @pytest.mark.parametrize(
        ("events", "active"), [(("MAD", "MDC"), False), (("MAD", "MDL"), False), (("MAD", "MDC", "MAC"), True)]
    )
    def test_events(self, store: Store, events: tuple[str, ...], active: bool) -> None:
        """Deactivated, deleted, reactivated: the bare key changes no more than that."""
        for at, event in enumerate(events):
            store.file(mfn(f"09{at}0", f"MFE|{event}|F{at}||D1|CE", *(["STF|D1||张^三丰"] if event == "MAD" else [])))

        assert (store.one("Practitioner")["active"], store.one("PractitionerRole")["active"]) == (active, active)
        assert store.one("Practitioner")["name"][0]["text"] == "张三丰"

    def test_inactive_flag(self, store: Store) -> None:
        """STF-7 I is somebody who works here no more."""
        store.file(mfn("0900", "MFE|MUP|F1||D1|CE", "STF|D1||张^三丰||||I"))

        assert store.one("Practitioner")["active"] is False

    def test_late_file(self, store: Store) -> None:
        """The older file fills gaps and rewrites nothing."""
        store.file(mfn("1000", "MFE|MUP|F2||D1|CE", "STF|D1||张^三丰"))
        store.file(mfn("0900", "MFE|MAD|F1||D1|CE", "STF|D1||张^三||M"))

        assert store.one("Practitioner")["name"][0]["text"] == "张三丰"

    def test_unknown_event(self) -> None:
        """An event code of nobody's table is counted; without any entry the message is kept."""
        translation = run(mfn("0900", "MFE|QQQ|F1||D1|CE", "STF|D1||张^三丰"))

        assert not translation.translated
        assert run(mfn("0900", "MFE|QQQ|F1||D1", "MFE|MAD|F2||D2")).unmapped[0].code == "QQQ"

    def test_whole_file(self) -> None:
        """REP would replace the file: a remark says that what is not listed stays."""
        translation = run(mfn("0900", "MFE|MAD|F1||D1", mfi="MFI|PRA||REP|||AL"))

        assert any(remark.startswith("MFI-3 REP") for remark in translation.remarks)


class TestPlaces:
    def place(self, at: str, event: str, *lines: str) -> str:
        return mfn(at, f"MFE|{event}|F1||W1^101^1|PL", *lines, kind="M05", mfi="MFI|LOC||UPD|||AL")

    def test_bed(self, store: Store) -> None:
        """A bed in its room, with its own name, its kind and what it is like."""
        store.file(self.place("0900", "MAD", "LOC|W1^101^1|一病区1床|B^床", "LCH|W1^101^1|||SMK^吸烟|N^禁烟"))
        bed = next(one for one in store.of("Location") if one["name"] == "一病区1床")
        room = next(one for one in store.of("Location") if one is not bed)

        assert bed["partOf"]["reference"] == f"Location/{room['id']}"
        assert bed["physicalType"]["coding"][0]["code"] == "bd"
        assert any(e["url"].endswith(":SMK") and e["valueCodeableConcept"]["text"] == "禁烟" for e in bed["extension"])

    def test_parent_by_relation(self, store: Store) -> None:
        """LRL-4 PAR names the place that it is in."""
        store.file(self.place("0900", "MAD", "LOC|W1^101^1|一病区1床|B", "LRL|W1^101^1|||PAR^上级||BLD9"))
        bed = next(one for one in store.of("Location") if one["name"] == "一病区1床")

        assert bed["partOf"]["display"] == "BLD9"

    def test_closed(self, store: Store) -> None:
        """MDC closes the place, and keeps its name."""
        store.file(self.place("0900", "MAD", "LOC|W1^101^1|一病区1床|B"))
        store.file(self.place("1000", "MDC"))
        bed = next(one for one in store.of("Location") if one["name"] == "一病区1床")

        assert bed["status"] == "inactive"
