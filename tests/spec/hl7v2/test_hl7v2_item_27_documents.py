"""
Item 27, MDM: TXA-12 is the document, TXA-13 its parent; T02 is new, T04 a status, T06 an addendum (appends), T08 an
edit, T10 a replacement (replaces, and the old one is superseded), T11 a cancellation; TXA-17 and 19 are its statuses;
OBX ED is its content, in a Binary of its own where a record would not hold it; RTF and TXT keep their character set.
"""

from __future__ import annotations

import base64

import pytest
from hl7v2_world import Hl7World, er7

from adapters.hl7v2.to_fhir import attachments

PATIENT = "PID|1||L1^^^H01^MR||王^晓梅||19850612|F"


def mdm(
    trigger: str, control: str, at: str, number: str, *contents: str, parent: str = "", done: str = "AU",
    label: str = "", available: str = "AV", file: str = "", charset: str = "UNICODE UTF-8",
) -> str:  # fmt: skip
    """A document message; `contents` are OBX-2 and OBX-5, `TX|text`."""
    structure = "MDM_T02" if int(trigger[1:]) % 2 == 0 else "MDM_T01"
    when = f"20260301{at}00"
    lines = [
        f"MSH|^~\\&|DOC|H01|HIE|ZB|{when}||MDM^{trigger}^{structure}|{control}|P|2.5.1|||||CHN|{charset}",
        f"EVN||{when}",
        PATIENT,
        f"TXA|1|DS^出院小结|TX|||||||||{number}|{parent}|||{file}|{done}|{label}|{available}",
    ]
    for line, content in enumerate(contents, start=1):
        kind, _, value = content.partition("|")
        lines.append(f"OBX|{line}|{kind}|DS^小结||{value}||||||F")
    return "\n".join(lines)


def text_of(document: dict[str, object], at: int = 0) -> str:
    """The text of a content entry."""
    found: dict[str, str] = document["content"][at]["attachment"]  # type: ignore[index]
    return base64.b64decode(found["data"]).decode()


