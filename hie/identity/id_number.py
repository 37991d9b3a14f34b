"""
The resident identity number of China: its check digit, and what it says of its bearer.

GB 11643-1999, check character by ISO 7064 MOD 11-2.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

SYSTEM = "urn:oid:2.16.156.10011.1.3"

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK = "10X98765432"
_LONG = re.compile(r"[1-9]\d{16}[\dX]")
_SHORT = re.compile(r"[1-9]\d{14}")


@dataclass(frozen=True, slots=True)
class IdNumber:
    """A valid number of 18 characters, and the birth date, sex and area it carries."""

    value: str

    @property
    def birth(self) -> str:
        """ISO date."""
        return f"{self.value[6:10]}-{self.value[10:12]}-{self.value[12:14]}"

    @property
    def gender(self) -> str:
        """`male` or `female`: the 17th digit is odd for men."""
        return "male" if int(self.value[16]) % 2 else "female"

    @property
    def area(self) -> str:
        """The six digits of the county where it was issued."""
        return self.value[:6]


def check_character(first_17: str) -> str:
    """The 18th character of a number."""
    return _CHECK[sum(int(digit) * weight for digit, weight in zip(first_17, _WEIGHTS, strict=True)) % 11]


def normalise(text: str) -> str:
    """Capitals, ASCII digits, no spaces or hyphens; a number of 15 digits becomes its 18."""
    plain = "".join(_ascii(character) for character in text if character not in " -\u3000").upper()
    if _SHORT.fullmatch(plain):
        # Issued before 1999: the century is always 19.
        upgraded = f"{plain[:6]}19{plain[6:]}"
        return upgraded + check_character(upgraded)
    return plain


def parse(text: str) -> IdNumber | None:
    """The number, None where it is not one: wrong shape, a date that never was, or a wrong check character."""
    value = normalise(text)
    if not _LONG.fullmatch(value) or not _date_exists(value[6:14]) or check_character(value[:17]) != value[17]:
        return None
    return IdNumber(value)


def _ascii(character: str) -> str:
    return chr(ord(character) - 0xFEE0) if "\uff01" <= character <= "\uff5e" else character


def _date_exists(digits: str) -> bool:
    try:
        date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return False
    return digits > "1800"
