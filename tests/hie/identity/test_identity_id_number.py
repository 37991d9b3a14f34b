"""The resident identity number (GB 11643)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hie.identity import id_number

WOMAN = "370303198506120428"


class TestParse:
    def test_valid(self) -> None:
        """A valid number says area, birth date and sex."""
        number = id_number.parse(WOMAN)

        assert number is not None
        assert (number.area, number.birth, number.gender) == ("370303", "1985-06-12", "female")

    @pytest.mark.parametrize("wrong", ["", "370303198506120429", "370303198513120428", "37030319850612042", "无"])
    def test_invalid(self, wrong: str) -> None:
        """A wrong check character, a date that never was, or another shape is no number."""
        assert id_number.parse(wrong) is None

    def test_old_card(self) -> None:
        """Fifteen digits of an old card become the eighteen of the same bearer."""
        number = id_number.parse(WOMAN[:6] + WOMAN[8:17])

        assert number is not None
        assert number.value == WOMAN

    def test_spelling(self) -> None:
        """Full-width digits, spaces and a small x are how people type."""
        typed = "　３７０３０３ 19850612 0428"
        assert id_number.normalise(typed) == WOMAN
        assert id_number.normalise("11010519491231002x") == "11010519491231002X"

    @given(st.integers(0, 16), st.integers(1, 9))
    def test_one_digit(self, place: int, added: int) -> None:
        """Every single wrong digit is caught."""
        digit = (int(WOMAN[place]) + added) % 10
        assert id_number.parse(f"{WOMAN[:place]}{digit}{WOMAN[place + 1 :]}") is None
