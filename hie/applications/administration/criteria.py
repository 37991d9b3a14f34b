"""
What messages are asked for, as a query of the journal that an index answers. Pure.

A range of time is a range of ids, which end every index; a page goes on from the id where the last one ended.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from hie.applications.administration.counting import UNKNOWN, id_at
from hie.applications.administration.traffic import STATE_WORDS
from hie.applications.fhir import ZONE
from hie.ui import N_

PLAIN = ("state", "site", "type", "ack", "id", "day", "since", "until")
# What is about somebody: never part of an address.
PERSONAL = ("number", "person")
ACKNOWLEDGEMENTS = ("AA", "AE", "AR", "CA", "CE", "CR")
_ID = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}")


def asked_for(given: Mapping[str, str]) -> dict[str, str]:
    """The fields of the form that say something, trimmed; values that are no choice are left out."""
    asked = {name: given.get(name, "").strip()[:200] for name in (*PLAIN, *PERSONAL)}
    if asked["state"] not in STATE_WORDS:
        asked["state"] = ""
    if asked["ack"] not in ACKNOWLEDGEMENTS:
        asked["ack"] = ""
    return {name: value for name, value in asked.items() if value}


def check(asked: Mapping[str, str]) -> dict[str, str]:
    """What cannot be read, by field."""
    errors = {name: N_("时间请写成 2026-11-24 08:00。") for name in ("since", "until") if not _readable(asked, name)}
    if not errors and asked.get("since") and asked.get("until") and _moment(asked["since"]) >= _moment(asked["until"]):  # type: ignore[operator]
        errors["until"] = N_("结束时间要晚于开始时间。")
    return errors


def _readable(asked: Mapping[str, str], name: str) -> bool:
    return not asked.get(name) or _moment(asked[name]) is not None


def to_query(asked: Mapping[str, str], before: str = "", among: Sequence[str] | None = None) -> dict[str, Any]:
    """
    The query; an id of 26 letters is the journal's, any other the sender's control id (MSH-10).

    `among` are the ids that a search by patient found.
    """
    query: dict[str, Any] = {name: asked[name] for name in ("state", "site", "type", "ack") if asked.get(name)}
    if query.get("site") == UNKNOWN:
        query["site"] = ""
    if query.get("ack", "AA") in ("AE", "AR") and "state" not in query:
        # Whoever was answered so was refused: the index over states knows them.
        query["state"] = "rejected"
    if given := asked.get("id", ""):
        if _ID.fullmatch(given.upper()):
            return query | {"_id": {"$in": [one for one in (given.upper(),) if among is None or one in among]}}
        query["control"] = given
    if span := _span(asked, before):
        query["_id"] = span
    if among is not None:
        query["_id"] = {**query.get("_id", {}), "$in": list(among)}
    return query


def _span(asked: Mapping[str, str], before: str) -> dict[str, str]:
    start, end = _moment(asked.get("since", "")), _moment(asked.get("until", ""))
    if (day := _day(asked.get("day", ""))) is not None:
        start, end = day, day + timedelta(days=1)
    span = {"$gte": id_at(start)} if start else {}
    ends = [*([id_at(end)] if end else []), *([before] if _ID.fullmatch(before) else [])]
    return span | ({"$lt": min(ends)} if ends else {})


def _day(given: str) -> datetime | None:
    try:
        return datetime.combine(date.fromisoformat(given), time(), ZONE)
    except ValueError:
        return None


def _moment(given: str) -> datetime | None:
    """A time of the region, as a date field or a hand writes it."""
    try:
        found = datetime.fromisoformat(given.replace(" ", "T"))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=ZONE)
