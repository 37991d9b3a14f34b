"""
Are two records one human? Levels of agreement, weights, and rules that stand above the weights. Pure.

Fellegi and Sunter, A Theory for Record Linkage (1969); match grades: https://hl7.org/fhir/R4/patient-operation-match.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal

from rapidfuzz.distance import DamerauLevenshtein, Hamming

from hie.identity import names
from hie.identity.demographics import Demographics

Grade = Literal["certain", "probable", "possible", "certainly-not"]
_RANK = ("same", "homophone", "one-character", "surname-character", "other")


@dataclass(frozen=True, slots=True)
class Model:
    """Weights and thresholds of data/weights.json."""

    version: str
    prior: float
    weights: Mapping[str, Mapping[str, float]]
    auto: float
    review: float
    margin: float
    hot: Mapping[str, int]
    candidates: int


@cache
def model() -> Model:
    """The model that is shipped."""
    text = (resources.files("hie.identity") / "data/weights.json").read_text("utf-8")
    data: dict[str, Any] = json.loads(text)
    limits = data["thresholds"]
    return Model(
        data["version"], data["prior"], data["weights"], limits["auto"], limits["review"], limits["margin"],
        data["hot"], data["candidates"],
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Comparison:
    """
    What two records have in common.

    `levels` by field ("" where either is silent), `points` the weight of each, `weight` their sum with the prior
    (log2 odds), `grade` the decision and `rule` the rule that made it: enough to explain it to a steward.
    """

    levels: Mapping[str, str]
    points: Mapping[str, float]
    weight: float
    grade: Grade
    rule: str


def compare(
    one: Demographics, other: Demographics, *, by: Model | None = None, hot: frozenset[str] = frozenset()
) -> Comparison:
    """Compare two records; `hot` are fields whose value too many persons share to mean anything: id, phone, name."""
    by = by or model()
    levels = {
        "name": name_level(one.names, other.names),
        "birth": birth_level(one.birth, other.birth),
        "id": "" if "id" in hot else id_level(one, other),
        "contact": contact_level(one, other, phone="phone" not in hot),
        "gender": _plain(one.gender, other.gender),
        "card": "same" if set(one.cards) & set(other.cards) else "",
    }
    points = {field: by.weights[field][level] for field, level in levels.items() if level}
    weight = round(by.prior + sum(points.values()), 2)
    grade, rule = decide(one, other, levels, weight, by, "name" in hot)
    return Comparison(levels, points, weight, grade, rule)


def name_level(one: tuple[str, ...], other: tuple[str, ...]) -> str:
    """The best level of any pair of names."""
    found = [_pair_level(a, b) for a in one for b in other]
    return min(found, key=_RANK.index) if found else ""


def _pair_level(one: str, other: str) -> str:
    if one == other:
        return "same"
    if names.sounds_alike(one, other):
        return "homophone"
    if len(one) != len(other) or Hamming.distance(one, other) != 1:
        return "other"
    return "one-character" if names.split(one)[0] == names.split(other)[0] else "surname-character"


def birth_level(one: str, other: str) -> str:
    """same; default (one is the first of January of that year); near (one digit, or day and month swapped); other."""
    if not one or not other:
        return ""
    if one == other:
        return "same"
    if one[:4] == other[:4] and "-01-01" in (one[4:], other[4:]):
        return "default"
    swapped = f"{one[:4]}-{one[8:]}-{one[5:7]}"
    return "near" if swapped == other or Hamming.distance(one, other) == 1 else "other"


def id_level(one: Demographics, other: Demographics) -> str:
    """same; typo (at most one slip apart, one of them not valid); other."""
    ours, theirs = (*one.ids, *one.doubtful_ids), (*other.ids, *other.doubtful_ids)
    if not ours or not theirs:
        return ""
    if set(one.ids) & set(other.ids):
        return "same"
    pairs = ((a, b) for a in ours for b in theirs if not (a in one.ids and b in other.ids))
    return "typo" if any(DamerauLevenshtein.distance(a, b) <= 1 for a, b in pairs) else "other"


def contact_level(one: Demographics, other: Demographics, *, phone: bool = True) -> str:
    """
    Telephone and address are ONE piece of evidence: a family shares both.
    """
    calls = phone and bool(set(one.phones) & set(other.phones))
    lives = bool(one.address) and one.address == other.address
    if calls or lives:
        return "both" if calls and lives else ("phone" if calls else "address")
    comparable = (one.phones and other.phones) or (one.address and other.address)
    return "other" if comparable else ""


def _plain(one: str, other: str) -> str:
    if not one or not other:
        return ""
    return "same" if one == other else "other"


def decide(
    one: Demographics, other: Demographics, levels: Mapping[str, str], weight: float, by: Model, common: bool = False
) -> tuple[Grade, str]:
    """The ladder: never, veto, certain, review, no."""
    if never := _never(one, other):
        return "certainly-not", never
    if veto := _veto(one, other, levels):
        return veto
    guard = _guard(one, other, levels, common)
    if guard and (weight >= by.auto or guard == "newborn"):
        return "certain", guard
    if levels["id"] == "same":
        # One number, and otherwise strangers: a borrowed or shared card.
        return "probable", "same-id-guard-failed"
    if weight >= by.review:
        return ("probable", "guard-failed") if weight >= by.auto else ("possible", "weight")
    return "certainly-not", "weight"


def _never(one: Demographics, other: Demographics) -> str:
    if one.unidentified or other.unidentified:
        return "unidentified"
    if one.newborn != other.newborn and (not one.mother or one.mother != other.mother):
        return "newborn"
    if one.newborn and other.newborn and one.birth_order and other.birth_order and one.birth_order != other.birth_order:
        return "twins"
    return ""


def _veto(one: Demographics, other: Demographics, levels: Mapping[str, str]) -> tuple[Grade, str] | None:
    strangers = levels["name"] in ("other", "surname-character") and levels["birth"] == "other"
    if one.ids and other.ids and not set(one.ids) & set(other.ids):
        alike = levels["name"] in ("same", "homophone") and levels["birth"] == "same"
        return ("probable", "two-valid-ids") if alike else ("certainly-not", "two-valid-ids")
    if strangers and levels["id"] == "same":
        return "probable", "shared-card"
    if strangers:
        return "certainly-not", "strangers"
    return None


def _guard(one: Demographics, other: Demographics, levels: Mapping[str, str], common: bool) -> str:
    """The name of the first guard that holds; without one nothing is linked, whatever the weight."""
    name, birth, contact = levels["name"], levels["birth"], levels["contact"]
    close = name in ("same", "homophone")
    likely = close or name == "one-character"
    located = contact in ("phone", "address", "both")
    if one.newborn or other.newborn:
        same_child = one.mother and one.mother == other.mother and birth == "same" and levels["gender"] != "other"
        return "newborn" if same_child and one.birth_order == other.birth_order else ""
    if levels["id"] == "same" and likely:
        return "id-and-name"
    if levels["gender"] == "other":
        return ""
    if levels["card"] == "same" and close and birth in ("same", ""):
        return "card-and-name"
    if close and birth == "same" and (located or not common):
        return "name-and-birth"
    # One character apart with the same home is how twins are named: only the number may speak then.
    if likely and birth in ("same", "near", "default") and levels["id"] == "typo":
        return "name-birth-id-typo"
    if close and birth in ("near", "default") and located:
        return "name-near-birth-contact"
    if name == "same" and contact == "both" and not birth and levels["gender"] == "same":
        return "name-contact-gender"
    return ""
