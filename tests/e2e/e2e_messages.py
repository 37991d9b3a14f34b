"""
HL7 v2 messages of a made-up hospital, for the end-to-end tests and the benchmarks.

Times count back from the start of the process, so that what is asked of "this month" holds on any day, and a message
that is sent again has the same bytes.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

RESIDENT_ID = "370303198506120428"  # the demo account `resident`
AMOXICILLIN = "D0001^阿莫西林胶囊^urn:hie:drug"
# Birthdays of seventy years; a prime, so that every step through it meets all of them.
DAYS = 25_561
CHINA = timezone(timedelta(hours=8))
STARTED = datetime.now(UTC).astimezone(CHINA)
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def stamp(hours_ago: float = 24) -> str:
    """A time stamp so many hours before the tests began."""
    return f"{STARTED - timedelta(hours=hours_ago):%Y%m%d%H%M%S}+0800"


def id_number(serial: int) -> str:
    """A resident ID number that holds (GB 11643); every serial number is another one, and birthdays are spread."""
    sequence, place = divmod(serial, DAYS)
    body = f"370303{date(1940, 1, 1) + timedelta(days=place * 7919 % DAYS):%Y%m%d}{sequence + 1:03d}"
    return body + "10X98765432"[sum(int(digit) * weight for digit, weight in zip(body, WEIGHTS, strict=True)) % 11]


def message(*segments: str, codec: str = "utf-8") -> bytes:
    """Segments to bytes."""
    return ("\r".join(segments) + "\r").encode(codec)


def header(kind: str, control: str, *, charset: str = "UNICODE UTF-8", sender: str = "HIS|E2E") -> str:
    """MSH."""
    return f"MSH|^~\\&|{sender}|HIE|ZIBO|{stamp()}||{kind}|{control}|P|2.5.1||||||{charset}"


def patient(local: str = "E2E001", id_number: str = RESIDENT_ID, name: str = "王^晓梅", born: str = "19850612") -> str:
    """PID; without an ID number the hospital's own number stands alone. Address and telephone differ by human too."""
    numbers = f"{local}^^^E2E^PI" + (f"~{id_number}^^^CN^NI" if id_number else "")
    own = f"{int(id_number[6:17]) * 7919 % 10**8:08d}" if id_number else "05330001"
    address = f"公园街道示范小区{own[:4]}号楼{own[4:]}室^^淄博市^山东省^255000^CN"
    return f"PID|1||{numbers}||{name}||{born}|F|||{address}||^PRN^PH^^^^139{own}"


def visit(local: str, kind: str = "I", *, ended: bool = False) -> str:
    """PV1, admitted a day ago."""
    fields = {
        1: "1", 2: kind, 3: "XNK^101^05^E2E^^^^^心内科", 7: "D01^刘文静^^^^^^^E2E", 10: "MED",
        19: f"VIS{local}^^^E2E^VN", 44: stamp(24),
    }  # fmt: skip
    if ended:
        fields |= {36: "01", 45: stamp(1)}
    return "|".join(["PV1", *(fields.get(place, "") for place in range(1, max(fields) + 1))])


def _person(local: str, id_number: str, name: str) -> str:
    return patient(local, id_number, name, id_number[6:14] or "19850612")


def admit(control: str, local: str = "E2E001", id_number: str = RESIDENT_ID, name: str = "王^晓梅") -> bytes:
    """ADT^A01."""
    pid = _person(local, id_number, name)
    return message(header("ADT^A01^ADT_A01", control), f"EVN|A01|{stamp()}", pid, visit(local))


def discharge(control: str, local: str = "E2E001", id_number: str = RESIDENT_ID, name: str = "王^晓梅") -> bytes:
    """ADT^A03."""
    pid = _person(local, id_number, name)
    return message(header("ADT^A03^ADT_A03", control), f"EVN|A03|{stamp(1)}", pid, visit(local, ended=True))


def stranger(number: int) -> bytes:
    """ADT^A01 of somebody new: every number is a human of its own."""
    family = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许"[number % 20]
    given = "安邦成德恩方光海建俊磊明宁平强庆仁睿涛伟"[number // 20 % 20] + "博诚栋峰刚昊杰凯亮敏"[number // 400 % 10]
    return admit(f"CK{number:06d}", f"K{number:06d}", id_number(number), f"{family}^{given}")


def diagnosed(
    control: str, code: str, words: str, local: str = "E2E001", id_number: str = RESIDENT_ID, name: str = "王^晓梅"
) -> bytes:
    """ADT^A08 with one diagnosis in ICD-10."""
    return message(
        header("ADT^A08^ADT_A01", control), f"EVN|A08|{stamp(23)}", _person(local, id_number, name), visit(local),
        f"DG1|1||{code}^{words}^I10||{stamp(23)}|F",
    )  # fmt: skip


def result(control: str, value: str = "6.5", local: str = "E2E001") -> bytes:
    """ORU^R01 with one blood glucose."""
    order = _laboratory(control, patient(local), local, "1558-6^空腹血糖^LN")
    return message(*order, _number(1, "1558-6^空腹血糖", value, "mmol/L"))


def pressure(
    control: str, systolic: int, diastolic: int, local: str = "E2E001", id_number: str = RESIDENT_ID,
    name: str = "王^晓梅",
) -> bytes:  # fmt: skip
    """ORU^R01 with a blood pressure."""
    return message(
        *_laboratory(control, _person(local, id_number, name), local, "85354-9^血压^LN"),
        _number(1, "8480-6^收缩压", str(systolic), "mm[Hg]"), _number(2, "8462-4^舒张压", str(diastolic), "mm[Hg]"),
    )  # fmt: skip


def _laboratory(control: str, pid: str, local: str, what: str) -> tuple[str, ...]:
    return (
        header("ORU^R01^ORU_R01", control),
        pid,
        visit(local),
        f"ORC|RE|P{control}|F{control}",
        f"OBR|1|P{control}|F{control}|{what}|||{stamp(22)}{'|' * 15}{stamp(21)}||LAB|F",
    )


def _number(place: int, code: str, value: str, unit: str) -> str:
    return f"OBX|{place}|NM|{code}^LN||{value}|{unit}|||||F|||{stamp(22)}"


def dispensed(
    control: str, local: str = "E2E001", id_number: str = RESIDENT_ID, name: str = "王^晓梅", drug: str = AMOXICILLIN
) -> tuple[bytes, bytes]:
    """A prescription of an antibiotic (RDE^O11) and its dispensing (RDS^O13)."""
    order, handed, pid = f"R{control}", f"D{control}", _person(local, id_number, name)
    prescription = message(
        header("RDE^O11^RDE_O11", control + "R"), pid, visit(local),
        f"ORC|NW|{order}|||||||{stamp(20)}|||D01^刘文静^^^^^^^E2E",
        f"RXE|1^TID^D4^{stamp(20)}|{drug}|0.5||g||^每日3次||||24|粒",
    )  # fmt: skip
    dispensing = message(
        header("RDS^O13^RDS_O13", control + "D"), pid, visit(local),
        f"ORC|RE|{order}|{handed}", f"RXD|1|{drug}|{stamp(19)}|24|粒||{handed}||每日3次{'|' * 7}0.5^g",
    )  # fmt: skip
    return prescription, dispensing
