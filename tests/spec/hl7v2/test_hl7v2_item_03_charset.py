"""
Item 3: each message is read in the character set that its MSH-18 names, strictly.

Names of table 0211 and what senders write instead; without MSH-18 the site's default counts, then the exchange's.
Bytes that do not fit are refused with AE, which names MSH-18 and quotes nothing: no text is stored that nobody wrote.
"""

from __future__ import annotations

import pytest
from hl7v2_world import Hl7World

from adapters.hl7v2.parser import parse
from adapters.hl7v2.site import Site

HEAD = "MSH|^~\\&|HIS|H01|HIE|ZB|20260301080000||ADT^A04^ADT_A01|{control}|P|{version}||||||{charset}\r"
UTF8 = ("UNICODE UTF-8", "UNICODE", "UTF-8", "utf8", "Unicode utf-8", "UTF 8", "ISO IR192", "ISO_IR 192", "65001")
GB = (
    "GB 18030-2000", "GB 18030-2005", "GB18030-2022", "GB18030", "gb18030", "GBK", "gbk", "CP936", "GB2312", "GB 2312",
    "GB2312-80", "GB_2312-80", "EUC-CN", "MS936", "936",
)  # fmt: skip
SPELLINGS = [
    *((name, "utf-8", "王梅") for name in UTF8), *((name, "gb18030", "王梅") for name in GB),
    *((name, "big5", "醫院") for name in ("BIG-5", "BIG5", "big5")), ("CP950", "cp950", "碁"),
    ("ASCII", "ascii", "WANG"), ("US-ASCII", "ascii", "WANG"), ("ISO IR6", "ascii", "WANG"),
    ("8859/1", "iso8859-1", "Müller"), ("ISO8859-1", "iso8859-1", "Müller"), ("ISO IR100", "iso8859-1", "Müller"),
    ("8859/2", "iso8859-2", "Łódź"), ("8859/5", "iso8859-5", "Иван"), ("8859/15", "iso8859-15", "Œuvre€"),
    ("WINDOWS-1252", "cp1252", "“Müller”"), ("KS X 1001", "euc_kr", "김"),
    ("GB 18030-2000~ASCII", "gb18030", "王梅"), (" GBK ", "gb18030", "王梅"),
]  # fmt: skip


def visit(
    charset: str, family: str, codec: str, *, control: str = "1", version: str = "2.5.1", mark: bytes = b""
) -> bytes:  # fmt: skip
    body = f"EVN||20260301\rPID|1||L{control}^^^H01^MR||{family}^名||19850612|F\rPV1|1|O|W1\r"
    return mark + (HEAD.format(control=control, charset=charset, version=version) + body).encode(codec, "ignore")


async def families(hl7: Hl7World) -> list[str]:
    await hl7.drain()
    return [patient["name"][0]["family"] for patient in await hl7.find("Patient")]


