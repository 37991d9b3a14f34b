"""
The parameters of a search for patients: `@PID.5.1.1^MOO*` and their kin. Pure.

HL7 v2 chapter 5.9 (QIP); IHE ITI-21, table 3.21.4.1.2.2.3-1
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from adapters.hl7v2.to_fhir.tables import look_up
from hie.queries.asking import NotAnswered, Question
from records.search.values import escaped
from records.stored import Json

# Field and component to the search parameter that finds candidates.
_PARAMETERS = {
    "PID.5.1": "family", "PID.5.2": "given", "PID.7": "birthdate", "PID.8": "gender", "PID.11.1": "address",
    "PID.11.3": "address-city", "PID.11.4": "address-state", "PID.11.5": "address-postalcode",
    "PID.11.6": "address-country", "PID.13.1": "phone", "PID.13.12": "phone",
}  # fmt: skip
# Subcomponents that say the same as their component.
_SAME = {"PID.5.1.1": "PID.5.1", "PID.7.1": "PID.7", "PID.11.1.1": "PID.11.1", "PID.3": "PID.3.1", "PID.5": "PID.5.1"}
_NUMBERS = ("PID.3.1", "PID.3.4", "PID.3.4.1", "PID.3.4.2", "PID.3.4.3")
_AT = re.compile(r"@?(PID\.\d+(?:\.\d+){0,2})")


@dataclass(frozen=True, slots=True)
class Traits:
    """What is known of who is sought: by field, as sent; a `*` at the end stands for any ending."""

    values: Mapping[str, str] = field(default_factory=dict)

    @property
    def identifier(self) -> str:
        return self.values.get("PID.3.1", "")

    @property
    def authority(self) -> tuple[str, ...]:
        """Namespace, universal id and its type; () where no authority is named."""
        named = self.values.get("PID.3.4.1") or self.values.get("PID.3.4", "")
        parts = (named, self.values.get("PID.3.4.2", ""), self.values.get("PID.3.4.3", ""))
        return parts if any(parts) else ()

    def params(self) -> list[tuple[str, str]]:
        """As parameters of a FHIR search, which finds at least all of them."""
        found = [(name, self.values[at]) for at, name in _PARAMETERS.items() if at in self.values]
        return [pair for name, value in found if (pair := self._param(name, value.rstrip("*")))]

    def _param(self, name: str, value: str) -> tuple[str, str]:
        if name == "birthdate":
            return name, "-".join(filter(None, (value[:4], value[4:6], value[6:8])))
        if name == "gender":
            return name, look_up("0001", value) or "unknown"
        if name == "family" and "PID.5.2" not in self.values:
            # A Chinese name of one word may stand where the family name does.
            return "name", escaped(value)
        return name, escaped(value)


def traits_of(question: Question) -> Traits:
    """Read QPD-3; NotAnswered for a field that nobody can be sought by."""
    values: dict[str, str] = {}
    for number, value in enumerate(question.definition.all(3), 1):
        at = _AT.fullmatch(value[1].strip())
        name = _SAME.get(at[1], at[1]) if at else ""
        if name not in _PARAMETERS and name not in _NUMBERS:
            raise NotAnswered("Patients are not sought by this field.", location=f"QPD^1^3^{number}", condition="204")
        if text := value[2].strip():
            values[name] = text
    if not values:
        raise NotAnswered("At least one parameter is needed.", location="QPD^1^3", condition="101")
    return Traits(values)


def meets(patient: Json, traits: Traits) -> bool:
    """Whether the names are those that were asked for: the store finds by beginnings, and the asker wrote no `*`."""
    family, given = traits.values.get("PID.5.1", ""), traits.values.get("PID.5.2", "")
    names = patient.get("name", ())
    if family and not any(_like(one, family) for name in names for one in _families(name)):
        return False
    return not given or any(_like(str(one), given) for name in names for one in name.get("given", ()))


def _families(name: Json) -> Iterable[str]:
    return (str(name.get("family", "")), str(name.get("text", "")))


def _like(known: str, asked: str) -> bool:
    if asked.endswith("*"):
        return known.casefold().startswith(asked.rstrip("*").casefold())
    return known.casefold() == asked.casefold()
