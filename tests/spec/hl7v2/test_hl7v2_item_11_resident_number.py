"""
Item 11: an 18-digit resident identity number is checked, and what it says of birth date and sex is compared.

A disagreement is a finding for a steward, told without the values; nothing is mended in silence. GB 11643.
"""

from __future__ import annotations

import pytest
from hl7v2_adt_messages import NATIONAL, adt, pid
from hl7v2_world import Hl7World

GOOD, WRONG = "370303198506120428", "370303198506120427"
DIGIT = "resident identity number with a wrong check digit"
BIRTH = "birth date disagrees with the resident identity number"
SEX = "sex disagrees with the resident identity number"


class TestFlags:
    @pytest.mark.parametrize(
        ("number", "birth", "sex", "flags"),
        [
            (GOOD, "19850612", "F", set()),
            (GOOD, "19850612", "女", set()),
            (WRONG, "19850612", "F", {DIGIT}),
            (GOOD, "19850613", "F", {BIRTH}),
            (GOOD, "19850612", "M", {SEX}),
            (GOOD, "19850613", "男", {BIRTH, SEX}),
            (GOOD, "", "", set()),
        ],
    )
    async def test_flags(self, hl7: Hl7World, number: str, birth: str, sex: str, flags: set[str]) -> None:
        """Each disagreement is its own finding, and what was sent is what is stored."""
        await hl7.tell(adt("A28", "20260301080000", pid(birth=birth, sex=sex, f3=f"L1^^^H01^MR~{number}^^^^NI")))
        remarks = set(await hl7.remarks())
        patient = await hl7.one(f"Patient?identifier={NATIONAL}|{number}")

        assert remarks & {DIGIT, BIRTH, SEX} == flags
        assert patient.get("birthDate", "").replace("-", "") == birth
        assert not any(number[6:14] in remark or number in remark for remark in remarks)

    async def test_last_x(self, hl7: Hl7World) -> None:
        """The check digit X, in either case, is one number."""
        await hl7.tell(adt("A28", "20260301080000", pid(birth="", sex="", f19="11010519491231002x")))

        assert await hl7.find(f"Patient?identifier={NATIONAL}|11010519491231002X")
        assert DIGIT not in await hl7.remarks()

    async def test_wrong_number_links_nobody(self, hl7: Hl7World) -> None:
        """Two records of two hospitals with the same wrong number are not one person by it."""
        await hl7.tell(
            adt("A28", "20260301080000", pid("L1", f19="", f3=f"L1^^^H01^MR~{WRONG}^^^^NI")),
            adt("A28", "20260301080000", pid("L2", "赵^国强", "19601231", "M", f3=f"L2^^^H02^MR~{WRONG}^^^^NI"),
                sender="HIS|H02"),
        )  # fmt: skip

        assert len(await hl7.find("Person?_count=10")) == 2
