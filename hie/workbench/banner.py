"""
The patient banner: whose record this is, what must not be overlooked, and why one may look. Pure.

NHS Common User Interface, Patient Banner: the same facts at the same place on every page about a person.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from hie.access.consent import rule_of
from hie.applications.fhir import codings, name_of, words
from hie.ui import N_, PatientBanner, Tag
from hie.ui.filters import age, masked
from records.stored import Json

IDENTITY = "urn:oid:2.16.156.10011.1.3"
SEXES = {"male": N_("男"), "female": N_("女"), "other": N_("其他"), "unknown": N_("不详")}
CLOSED = frozenset({"inactive", "resolved", "remission", "entered-in-error", "refuted"})
MOST_ALLERGIES, MOST_FLAGS = 6, 8
_ICD = re.compile(r"[A-Z][0-9]{2}")


@dataclass(frozen=True, slots=True)
class Banner:
    """
    Whose record is open: `patient` is the source Patient that was asked for, `patients` all of the same human,
    `person` their person. `card` is what the macro `ui.patient_banner` shows; `emergency` marks a broken glass.
    """

    patient: str
    patients: tuple[str, ...]
    person: str
    card: PatientBanner
    emergency: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """The resources that a banner is made of, of all source Patients of one human."""

    patients: Sequence[Json]
    allergies: Sequence[Json] = ()
    conditions: Sequence[Json] = ()
    flags: Sequence[Json] = ()
    consents: Sequence[Json] = ()


def card(facts: Facts, *, why: str, emergency: bool, href: str = "") -> PatientBanner:
    """The banner of a human; the first of `facts.patients` is the record that was asked for."""
    first = facts.patients[0]
    born = _of_any(facts.patients, "birthDate")
    return PatientBanner(
        name=name_of(first) or next((name for one in facts.patients if (name := name_of(one))), ""),
        sex=SEXES.get(_of_any(facts.patients, "gender"), SEXES["unknown"]),
        born=born,
        age=age(born) if len(born) == 10 else "",
        identifier=masked(identity_of(facts.patients)),
        allergies=tuple(_allergies(facts.allergies))[:MOST_ALLERGIES],
        flags=tuple(_flags(facts))[:MOST_FLAGS],
        consent=_consent(facts.consents, emergency=emergency),
        reason=why,
        href=href,
    )


def identity_of(patients: Iterable[Json]) -> str:
    """The resident identity number that one of the records has."""
    for patient in patients:
        for identifier in patient.get("identifier", ()):
            if identifier.get("system") == IDENTITY:
                return str(identifier.get("value", ""))
    return ""


def _of_any(patients: Iterable[Json], name: str) -> str:
    return next((str(one[name]) for one in patients if one.get(name)), "")


def _is_open(resource: Json) -> bool:
    states = {code for name in ("clinicalStatus", "verificationStatus") for _, code in codings(resource.get(name))}
    return not states & CLOSED


def _allergies(allergies: Iterable[Json]) -> Iterator[Tag]:
    seen: set[str] = set()
    for one in sorted(filter(_is_open, allergies), key=lambda one: one.get("criticality") != "high"):
        if (name := words(one.get("code"))) and name not in seen:
            seen.add(name)
            yield Tag(name, "bad" if one.get("criticality") == "high" else "warn")


def _flags(facts: Facts) -> Iterator[Tag]:
    if any(one.get("deceasedDateTime") or one.get("deceasedBoolean") for one in facts.patients):
        yield Tag(N_("已故"), "bad")
    given = {code.upper() for one in filter(_is_open, facts.conditions) for _, code in codings(one.get("code"))}
    diagnoses = {code for code in given if _ICD.match(code)}
    for mark, beginnings in _marks():
        if any(code.startswith(beginnings) for code in diagnoses):
            yield mark
    for flag in facts.flags:
        if flag.get("status") == "active" and (name := words(flag.get("code"))):
            yield Tag(name, "warn")


@cache
def _marks() -> tuple[tuple[Tag, tuple[str, ...]], ...]:
    """Diagnoses that a banner names, from `rules/flags.json`: the mark, and how their codes begin."""
    text = files("hie.workbench").joinpath("rules/flags.json").read_text("utf-8")
    return tuple((Tag(one["zh"], one["tone"]), tuple(one["prefixes"])) for one in json.loads(text)["flags"])


def _consent(consents: Iterable[Json], *, emergency: bool) -> str:
    refused = any(rule_of(consent) is not None for consent in consents)
    if refused and emergency:
        return N_("居民限制了访问；本次以紧急救治越过限制")
    return N_("居民对部分机构或人员限制了访问") if refused else N_("居民没有限制访问")
