"""HL7 v2 messages as small and as large as everyday ones; each is about somebody nobody saw before."""

from __future__ import annotations

from tests.e2e.e2e_messages import admit, header, id_number, message, patient, stamp, visit

ANALYTES = (
    ("6690-2", "白细胞", "10*9/L"), ("789-8", "红细胞", "10*12/L"), ("718-7", "血红蛋白", "g/L"),
    ("4544-3", "红细胞压积", "%"), ("777-3", "血小板", "10*9/L"), ("1558-6", "空腹血糖", "mmol/L"),
    ("2951-2", "钠", "mmol/L"), ("2823-3", "钾", "mmol/L"), ("2075-0", "氯", "mmol/L"), ("2160-0", "肌酐", "umol/L"),
)  # fmt: skip
RESULTS = 20
FAMILIES, GIVEN = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许", "安邦成德恩方光海建俊磊明宁平强庆仁睿涛伟"


def name(number: int) -> str:
    """A name that comes back every 8,000."""
    family, first, second = number % 20, number // 20 % 20, number // 400 % 20
    return f"{FAMILIES[family]}^{GIVEN[first]}{GIVEN[second]}"


def admission(series: int, number: int) -> bytes:
    """ADT^A01."""
    local = f"{series:02d}{number:06d}"
    return admit(f"A{local}", local, id_number(series * 100_000 + number), name(number))


def results(series: int, number: int) -> bytes:
    """ORU^R01 with 20 results of one order."""
    local = f"{series:02d}{number:06d}"
    who = id_number(series * 100_000 + number)
    rows = [_result(place, local) for place in range(RESULTS)]
    return message(
        header("ORU^R01^ORU_R01", f"R{local}"), patient(local, who, name(number), who[6:14]), visit(local, "O"),
        f"ORC|RE|P{local}|F{local}",
        f"OBR|1|P{local}|F{local}|58410-2^血常规^LN|||{stamp(22)}{'|' * 15}{stamp(21)}||LAB|F", *rows,
    )  # fmt: skip


def _result(place: int, local: str) -> str:
    code, analyte, unit = ANALYTES[place % len(ANALYTES)]
    value = 4 + place / 10 + int(local[-2:]) / 100
    return f"OBX|{place + 1}|NM|{code}^{analyte}^LN|{place + 1}|{value:.2f}|{unit}|3.50-9.50|N|||F|||{stamp(22)}"


KINDS = {"ADT^A01": admission, f"ORU^R01, {RESULTS} results": results}
