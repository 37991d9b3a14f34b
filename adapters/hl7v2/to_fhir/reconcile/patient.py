"""
Demographics: absent keeps, `""` deletes, newer wins, and a record that was merged away never comes back to life.

https://hl7.org/fhir/R4/patient.html#merging (HL7 v2 chapter 3, A08, A31, A40)
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from adapters.facts import Json, Reconcile
from adapters.hl7v2.to_fhir.reconcile.moments import by_key, fill, is_older, overlay


def _type_of(identifier: Json) -> Any:
    kind = identifier.get("type") or {}
    return identifier.get("system"), next((c.get("code") for c in kind.get("coding", ())), kind.get("text"))


def _link(link: Json) -> Any:
    return link.get("other", {}).get("reference"), link.get("type")


_LISTS: dict[str, Callable[[Json], Any]] = {"identifier": _type_of, "telecom": lambda t: t.get("use"), "link": _link}


def demographics(removed: tuple[str, ...] = ()) -> Reconcile:
    """The rule of an ADT message whose nulled elements are `removed` (`birthDate`, `telecom.work`)."""
    return partial(_demographics, removed)


def _demographics(removed: tuple[str, ...], current: Json | None, incoming: Json) -> Json | None:
    if current is None:
        return incoming
    if is_older(current, incoming):
        return _keep_merged(current, {**fill(current, incoming), **_lists(incoming, current)})
    return _keep_merged(current, _remove(_newer(current, incoming), removed))


def _newer(current: Json, incoming: Json) -> Json:
    merged = overlay(current, incoming) | _lists(current, incoming)
    if "birthDate" in incoming and "_birthDate" not in incoming:
        merged.pop("_birthDate", None)
    return merged


def _lists(under: Json, over: Json) -> Json:
    """Lists that grow by key: a message that repeats one number does not forget the others."""
    return {
        name: by_key(under.get(name, []), over.get(name, []), key)
        for name, key in _LISTS.items()
        if under.get(name) or over.get(name)
    }


def _remove(resource: Json, removed: tuple[str, ...]) -> Json:
    kept = dict(resource)
    for element in removed:
        name, _, use = element.partition(".")
        left = [item for item in kept.get(name, []) if not _is(item, name, use)] if use else []
        kept.pop(name, None)
        kept.pop(f"_{name}", None)
        kept |= {name: left} if left else {}
    return kept


def _is(item: Json, name: str, key: str) -> bool:
    if name == "telecom":
        return bool(item.get("use") == key)
    return bool(item.get("url") == key or item.get("system") == key or _type_of(item)[1] == key)


def _keep_merged(current: Json, outcome: Json) -> Json:
    """A later A08 on the old number must not revive it."""
    if any(link.get("type") == "replaced-by" for link in current.get("link", ())):
        return {**outcome, "active": False}
    return outcome


def subsumed(current: Json | None, incoming: Json) -> Json | None:
    """The record merged away: what it said stays, it is inactive, and it points to its survivor."""
    if current is None:
        return incoming
    links = by_key(current.get("link", []), incoming["link"], _link)
    return {**current, "active": False, "link": links, "meta": {**current.get("meta", {}), **incoming.get("meta", {})}}