class TestDeclared:
    async def test_every_spelling(self, hl7: Hl7World) -> None:
        """Each message by its own declaration, one after the other on the same site."""
        messages = [
            visit(name, text, codec, control=f"{at:02}") for at, (name, codec, text) in enumerate(SPELLINGS)
        ]
        codes = await hl7.tell(*messages)
        patients = await hl7.find("Patient?_count=100")
        found = {one["identifier"][0]["value"]: one["name"][0]["family"] for one in patients}

        assert codes == ["AA"] * len(SPELLINGS)
        assert found == {f"L{at:02}": text for at, (_, _, text) in enumerate(SPELLINGS)}

    @pytest.mark.parametrize("version", ["2.3", "2.3.1", "2.4", "2.5", "2.8.2"])
    async def test_every_version(self, hl7: Hl7World, version: str) -> None:
        """GB 18030-2000 came into table 0211 with 2.5; older senders name it too."""
        await hl7.tell(visit("GB 18030-2000", "王梅", "gb18030", version=version))

        assert await families(hl7) == ["王梅"]

    async def test_declaration_counts(self, hl7: Hl7World) -> None:
        """Not what the site usually sends, nor a guess from the bytes."""
        await self._profiled(hl7, "GB18030")
        await hl7.tell(visit("UNICODE UTF-8", "王梅", "utf-8"))

        assert await families(hl7) == ["王梅"]

    @staticmethod
    async def _profiled(hl7: Hl7World, charset: str) -> None:
        await hl7.services.directory.profiles.load(f"sender: HIS|H01\ncharset: {charset}\n", by="test")
        await hl7.services.directory.refresh()

    async def test_undeclared(self, hl7: Hl7World) -> None:
        """Without MSH-18: the site's default where its profile names one, else UTF-8."""
        await hl7.tell(visit("", "王梅", "utf-8"))
        await self._profiled(hl7, "GB2312")
        await hl7.tell(visit("", "李明", "gb18030", control="2"))

        assert sorted(await families(hl7)) == ["李明", "王梅"]

    async def test_byte_order_mark(self, hl7: Hl7World) -> None:
        """Where MSH-18 is silent a byte order mark tells, whatever the site's default."""
        await self._profiled(hl7, "GB18030")
        await hl7.tell(visit("", "王梅", "utf-8", mark=b"\xef\xbb\xbf"))

        assert await families(hl7) == ["王梅"]


class TestWrongBytes:
    @pytest.mark.parametrize(
        ("charset", "codec"),
        [
            ("UNICODE UTF-8", "gb18030"), ("UNICODE UTF-8", "big5"), ("UNICODE UTF-8", "iso8859-1"), ("ASCII", "utf-8"),
            ("ASCII", "gb18030"), ("", "gb18030"), ("KLINGON", "utf-8"), ("BIG-5", "utf-8"), ("GBK", "truncated"),
        ],
    )  # fmt: skip
    async def test_refused(self, hl7: Hl7World, charset: str, codec: str) -> None:
        """AE at MSH-18, nothing stored but the bytes, and no byte of a name in the answer or in the reason."""
        text = {"iso8859-1": "Müller", "big5": "醫院"}.get(codec, "王梅")
        raw = visit(charset, text, codec if codec != "truncated" else "gb18030")
        if codec == "truncated":
            raw = raw.replace("名".encode("gb18030"), "名".encode("gb18030")[:1] + b"\xff")
        codes = await hl7.send(raw)
        answer = parse(hl7.answers[-1], site=Site("asker"))
        (kept,) = await hl7.services.journal.search()

        assert codes == ["AE"]
        assert answer.first("ERR").raw(2) == "MSH^1^18"
        assert await families(hl7) == []
        assert await hl7.services.journal.raw(kept.id) == raw
        said = hl7.answers[-1].decode("utf-8", "replace") + kept.reason
        assert "\ufffd" not in said and text not in said

    @pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
    async def test_wide(self, hl7: Hl7World, codec: str) -> None:
        """UTF-16 and UTF-32 cannot travel in frames: refused."""
        assert await hl7.send(visit("UNICODE UTF-16", "王梅", codec)) == ["AE"]
        assert await families(hl7) == []

    async def test_wide_in_name_only(self, hl7: Hl7World) -> None:
        """Also where only MSH-18 says so."""
        assert await hl7.send(visit("UNICODE UTF-16", "WANG", "ascii")) == ["AE"]

    async def test_unknown_name(self, hl7: Hl7World) -> None:
        """A name that nobody knows over plain ASCII is taken, with a finding."""
        await hl7.tell(visit("KLINGON", "WANG", "ascii").replace("名".encode(), b""))

        assert await families(hl7) == ["WANG"]
        assert any(remark.startswith("MSH^1^18") for remark in await hl7.remarks())

    async def test_suspicious(self, hl7: Hl7World) -> None:
        """GB is declared and UTF-8 was sent: as GB the bytes may fit by chance, so it is said."""
        raw = visit("GBK", "淄博市中心医院的王晓梅", "utf-8")
        await hl7.send(raw)
        await hl7.drain()
        (kept,) = await hl7.services.journal.search()

        assert kept.reason or any("UTF-8" in remark for remark in await hl7.remarks())