class TestEvents:
    async def test_new(self, hl7: Hl7World) -> None:
        """T02: a document with its content, current and final."""
        await hl7.tell(mdm("T02", "1", "0900", "D1", "TX|诊断：高血压"))
        found = await hl7.one("DocumentReference?identifier=D1")

        assert (found["status"], found["docStatus"], text_of(found)) == ("current", "final", "诊断：高血压")

    async def test_notice_then_content(self, hl7: Hl7World) -> None:
        """T01 tells of a document before T02 brings it; one document, whichever comes first."""
        await hl7.tell(mdm("T02", "2", "0901", "D1", "TX|内容"), mdm("T01", "1", "0900", "D1"))

        assert text_of(await hl7.one("DocumentReference")) == "内容"

    async def test_late_content(self, hl7: Hl7World) -> None:
        """The content of an older message is not lost to a newer notice without any."""
        await hl7.tell(mdm("T03", "2", "0930", "D1", done="LA"), mdm("T02", "1", "0900", "D1", "TX|内容", done="IP"))
        found = await hl7.one("DocumentReference")

        assert (found["docStatus"], text_of(found)) == ("final", "内容")

    @pytest.mark.parametrize("trigger", ["T03", "T04"])
    async def test_status(self, hl7: Hl7World, trigger: str) -> None:
        """A change of status changes the status; the content stays."""
        await hl7.tell(mdm("T02", "1", "0900", "D1", "TX|草稿", done="IP"))
        assert (await hl7.one("DocumentReference"))["docStatus"] == "preliminary"

        await hl7.tell(mdm(trigger, "2", "1000", "D1", done="LA"))
        found = await hl7.one("DocumentReference")
        assert (found["docStatus"], text_of(found)) == ("final", "草稿")

    @pytest.mark.parametrize("trigger", ["T05", "T06"])
    async def test_addendum(self, hl7: Hl7World, trigger: str) -> None:
        """An addendum is a document of its own that appends to its parent; both are valid."""
        await hl7.tell(
            mdm("T02", "1", "0900", "D1", "TX|正文"), mdm(trigger, "2", "1000", "D2", "TX|补充", parent="D1")
        )
        parent = await hl7.one("DocumentReference?identifier=D1")
        addendum = await hl7.one("DocumentReference?identifier=D2")

        assert parent["status"] == "current"
        assert addendum["relatesTo"][0]["code"] == "appends"
        assert addendum["relatesTo"][0]["target"]["reference"] == f"DocumentReference/{parent['id']}"

    @pytest.mark.parametrize(("done", "status"), [("AU", "amended"), ("IP", "preliminary")])
    async def test_edit(self, hl7: Hl7World, done: str, status: str) -> None:
        """T08 of an authenticated document amends it; of a draft it is the next draft."""
        await hl7.tell(
            mdm("T02", "1", "0900", "D1", "TX|左", done=done), mdm("T08", "2", "1000", "D1", "TX|右", done=done)
        )
        found = await hl7.one("DocumentReference")

        assert (found["docStatus"], text_of(found), found["meta"]["versionId"]) == (status, "右", "2")

    @pytest.mark.parametrize("trigger", ["T09", "T10"])
    async def test_replacement(self, hl7: Hl7World, trigger: str) -> None:
        """The new one replaces; the old one is superseded, and stays so."""
        await hl7.tell(
            mdm("T02", "1", "0900", "D1", "TX|旧"), mdm(trigger, "2", "1000", "D2", "TX|新", parent="D1"),
            mdm("T04", "3", "1100", "D1"),
        )  # fmt: skip

        assert (await hl7.one("DocumentReference?identifier=D1"))["status"] == "superseded"
        assert (await hl7.one("DocumentReference?status=current"))["relatesTo"][0]["code"] == "replaces"

    async def test_replacement_of_the_unknown(self, hl7: Hl7World) -> None:
        """A parent that was never sent is not invented."""
        await hl7.tell(mdm("T10", "2", "1000", "D2", "TX|新", parent="D1"))

        assert (await hl7.one("DocumentReference"))["masterIdentifier"]["value"] == "D2"

    async def test_cancel(self, hl7: Hl7World) -> None:
        """T11: entered in error, not revived, and the content stays for those who must know."""
        await hl7.tell(
            mdm("T02", "1", "0900", "D1", "TX|误"), mdm("T11", "2", "1000", "D1", available="CA"),
            mdm("T04", "3", "1100", "D1"),
        )  # fmt: skip
        found = await hl7.one("DocumentReference")

        assert (found["status"], found["docStatus"], text_of(found)) == ("entered-in-error", "entered-in-error", "误")


class TestFields:
    async def test_availability(self, hl7: Hl7World) -> None:
        """TXA-19 OB is obsolete."""
        await hl7.tell(mdm("T02", "1", "0900", "D1", "TX|x"), mdm("T03", "2", "1000", "D1", available="OB"))

        assert (await hl7.one("DocumentReference"))["status"] == "superseded"

    async def test_confidentiality(self, hl7: Hl7World) -> None:
        """TXA-18 is a label of the document and of the resource; a notice without one does not take it off."""
        await hl7.tell(mdm("T02", "1", "0900", "D1", "TX|x", label="V"), mdm("T03", "2", "1000", "D1"))
        found = await hl7.one("DocumentReference?_security=V")

        assert found["securityLabel"][0]["coding"][0]["code"] == "V"

    async def test_file_name(self, hl7: Hl7World) -> None:
        """TXA-16 is a further identifier."""
        await hl7.tell(mdm("T02", "1", "0900", "D1", "TX|x", file="小结-1.txt"))

        assert (await hl7.one("DocumentReference?identifier=小结-1.txt"))["masterIdentifier"]["value"] == "D1"

    async def test_unknown_codes(self, hl7: Hl7World) -> None:
        """A status of nobody's table is counted, and nothing is made of it."""
        await hl7.tell(mdm("T02", "1", "0900", "D1", "TX|x", done="QQ"))

        assert "docStatus" not in await hl7.one("DocumentReference")
        assert any(one["location"] == "TXA-17" and one["code"] == "QQ" for one in await hl7.unmapped())


