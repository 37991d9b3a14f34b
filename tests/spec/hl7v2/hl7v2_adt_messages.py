"""ADT messages of a hospital H01, for the tests of the checklist."""

from __future__ import annotations

from itertools import count

_numbers = count(1)
NATIONAL = "urn:oid:2.16.156.10011.1.3"
LOCAL = "urn:hie:authority:H01"


def message(kind: str, at: str, *segments: str, sender: str = "HIS|H01", version: str = "2.5.1") -> str:
    """Segments under an MSH of their own control id; `at` is MSH-7."""
    header = f"MSH|^~\\&|{sender}|HIE|ZB|{at}||{kind}|C{next(_numbers)}|P|{version}|||||CHN|UNICODE UTF-8"
    return "\n".join([header, *segments])


def adt(trigger: str, at: str, *segments: str, **options: str) -> str:
    """The same for ADT, with its EVN."""
    return message(f"ADT^{trigger}", at, f"EVN|{trigger}|{at}", *segments, **options)


def segment(name: str, **fields: str) -> str:
    """`segment("PV1", f2="I")`: fields by their number."""
    numbered = {int(key[1:]): text for key, text in fields.items()}
    return "|".join([name, *(numbered.get(at, "") for at in range(1, max(numbered) + 1))])


def pid(number: str = "L1", name: str = "王^晓梅", birth: str = "19850612", sex: str = "F", **fields: str) -> str:
    """A PID; other fields by number."""
    return segment("PID", **({"f1": "1", "f3": f"{number}^^^H01^MR", "f5": name, "f7": birth, "f8": sex} | fields))


def pv1(number: str = "V1", place: str = "W1^101^1", kind: str = "I", **fields: str) -> str:
    """A PV1; other fields by number."""
    visit = f"{number}^^^H01" if number else ""
    return segment("PV1", **({"f1": "1", "f2": kind, "f3": place, "f19": visit} | fields))


def zbe(movement: str, at: str, action: str, *, historic: str = "N", original: str = "") -> str:
    """IHE's movement segment."""
    return f"ZBE|{movement}^HIS|{at}||{action}|{historic}|{original}"


def result(at: str, *, patient: str = "L1", visit: str = "V1", order: str = "F1", name: str = "王^晓梅") -> str:
    """A laboratory result with one value."""
    place = [pv1(visit)] if visit else []
    return message(
        "ORU^R01", at, pid(patient, name), *place, f"ORC|RE||{order}",
        segment("OBR", f1="1", f3=order, f4="GLU^血糖", f7=at, f22=at, f25="F"),
        segment("OBX", f1="1", f2="NM", f3="GLU^血糖", f5="5.6", f6="mmol/L", f11="F", f14=at), sender="LIS|H01",
    )  # fmt: skip
