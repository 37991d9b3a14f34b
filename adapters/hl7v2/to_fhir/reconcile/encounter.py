"""
The life of a visit: planned, in progress, on leave, finished, cancelled, and never reopened but by A13.

HL7 v2 chapter 3 (A01 to A13, A21, A22); https://hl7.org/fhir/R4/encounter.html
"""

from __future__ import annotations

from functools import partial
from typing import Any

from adapters.errors import NotUnderstood
from adapters.facts import Json, Reconcile
from adapters.hl7v2.to_fhir.reconcile.location_history import history
from adapters.hl7v2.to_fhir.reconcile.moments import (
    AS_OF,
    STATUS_AS_OF,
    by_key,
    extension_value,
    fill,
    is_older,
    overlay,
    stamp,
)
from adapters.hl7v2.to_fhir.times import as_datetime

# What these say of the status holds until one of them says otherwise; the other triggers only move a visit forward.
DECISIVE = frozenset({"A03", "A11", "A13", "A21", "A22"})
_OPENING = frozenset({"A01", "A04", "A05"})
_CLASS_CHANGES = frozenset({"A01", "A02", "A04", "A06", "A07"})
_FORWARD = {"unknown": 0, "planned": 1, "in-progress": 2}


def visit(event: str, at: str) -> Reconcile:
    """The rule of an ADT trigger; `at` is when the event took place (FHIR dateTime)."""
    return partial(_visit, event, at)


def _visit(event: str, at: str, current: Json | None, incoming: Json) -> Json | None:
    if current is None:
        return {**incoming, **_places(history([], incoming, event, incoming["status"], incoming.get("period", {})))}
    _refuse_reuse(event, current, incoming)
    older = is_older(current, incoming)
    status = _status(event, current, incoming)
    merged = _content(current, incoming) if not older else _gaps(current, incoming)
    merged |= {"status": status, **_period(current, incoming, status, older)}
    merged |= _status_history(current, status, at) | _class(event, at, current, incoming, older)
    merged |= _places(_located(event, current, incoming, merged, older))
    return _stamped(merged, current, incoming, status)


def _places(locations: list[Json]) -> Json:
    return {"location": locations} if locations else {}


def _refuse_reuse(event: str, current: Json, incoming: Json) -> None:
    """A visit number used again for somebody else would move a stay from one record into another."""
    moved = current.get("subject") != incoming.get("subject")
    if moved and event in _OPENING and current.get("status") == "finished":
        raise NotUnderstood(
            "the visit number belongs to a finished visit of another patient", location="PV1^1^19", condition="205"
        )


def _status(event: str, current: Json, incoming: Json) -> str:
    was, said = str(current.get("status", "unknown")), str(incoming["status"])
    if event in DECISIVE or said == "finished":
        return was if is_older(current, incoming, STATUS_AS_OF) else said
    if was == "cancelled" and event in _OPENING and _newer_than_status(current, incoming):
        return said
    if was in _FORWARD and said in _FORWARD:
        return said if _FORWARD[said] > _FORWARD[was] else was
    return was


def _newer_than_status(current: Json, incoming: Json) -> bool:
    decided, said = as_datetime(extension_value(current, STATUS_AS_OF)), as_datetime(extension_value(incoming, AS_OF))
    return decided is None or (said is not None and said > decided)


def _content(current: Json, incoming: Json) -> Json:
    merged = overlay(current, incoming) | _union(current, incoming)
    merged["hospitalization"] = {**current.get("hospitalization", {}), **incoming.get("hospitalization", {})}
    return {key: value for key, value in merged.items() if value != {}}


def _gaps(current: Json, incoming: Json) -> Json:
    merged = fill(current, incoming) | _union(incoming, current)
    merged["hospitalization"] = {**incoming.get("hospitalization", {}), **current.get("hospitalization", {})}
    return {key: value for key, value in merged.items() if value != {}}


def _union(under: Json, over: Json) -> Json:
    keys: dict[str, Any] = {"identifier": lambda i: (i.get("system"), i.get("value")), "participant": _role}
    return {
        name: by_key(under.get(name, []), over.get(name, []), key)
        for name, key in keys.items()
        if under.get(name) or over.get(name)
    }


def _role(participant: Json) -> Any:
    return participant["type"][0]["coding"][0]["code"] if participant.get("type") else None


def _period(current: Json, incoming: Json, status: str, older: bool) -> Json:
    """The end belongs to a finished visit only: a reopened one has none."""
    was, said = current.get("period", {}), incoming.get("period", {})
    start = was.get("start") or said.get("start") if older else said.get("start") or was.get("start")
    ends = (
        (was.get("end"), said.get("end"))
        if is_older(current, incoming, STATUS_AS_OF)
        else (said.get("end"), was.get("end"))
    )
    end = next(filter(None, ends), None) if status == "finished" else None
    return {"period": ordered({key: text for key, text in (("start", start), ("end", end)) if text})}


def ordered(period: Json) -> Json:
    """A period that ends before it starts has no end that could be believed."""
    start, end = as_datetime(period.get("start", "")), as_datetime(period.get("end", ""))
    if start and end and end < start and period["end"] != period["start"][: len(period["end"])]:
        return {"start": period["start"]}
    return period


def _status_history(current: Json, status: str, at: str) -> Json:
    was = current.get("status", "unknown")
    if was in (status, "unknown"):
        return {}
    before = current.get("statusHistory", [])
    start = before[-1]["period"].get("end") if before else current.get("period", {}).get("start")
    return {"statusHistory": [*before, {"status": was, "period": _span(start, at)}]}


def _class(event: str, at: str, current: Json, incoming: Json, older: bool) -> Json:
    """A06 and A07 change the class of the same visit; the class before goes into its history."""
    was, said = current["class"], incoming["class"]
    if (older and current.get("status") != "unknown") or said.get("code") == "U":
        return {"class": was}
    if was.get("code") == said.get("code") or event not in _CLASS_CHANGES or current.get("status") == "unknown":
        return {"class": said}
    before = current.get("classHistory", [])
    start = before[-1]["period"].get("end") if before else current.get("period", {}).get("start")
    return {"class": said, "classHistory": [*before, {"class": was, "period": _span(start, at)}]}


def _span(start: str | None, end: str) -> Json:
    first, last = as_datetime(start or ""), as_datetime(end)
    return {"start": start, "end": end} if first and last and first <= last else {"end": end}


def _located(event: str, current: Json, incoming: Json, merged: Json, older: bool) -> list[Json]:
    before = current.get("location", [])
    if older and event in ("A08", "A12") and before:
        return history(before, {"location": []}, event, merged["status"], merged["period"])
    return history(before, incoming, event, merged["status"], merged["period"])


def _stamped(merged: Json, current: Json, incoming: Json, status: str) -> Json:
    """The later of both moments, and the moment of the status that was accepted."""
    latest = current if is_older(current, incoming) else incoming
    merged = stamp(merged, extension_value(latest, AS_OF))
    decided = extension_value(incoming, STATUS_AS_OF)
    if decided and status == incoming["status"] and not is_older(current, incoming, STATUS_AS_OF):
        return stamp(merged, decided, STATUS_AS_OF)
    kept = extension_value(current, STATUS_AS_OF)
    others = [e for e in merged["extension"] if e["url"] != STATUS_AS_OF]
    return {**merged, "extension": [*others, {"url": STATUS_AS_OF, "valueDateTime": kept}] if kept else others}
