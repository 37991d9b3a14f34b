r"""
Item 8: escape sequences are read, unknown ones are kept as sent, free text is read whole, NUL is never stored.

\F\ \S\ \T\ \R\ \E\ are separators as text, \X..\ bytes in the message's character set, \.br\ and its kin line layout,
\H\ and \N\ highlighting, \C..\ and \M..\ switches of character set. A stray ^ in a report is a character of it.
"""

from __future__ import annotations

import pytest
from hl7v2_world import Hl7World
from order_messages import obx, result

SEQUENCES = [
    (r"a\F\b\S\c\T\d\R\e\E\f", r"a|b^c&d~e\f"),
    (r"\X48656C6C6F\!", "Hello!"), (r"\XE78E8B\ 某", "王 某"), (r"a\X0D\b", "a\rb"), (r"a\X0D0A\b", "a\r\nb"),
    (r"一\.br\二\.sp\三", "一\n二\n三"), (r"一\.sp2\二", "一\n\n二"), (r"a\.sk3\b", "a   b"), (r"中\.ce\题", "中\n题"),
    (r"a\.in+2\b\.ti-1\c\.fi\d\.nf\e", "abcde"), (r"\H\粗\N\细", "粗细"), (r"\C2842\x\M244200\y", "xy"),
    (r"\Zlocal\ 留 \q\ C:\temp \XFF\.", r"\Zlocal\ 留 \q\ C:\temp \XFF\."),
    (r"lone \ and \\ twice", r"lone \ and \\ twice"), (r"\E\T\E\x", r"\T\x"),
]  # fmt: skip


class TestSequences:
    async def test_free_text(self, hl7: Hl7World) -> None:
        """Every sequence in a report's text."""
        rows = [obx("FT", sent, code=f"T{at:02}^文^L") for at, (sent, _) in enumerate(SEQUENCES)]
        await hl7.tell(result(*rows))
        found = {one["code"]["coding"][0]["code"]: one["valueString"] for one in await hl7.find("Observation")}

        assert [found[f"T{at:02}"].replace("\r\n", "\n") for at in range(len(SEQUENCES))] == [
            text.replace("\r\n", "\n") for _, text in SEQUENCES
        ]

    @pytest.mark.parametrize("place", ["name", "address", "diagnosis"])
    async def test_in_components(self, hl7: Hl7World, place: str) -> None:
        """An escaped separator divides nothing: names, addresses, codes."""
        text, sent = "甲^乙&丙|丁~戊\\己", r"甲\S\乙\T\丙\F\丁\R\戊\E\己"
        values = {"name": "王", "address": "路", "diagnosis": "病"} | {place: sent}
        await hl7.tell(
            f"""
            MSH|^~\\&|HIS|H01|HIE|ZB|20260301080000||ADT^A01^ADT_A01|1|P|2.5.1||||||UNICODE UTF-8
            EVN||20260301080000
            PID|1||L1^^^H01^MR||{values["name"]}^梅||19850612|F|||{values["address"]}^^淄博
            PV1|1|I|W1||||||||||||||||V1^^^H01
            DG1|1||I10^{values["diagnosis"]}^L||20260301|A
            """
        )
        patient, condition = await hl7.one("Patient"), await hl7.one("Condition")

        read = {
            "name": patient["name"][0]["family"], "address": patient["address"][0]["line"][0],
            "diagnosis": condition["code"]["coding"][0]["display"],
        }  # fmt: skip
        assert read[place] == text
        assert (patient["name"][0]["given"], patient["address"][0]["city"]) == (["梅"], "淄博")

    async def test_bytes_are_of_the_message(self, hl7: Hl7World) -> None:
        """Hexadecimal bytes are in the character set of MSH-18."""
        sent = result(obx("FT", r"\XCDF5\先生")).replace("UNICODE UTF-8", "GB 18030-2000")
        await hl7.tell("\r".join(sent.splitlines()).encode("gb18030"))

        assert (await hl7.one("Observation"))["valueString"] == "王先生"

    async def test_own_escape_character(self, hl7: Hl7World) -> None:
        """The sender's own escape character stands for its own separators; the usual one is text."""
        sent = result(obx("FT", r"a@F@b@S@c \T\ d")).replace("^~\\&", "^~@&")
        await hl7.tell(sent)

        assert (await hl7.one("Observation"))["valueString"] == r"a|b^c \T\ d"

    async def test_no_escape_character(self, hl7: Hl7World) -> None:
        """A sender without one: backslashes are text."""
        await hl7.tell(result(obx("ST", r"C:\T\data")).replace("|^~\\&|", "|^~|"))

        assert (await hl7.one("Observation"))["valueString"] == r"C:\T\data"


class TestFreeText:
    @pytest.mark.parametrize("kind", ["TX", "FT", "ST"])
    async def test_stray_separators(self, hl7: Hl7World, kind: str) -> None:
        """Unescaped ^ and & in a text are read as what they look like; repetitions are lines."""
        await hl7.tell(result(obx(kind, "心率^偏快&不齐~T<38^C~见图\\S\\1")))

        assert (await hl7.one("Observation"))["valueString"] == "心率^偏快&不齐\nT<38^C\n见图^1"

    async def test_notes(self, hl7: Hl7World) -> None:
        """Notes as well."""
        await hl7.tell(result(obx("NM", "5.1", unit="mmol/L"), "NTE|1||复查^后&再定\\.br\\第二行~第三行"))
        (note,) = (await hl7.one("Observation"))["note"]

        assert note["text"] == "复查^后&再定\n第二行\n第三行"


class TestControls:
    async def test_never_stored(self, hl7: Hl7World) -> None:
        """NUL and its kin, as bytes and as escape sequences, in texts, names and codes; the loss is said."""
        sent = result(obx("FT", "a\x00b\x01c\\X00\\d\\X011B\\e\x1ff", code="T\x00^文\x07字^L"))
        await hl7.tell("\r".join(sent.replace("王^晓梅", "王\x00^晓\x02梅").splitlines()).encode())
        observation, patient = await hl7.one("Observation"), await hl7.one("Patient")

        assert observation["valueString"] == "abcdef"
        assert (observation["code"]["coding"][0]["code"], observation["code"]["coding"][0]["display"]) == ("T", "文字")
        assert patient["name"][0]["family"] == "王" and patient["name"][0]["given"] == ["晓梅"]
        assert any("Control characters" in remark for remark in await hl7.remarks())
