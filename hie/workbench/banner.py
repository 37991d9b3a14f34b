"""
The patient banner: whose record this is, what must not be overlooked, and why one may look. Pure.

NHS Common User Interface, Patient Banner: the same facts at the same place on every page about a person.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Banner:
    """
    Context of the macro `patient_banner`. `patient` is the source Patient that was asked for, `patients` all of the
    same human. `number` is masked. `consent` is a sentence, `because` says why the caller may look.
    """

    patient: str
    patients: tuple[str, ...]
    person: str
    name: str
    sex: str = ""
    birth: date | None = None
    age: int | None = None
    number: str = ""
    allergies: Sequence[str] = ()
    flags: Sequence[str] = ()
    consent: str = ""
    because: str = ""
    emergency: bool = False
    deceased: bool = False