class TestContent:
    async def test_encapsulated(self, hl7: Hl7World) -> None:
        """A PDF beside text, and a pointer: three contents, each with its type."""
        pdf = base64.b64encode(b"%PDF-1.4").decode()
        await hl7.tell(
            mdm("T02", "1", "0900", "D1", f"ED|^AP^PDF^Base64^{pdf}", "RP|http://pacs/1^^IM^JPEG", "TX|文字")
        )
        forms = [one["attachment"] for one in (await hl7.one("DocumentReference"))["content"]]

        assert [form["contentType"] for form in forms] == ["application/pdf", "image/jpeg", "text/plain; charset=utf-8"]
        assert forms[0]["size"] == 8
        assert forms[1]["url"] == "http://pacs/1"

    async def test_broken_base64(self, hl7: Hl7World) -> None:
        """What is not the base64 that it says is kept in the journal and counted; the document is there."""
        await hl7.tell(mdm("T02", "1", "0900", "D1", "ED|^AP^PDF^Base64^***"))

        assert "data" not in (await hl7.one("DocumentReference"))["content"][0]["attachment"]
        assert any(one["location"] == "OBX-5" for one in await hl7.unmapped())

    async def test_chinese_text_file(self, hl7: Hl7World) -> None:
        """A text file in GB 18030 inside a message in UTF-8 says so: its reader need not guess."""
        data = base64.b64encode("出院小结".encode("gb18030")).decode()
        await hl7.tell(mdm("T02", "1", "0900", "D1", f"ED|^TEXT^TXT^Base64^{data}"))
        form = (await hl7.one("DocumentReference"))["content"][0]["attachment"]

        assert form["contentType"] == "text/plain; charset=GB18030"
        assert base64.b64decode(form["data"]).decode("gb18030") == "出院小结"

    async def test_rtf(self, hl7: Hl7World) -> None:
        """RTF that came as text goes back into the code page that it declares."""
        rtf = "{\\E\\rtf1\\E\\ansi\\E\\ansicpg936 出院小结}"
        await hl7.tell(er7(mdm("T02", "1", "0900", "D1", f"TX|{rtf}", charset="GB18030"), "gb18030"))
        form = (await hl7.one("DocumentReference"))["content"][0]["attachment"]

        assert form["contentType"] == "text/rtf"
        assert base64.b64decode(form["data"]) == "{\\rtf1\\ansi\\ansicpg936 出院小结}".encode("gbk")

    async def test_large(self, hl7: Hl7World) -> None:
        """A large content is a Binary of its own, with the label and the patient of its document."""
        data = base64.b64encode(b"x" * (attachments.INLINE_BYTES + 1)).decode()
        await hl7.tell(mdm("T02", "1", "0900", "D1", f"ED|^AP^PDF^Base64^{data}", label="R"))
        form = (await hl7.one("DocumentReference"))["content"][0]["attachment"]
        kept = (await hl7.services.store.read(*form["url"].split("/"))).resource()

        assert (form["size"], "data" in form) == (attachments.INLINE_BYTES + 1, False)
        assert kept["meta"]["security"][0]["code"] == "R"
        assert kept["securityContext"]["reference"].startswith("Patient/")
        assert len(base64.b64decode(kept["data"])) == form["size"]

    async def test_larger_than_a_record(self, hl7: Hl7World, monkeypatch: pytest.MonkeyPatch) -> None:
        """What no single record holds is kept in parts, in order; none of it is lost."""
        monkeypatch.setattr(attachments, "INLINE_BYTES", 10)
        monkeypatch.setattr(attachments, "LARGEST_BYTES", 1000)
        whole = bytes(range(256)) * 10
        data = base64.b64encode(whole).decode()
        await hl7.tell(mdm("T02", "1", "0900", "D1", f"ED|^AP^PDF^Base64^{data}"))
        forms = [one["attachment"] for one in (await hl7.one("DocumentReference"))["content"]]
        parts = [(await hl7.services.store.read(*form["url"].split("/"))).resource() for form in forms]

        assert [form["title"].rsplit(" ")[-1] for form in forms] == ["(1/3)", "(2/3)", "(3/3)"]
        assert b"".join(base64.b64decode(part["data"]) for part in parts) == whole
