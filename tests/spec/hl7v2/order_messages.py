"""Builds order, result and pharmacy messages of one synthetic patient for the checklist's tests."""

from __future__ import annotations

from itertools import count

PID = "PID|1||P1^^^H01^MR||王^晓梅||19850612|F"
_numbers = count(1)


def message(kind: str, *segments: str, at: str = "20260301080000", pid: str = PID, sender: str = "LIS|H01") -> str:
    """Any message; `at` is MSH-7, an empty `pid` leaves the patient out."""
    structure = kind.replace("^", "_")
    head = f"MSH|^~\\&|{sender}|HIE|ZB|{at}||{kind}^{structure}|M{next(_numbers)}|P|2.5.1|||||CHN|UNICODE UTF-8"
    return "\n".join([head, *filter(None, [pid]), *segments])


def orc(control: str, placer: str = "", filler: str = "", *, group: str = "", status: str = "", at: str = "") -> str:
    """ORC-1 to ORC-5 and ORC-9."""
    return f"ORC|{control}|{placer}|{filler}|{group}|{status}||||{at}"


def obr(
    placer: str = "O1", filler: str = "F1", code: str = "GLU^血糖^LIS", *, status: str = "", reported: str = "",
    parent: str = "", parent_order: str = "", specimen: str = "", observed: str = "20260301070000",
) -> str:  # fmt: skip
    """An OBR; `reported` is OBR-22, `status` OBR-25, `parent` OBR-26, `parent_order` OBR-29."""
    fields = {
        1: "1", 2: placer, 3: filler, 4: code, 7: observed, 15: specimen, 22: reported, 24: "LAB", 25: status,
        26: parent, 29: parent_order,
    }  # fmt: skip
    return "OBR|" + "|".join(fields.get(at, "") for at in range(1, 30)).rstrip("|")


def obx(
    kind: str, value: str, *, code: str = "2345-7^葡萄糖^LN", sub: str = "", unit: str = "", ranges: str = "",
    flag: str = "", status: str = "F", at: str = "", more: str = "",
) -> str:  # fmt: skip
    """An OBX; `more` is what follows OBX-14."""
    return f"OBX|1|{kind}|{code}|{sub}|{value}|{unit}|{ranges}|{flag}|||{status}|||{at}{more}"


def result(
    *observed: str, status: str = "F", at: str = "20260301120000", placer: str = "O1", filler: str = "F1",
    pid: str = PID, code: str = "GLU^血糖^LIS",
) -> str:  # fmt: skip
    """An ORU of one report, reported at its own time."""
    head = obr(placer, filler, code, status=status, reported=at)
    return message("ORU^R01", head, *(observed or [obx("NM", "5.1", unit="mmol/L")]), at=at, pid=pid)
