"""
Demographics: absent keeps, `""` deletes, newer wins, and a record that was merged away never comes back to life.

https://hl7.org/fhir/R4/patient.html#merging (HL7 v2 chapter 3, A08, A31, A40)
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from adapters.facts import Json, Reconcile
from adapters.hl7v2.to_fhir.reconcile.moments import (
    AS_OF,
    by_key,
    extension_value,
    fill,
    is_older,
    overlay,
    stamp,
)


def _type_of(identifier: Json) -> Any:
    kind = identifier.get("type") or {}
    return identifier.get("system"), next((c.get("code") for c in kind.get("coding", ())), kind.get("text"))


def _number(identifier: Json) -> Any:
    """A new number of a kind replaces the one before; numbers that were given up stay beside it."""
    return _type_of(identifier), identifier.get("value") if identifier.get("use") == "old" else None


def _link(link: Json) -> Any:
    return link.get("other", {}).get("reference"), link.get("type")


_LISTS: dict[str, Callable[[Json], Any]] = {"identifier": _number, "telecom": lambda t: t.get("use"), "link": _link}


# What the message of a site that sends whole snapshots does not have, is gone.
_STATED = (
    "name", "gender", "birthDate", "address", "telecom", "maritalStatus", "communication", "generalPractitioner",
    "deceasedBoolean", "deceasedDateTime", "multipleBirthBoolean", "multipleBirthInteger",
)  # fmt: skip


def demographics(removed: tuple[str, ...] = (), snapshot: bool = False) -> Reconcile:
    """The rule of an ADT message whose nulled elements are `removed` (`birthDate`, `telecom.work`)."""
    return partial(_demographics, removed, snapshot)


def _demographics(removed: tuple[str, ...], snapshot: bool, current: Json | None, incoming: Json) -> Json | None:
    if current is None:
        return incoming
    if is_older(current, incoming):
        return _keep_merged(current, {**fill(current, incoming), **_lists(incoming, current)})
    under = _ours(current) if snapshot else current
    return _keep_merged(current, _remove(_newer(under, incoming), removed))


def _ours(current: Json) -> Json:
    """What a snapshot does not speak of: links, and that the record was merged or came from another message."""
    kept = {key: value for key, value in current.items() if key not in (*_STATED, "identifier", "_birthDate")}
    extensions = [e for e in current.get("extension", ()) if str(e.get("url")).startswith("urn:hie:as-of")]
    return {key: value for key, value in kept.items() if key != "extension"} | (
        {"extension": extensions} if extensions else {}
    )


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
    return {**current, "active": False, "link": links, "meta": _meta(current, incoming)}


def linked(current: Json | None, incoming: Json) -> Json | None:
    """A24: one more link, between records that both stay in use; the newer statement counts."""
    if current is None:
        return incoming
    if is_older(current, incoming):
        return None
    links = by_key(current.get("link", []), incoming.get("link", []), _link)
    return _at(current, incoming) | ({"link": links} if links else {})


def unlinked(current: Json | None, incoming: Json) -> Json | None:
    """A37: the links that `incoming` names are no more; a merge is not undone by it."""
    if current is None or is_older(current, incoming):
        return None
    gone = {_link(link) for link in incoming.get("link", ())}
    links = [link for link in current.get("link", ()) if _link(link) not in gone]
    rest = {key: value for key, value in _at(current, incoming).items() if key != "link"}
    return rest | ({"link": links} if links else {})


def withdrawn(current: Json | None, incoming: Json) -> Json | None:
    """A29: not in use any more, until the sender speaks of it anew."""
    if current is None or is_older(current, incoming):
        return None
    return _at(current, incoming) | {"active": False}


def renamed(current: Json | None, incoming: Json) -> Json | None:
    """A46, A48, A49 and A41: a number of the patient's was given up; it stays findable, as an old one."""
    if current is None:
        return incoming
    known = {(i.get("system"), i.get("value")): i for i in current.get("identifier", ())}
    listed = known | {(i.get("system"), i.get("value")): i for i in incoming.get("identifier", ())}
    if is_older(current, incoming):
        return {**current, "identifier": list((listed | known).values())}
    return _at(current, incoming) | {"identifier": list(listed.values())}


def known_as(current: Json | None, incoming: Json) -> Json | None:
    """A link added to a record that is there; none is made for it."""
    if current is None:
        return None
    return {**current, "link": by_key(current.get("link", []), incoming["link"], _link)}


def _at(current: Json, incoming: Json) -> Json:
    said = extension_value(incoming, AS_OF)
    return (stamp(current, said) if said else current) | {"meta": _meta(current, incoming)}


def _meta(current: Json, incoming: Json) -> Json:
    return {**current.get("meta", {}), **incoming.get("meta", {})}
