"""Comparing two records: levels, weights, guards and vetoes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hie.identity import blocking, id_number
from hie.identity.demographics import Demographics, from_document, of
from hie.identity.matching import compare


def number(first_17: str) -> str:
    """A valid resident identity number."""
    return first_17 + id_number.check_character(first_17)


WOMAN = number("37030319850612042")
MEI = Demographics(
    names=("王晓梅",), birth="1985-06-12", gender="female", ids=(WOMAN,), phones=("13805330001",),
    address="山东省淄博市张店区柳泉路1号2单元301",
)  # fmt: skip
BARE = replace(MEI, ids=(), phones=(), address="")


class TestCertain:
    @pytest.mark.parametrize(
        "other",
        [
            replace(MEI, phones=(), address=""),
            replace(MEI, names=("王小梅",), phones=(), address=""),
            replace(MEI, names=("王晓玫",), address=""),
            BARE,
            replace(MEI, ids=(), doubtful_ids=(WOMAN[:10] + "9" + WOMAN[11:],), birth="1985-01-01"),
            replace(BARE, birth="1985-12-06", phones=MEI.phones),
        ],
        ids=["number and name", "homophone", "one character", "name and birth", "number with a slip", "date turned"],
    )
    def test_same_human(self, other: Demographics) -> None:
        """What the ladder calls certain."""
        assert compare(MEI, other).grade == "certain"


class TestNot:
    def test_two_numbers(self) -> None:
        """Two valid numbers are two humans, whatever else agrees; one steward looks where all else does."""
        other = replace(MEI, ids=(number("37030319850612044"),))
        sister = replace(other, names=("王晓菊",), birth="1987-01-02")

        assert compare(MEI, other).grade == "probable"
        assert compare(MEI, sister).grade == "certainly-not"

    def test_family(self) -> None:
        """A relative shares telephone, address and surname, and is another human."""
        son = replace(MEI, names=("王磊",), birth="2010-03-04", gender="male", ids=())
        assert compare(MEI, son).grade == "certainly-not"

    def test_twins(self) -> None:
        """Twins: one character apart, same day, same home, no numbers. Never by itself."""
        one = replace(MEI, names=("王小明",), ids=())
        other = replace(MEI, names=("王小亮",), ids=())

        assert compare(one, other).grade == "probable"

    def test_borrowed_card(self) -> None:
        """One number on two strangers is a question, not a link."""
        stranger = replace(MEI, names=("赵铁柱",), birth="1960-02-03", gender="male", phones=(), address="")
        assert compare(MEI, stranger).grade == "probable"
        assert compare(MEI, stranger).rule == "shared-card"

    def test_unidentified(self) -> None:
        """Nobody is like somebody unknown."""
        unknown = replace(MEI, names=("无名氏",), unidentified=True)
        assert compare(MEI, unknown).grade == "certainly-not"

    def test_newborn(self) -> None:
        """A newborn is never its mother, though her number and telephone are on its record."""
        child = of(
            {
                "resourceType": "Patient",
                "name": [{"text": "王晓梅之子"}],
                "birthDate": "2026-05-01",
                "identifier": [{"system": id_number.SYSTEM, "value": WOMAN}],
                "telecom": [{"system": "phone", "value": "13805330001"}],
            }
        )

        assert child.newborn
        assert child.mother == WOMAN
        assert child.ids == ()
        assert compare(MEI, child).grade == "certainly-not"
        assert compare(child, replace(child, phones=())).grade == "certain"
        assert compare(replace(child, birth_order="1"), replace(child, birth_order="2")).grade == "certainly-not"
        assert not set(blocking.keys(child)) & set(blocking.keys(MEI))

    def test_common_name(self) -> None:
        """A name that many of that year bear is not enough with a birth date alone."""
        assert compare(BARE, BARE, hot=frozenset({"name"})).grade == "probable"


class TestExplain:
    def test_levels(self) -> None:
        """A comparison says which field gave what."""
        found = compare(MEI, replace(MEI, phones=("13900000000",)))

        assert found.levels["contact"] == "address"
        assert found.points["id"] == 16.0
        assert found.rule == "id-and-name"


class TestDemographics:
    def test_document(self) -> None:
        """What goes into the database comes back the same."""
        assert from_document(MEI.document()) == MEI

    def test_keys_need_all_parts(self) -> None:
        """No key is made of a missing part: those would bring floods of candidates."""
        assert blocking.keys(Demographics(names=("王晓梅",))) == ()
        assert not [key for key in blocking.keys(BARE) if key.startswith(("P:", "A:", "I:"))]
