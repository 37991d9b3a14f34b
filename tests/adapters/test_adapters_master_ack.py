"""The application answer to a master file."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from adapters.hl7v2 import ack, parser
from adapters.hl7v2.master_ack import master_file_answer
from adapters.hl7v2.site import Site

NOW = datetime(2026, 3, 1, 9, 0, 0, tzinfo=UTC)
LINES = (
    "MFI|PRA^人员主文件^HL70175||UPD|||{level}",
    "MFE|MAD|F1|20260301|D1^张三|CE",
    "STF|D1||张^三",
    "MFE|XXX|F2|20260301|D2|CE",
    "MFE|MUP|F3|20260301",
)


def answer(level: str = "AL", *, trigger: str = "M02", accept: str = "", application: str = "") -> list[str]:
    """The segments of the answer."""
    header = f"MSH|^~\\&|HR|H01|HIE|ZB|20260301||MFN^{trigger}^MFN_{trigger}|7|P|2.5.1|||{accept}|{application}||UTF-8"
    raw = ("\r".join([header, *LINES]) + "\r").format(level=level).encode()
    read = parser.read_header(raw)
    plain = ack.acknowledge(read, "AA", clock=lambda: NOW)
    told = master_file_answer(plain, read, parser.parse(raw, site=Site("a")), NOW)
    return (told or b"").decode().rstrip("\r").split("\r")


class TestMasterFileAnswer:
    def test_each_entry(self) -> None:
        """MFK with an MFA for each MFE: what can be applied is S, what nobody can apply is U."""
        msh, msa, mfi, *entries = answer()

        assert msh.split("|")[8] == "MFK^M02^MFK_M01"
        assert msa == "MSA|AA|7"
        assert mfi == "MFI|PRA^人员主文件^HL70175||UPD|||AL"
        assert [line.split("|")[4][0] for line in entries] == ["S", "U", "U"]
        assert entries[0] == "MFA|MAD|F1|20260301090000+0000|S^Successful^HL70181|D1^张三|CE"

    @pytest.mark.parametrize(("level", "count"), [("AL", 3), ("NE", 0), ("ER", 2), ("SU", 1), ("", 3)])
    def test_response_level(self, level: str, count: int) -> None:
        """MFI-6 says of which entries the sender wants to hear."""
        assert sum(line.startswith("MFA") for line in answer(level)) == count

    def test_accept_only(self) -> None:
        """An accept acknowledgement says that the message is kept, and nothing of its entries."""
        assert answer(accept="AL")[1:] == ["MSA|CA|7"]

    def test_application_only(self) -> None:
        """Where only the application's answer is wanted it is MFK."""
        assert answer(accept="NE", application="AL")[1] == "MSA|AA|7"
        assert any(line.startswith("MFA") for line in answer(accept="NE", application="AL"))

    def test_kept_files(self) -> None:
        """A master file that is kept and not translated is acknowledged, and nothing is said of its entries."""
        assert answer(trigger="M04")[0].split("|")[8] == "ACK^M04^ACK"
