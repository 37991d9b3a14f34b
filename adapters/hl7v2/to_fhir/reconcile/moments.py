"""
When was it said: a late or repeated message never reverts a newer fact.

The moment is kept in the resource, as an extension, so that the decision needs nothing but the two resources.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from adapters.facts import Json, Reconcile
from adapters.hl7v2.to_fhir.times import as_datetime

AS_OF = "urn:hie:as-of"
_CHOICES = ("deceased", "multipleBirth", "occurrence")
STATUS_AS_OF = "urn:hie:status-as-of"
# Clocks of hospitals differ by minutes; what is further ahead was set wrongly.
_SKEW = timedelta(minutes=10)


def extension_value(resource: Json, url: str) -> str:
    """The dateTime of an extension, "" when absent."""
    return next((e.get("valueDateTime", "") for e in resource.get("extension", ()) if e.get("url") == url), "")


def as_of(resource: Json, url: str = AS_OF) -> datetime | None:
    """The moment of a resource's last statement (or, by `url`, of its last status)."""
    return as_datetime(extension_value(resource, url))


def ahead(said: datetime, received: datetime) -> bool:
    """True where a message claims to be from the time after its reception."""
    return said - received > _SKEW


def stamp(resource: Json, moment: datetime | str, url: str = AS_OF) -> Json:
    """The resource with its moment set."""
    text = moment if isinstance(moment, str) else moment.isoformat()
    others = [e for e in resource.get("extension", ()) if e.get("url") != url]
    return {**resource, "extension": [*others, {"url": url, "valueDateTime": text}]}


def is_older(current: Json, incoming: Json, url: str = AS_OF) -> bool:
    """True when what is stored was said later than what comes in. Without a stored moment nothing is newer."""
    stored, arriving = as_of(current, url), as_of(incoming, url) or as_of(incoming)
    return stored is not None and arriving is not None and arriving < stored


def same(one: Json, other: Json) -> bool:
    """Equal but for meta: a resend is no new version."""
    return {k: v for k, v in one.items() if k != "meta"} == {k: v for k, v in other.items() if k != "meta"}


def settled(rule: Reconcile) -> Reconcile:
    """The rule, with an outcome that changes nothing turned into None."""

    def decide(current: Json | None, incoming: Json) -> Json | None:
        outcome = rule(current, incoming)
        return None if outcome is None or (current is not None and same(current, outcome)) else outcome

    return decide


def overlay(current: Json, incoming: Json) -> Json:
    """What comes in, over what is stored: elements absent from the message are kept."""
    merged = {**_without_choices(current, incoming), **incoming}
    # What stood beside a primitive that is said anew (`_gender` of `gender`) was of the old value.
    for key in [key for key in current if key[0] == "_" and key not in incoming and key[1:] in incoming]:
        del merged[key]
    for key in ("meta", "extension"):
        if key in current or key in incoming:
            merged[key] = _join[key](current.get(key), incoming.get(key))
    return merged


def fill(current: Json, incoming: Json) -> Json:
    """What is stored, with only its gaps filled: what an older message may still add."""
    return {**_without_choices(incoming, current), **current}


def _without_choices(under: Json, over: Json) -> Json:
    """FHIR's choice elements exclude each other: who died at a time is not also said to be dead or not."""
    taken = {choice for choice in _CHOICES for key in over if key.startswith(choice)}
    return {key: value for key, value in under.items() if key in over or not any(map(key.startswith, taken))}


def by_key(current: list[Json], incoming: list[Json], key: Callable[[Json], Any]) -> list[Json]:
    """Items of the message replace stored items of the same key, in their place; the others stay, in their order."""
    spoken: dict[Any, list[Json]] = {}
    for item in incoming:
        spoken.setdefault(key(item), []).append(item)
    replaced = set(spoken)
    kept = [one for item in current for one in (spoken.pop(key(item), ()) if key(item) in replaced else (item,))]
    return kept + [item for items in spoken.values() for item in items]


def _meta(current: Json | None, incoming: Json | None) -> Json:
    return {**(current or {}), **(incoming or {})}


def _extensions(current: list[Json] | None, incoming: list[Json] | None) -> list[Json]:
    return by_key(current or [], incoming or [], lambda extension: extension.get("url"))


_join: dict[str, Callable[[Any, Any], Any]] = {"meta": _meta, "extension": _extensions}


def latest(current: Json | None, incoming: Json) -> Json | None:
    """The newer statement wins, element by element; an older one only fills gaps."""
    if current is None:
        return incoming
    return fill(current, incoming) if is_older(current, incoming) else overlay(current, incoming)
