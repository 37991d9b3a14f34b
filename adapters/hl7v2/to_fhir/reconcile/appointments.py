"""
Appointments: booked, moved, cancelled, missed; an older booking revives nothing, and a list of changes changes a list.

HL7 v2 chapter 10; https://hl7.org/fhir/R4/valueset-appointmentstatus.html
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from adapters.facts import Json, Reconcile
from adapters.hl7v2.to_fhir.reconcile.moments import fill, is_older, overlay

# R4 app-3: only these may stand without a time.
_TIMELESS = frozenset({"proposed", "cancelled", "waitlist"})
_TIME = frozenset({"start", "end"})
# These name an appointment, and of its resources no more than they like.
_PARTIAL = frozenset({"cancelled", "noshow", "entered-in-error"})
_KINDS = {"serviceType": ("AIS",), "participant": ("AIP", "AIL", "AIG")}


@dataclass(frozen=True, slots=True)
class Statement:
    """
    What a message says beside the appointment itself.

    `changes` are (segment, action, serviceType or participant) in message order; `decides` is true when the message
    states a status; `single` when it speaks of single services and resources (S18 to S22) and not of the whole.
    """

    changes: tuple[tuple[str, str, Json], ...] = ()
    decides: bool = True
    single: bool = False


def booking(statement: Statement) -> Reconcile:
    """The rule of an SIU message."""
    return partial(_booking, statement)


def _booking(statement: Statement, current: Json | None, incoming: Json) -> Json | None:
    """The later statement stands; a cancellation keeps the time that was booked."""
    if current is None:
        return _timed(incoming | {"participant": sorted(incoming["participant"], key=_place)})
    if is_older(current, incoming):
        # An older cancellation gives no reason to a booking that stands.
        return _timed(fill(current, {k: v for k, v in incoming.items() if "start" in current or k not in _TIME}))
    merged = overlay(current, incoming) | _lists(statement, current, incoming)
    if not statement.decides:
        merged["status"] = current["status"]
    if statement.single:
        merged |= {key: current[key] for key in ("start", "end", "minutesDuration") if key in current}
    return _timed({key: value for key, value in merged.items() if value != []})


def _lists(statement: Statement, current: Json, incoming: Json) -> Json:
    lists: Json = {}
    for element, kinds in _KINDS.items():
        before = _without_groups(statement, current.get(element, []))
        others = [one for one in before if _kind(one) not in kinds]
        lists[element] = others + [
            one for kind in kinds for one in _of_kind(kind, statement, before, incoming["status"])
        ]
    return lists


def _of_kind(kind: str, statement: Statement, before: list[Json], status: str) -> list[Json]:
    """
    The services or resources of one kind.

    Action codes make the segments changes; without them the segments are the whole list, and none is no word on it.
    """
    stored = [one for one in before if _kind(one) == kind]
    said = [(action, item) for name, action, item in statement.changes if name == kind]
    if any(action in ("A", "U", "D") for action, _ in said):
        return _changed(stored, said)
    if not said or statement.single or (stored and status in _PARTIAL):
        return stored
    return [item for _, item in said]


def _changed(stored: list[Json], said: list[tuple[str, Json]]) -> list[Json]:
    listed = list(stored)
    for action, item in said:
        same = [one for one in listed if _names(one) == _names(item)]
        if action == "U" and not same:
            same = [one for one in listed if one["id"] == item["id"]]
        if action == "D":
            listed = [one for one in listed if one not in same]
        elif same:
            listed = [{**item, "id": same[0]["id"]} if one is same[0] else one for one in listed]
        elif action in ("A", "U"):
            listed.append(_placed(item, {str(one["id"]) for one in listed}))
    return listed


def _placed(item: Json, taken: set[str]) -> Json:
    """An element id is used once."""
    free = (f"{item['id']}.{number}" for number in range(2, len(taken) + 3))
    return item if item["id"] not in taken else {**item, "id": next(one for one in free if one not in taken)}


def _without_groups(statement: Statement, items: list[Json]) -> list[Json]:
    """RGS-2 D: everything of that group goes."""
    gone = {str(item["id"]) for kind, action, item in statement.changes if kind == "RGS" and action == "D"}
    return [one for one in items if not _kind(one) or str(one["id"]).split("-")[1] not in gone]


def _place(item: Json) -> int:
    """The patient first, then kind by kind: as a later message leaves the list."""
    return ("", *_KINDS["participant"]).index(_kind(item))


def _kind(item: Json) -> str:
    """The segment that an item came from, "" for the patient."""
    return str(item.get("id", "")).partition("-")[0]


def _names(item: Json) -> object:
    """What makes two items the same: the reference or code, else the words."""
    actor = item.get("actor", item)
    codings = [(c.get("system"), c.get("code")) for c in item.get("coding", ())][:1]
    named = actor.get("reference") or actor.get("identifier", {}).get("value") or codings
    return named or actor.get("display") or actor.get("text")


def _timed(appointment: Json) -> Json:
    """
    Without a time a booking is a proposal, and a missed or deleted one can only be called cancelled.

    A reason stands only beside what was cancelled or missed (R4 app-4).
    """
    timed = dict(appointment)
    if "start" not in timed and timed["status"] not in _TIMELESS:
        timed["status"] = "cancelled" if timed["status"] in _PARTIAL else "proposed"
    if timed["status"] not in ("cancelled", "noshow"):
        timed.pop("cancelationReason", None)
    return timed
