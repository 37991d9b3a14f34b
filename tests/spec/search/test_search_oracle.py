"""A search of the store finds what a plain reading of the rules finds, over small populations made at random."""

from __future__ import annotations

import asyncio
import uuid
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymongo import AsyncMongoClient

from records.resource_store import ResourceStore
from records.stored import Write

Json = dict[str, Any]
PREFIXES = ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")
# Few values, so that what is asked for is often near what is there.
DAYS = st.sampled_from(["2019-12-31", "2020-01-01", "2020-01-31", "2020-02-01", "2020-02-29", "2020-03-01"])
MOMENTS = st.one_of(
    st.just("2020"), DAYS, DAYS.map(lambda day: day[:7]),
    st.builds(lambda day, hour: f"{day}T{hour}:00:00+08:00", DAYS, st.sampled_from(["00", "12"])),
)  # fmt: skip
# A Period that ends before it begins is not valid (per-1).
PERIODS = st.fixed_dictionaries({}, optional={"start": MOMENTS, "end": MOMENTS}).filter(
    lambda value: bool(value) and when(value)[0] <= when(value)[1]
)
NUMBERS = st.sampled_from(["-30", "-3", "-0.5", "0", "5", "5.4", "5.44", "5.45", "5.5", "6", "54"]).map(Decimal)
WORDS = st.sampled_from(["ann", "Anna", "ANN-MARIE", "Ánn", "bo", "Bob"])
PLAIN = {"ann": "ann", "Anna": "anna", "ANN-MARIE": "annmarie", "Ánn": "ann", "bo": "bo", "Bob": "bob"}
CODES = st.tuples(st.sampled_from(["", "urn:a", "urn:b"]), st.sampled_from(["x", "X", "y"]))


def coding(system: str, code: str) -> Json:
    return {"code": code, **({"system": system} if system else {})}


OBSERVATIONS = st.fixed_dictionaries(
    {"codes": st.lists(CODES, min_size=1, max_size=2)},
    optional={
        "when": st.one_of(MOMENTS, PERIODS, PERIODS),
        "value": NUMBERS,
        "words": WORDS,
        "subject": st.sampled_from(["a", "b"]),
    },
)
ASKED = st.tuples(st.sampled_from([None, "", "urn:a"]), st.sampled_from(["x", "y", ""]))
QUERIES = st.one_of(
    st.tuples(st.just("date"), st.sampled_from(PREFIXES[:-1]), MOMENTS),
    st.tuples(st.just("value-quantity"), st.sampled_from(PREFIXES), NUMBERS.map(str)),
    st.tuples(st.just("code"), st.sampled_from(["", "not"]), ASKED),
    st.tuples(st.just("value-string"), st.sampled_from(["", "exact", "contains"]), WORDS),
    st.tuples(st.just("subject"), st.just(""), st.sampled_from(["a", "Patient/b", "Group/a"])),
)  # fmt: skip


def span(text: str) -> tuple[datetime, datetime]:
    """First and last moment, of local time."""
    known = datetime.fromisoformat((text + "-01-01"[max(0, len(text) - 4) :] if len(text) < 10 else text)[:19])
    if len(text) == 4:
        return known, datetime(known.year + 1, 1, 1) - timedelta(milliseconds=1)
    if len(text) == 7:
        following = (known.replace(day=28) + timedelta(days=5)).replace(day=1)
        return known, following - timedelta(milliseconds=1)
    return known, known + (timedelta(days=1) if len(text) == 10 else timedelta(seconds=1)) - timedelta(milliseconds=1)


def when(value: Any) -> tuple[datetime, datetime]:
    """A moment, or a Period whose ends may be open."""
    if isinstance(value, str):
        return span(value)
    first, last = value.get("start"), value.get("end")
    return span(first)[0] if first else datetime.min, span(last)[1] if last else datetime.max


def matches_date(prefix: str, wanted: str, found: tuple[datetime, datetime]) -> bool:
    (low, high), (start, end) = span(wanted), found
    inside = low <= start and end <= high
    return {
        "eq": inside, "ne": not inside, "gt": end > high, "lt": start < low, "ge": end > high or start >= low,
        "le": start < low or end <= high, "sa": start > high, "eb": end < low,
    }[prefix]  # fmt: skip


def matches_number(prefix: str, text: str, value: Decimal) -> bool:
    wanted = Decimal(text)
    half = Decimal(1).scaleb(int(wanted.as_tuple().exponent)) / 2
    near = max(half, abs(wanted) / 10)
    inside = wanted - half <= value < wanted + half
    return {
        "eq": inside, "ne": not inside, "gt": value > wanted, "sa": value > wanted, "lt": value < wanted,
        "eb": value < wanted, "ge": value >= wanted, "le": value <= wanted,
        "ap": wanted - near <= value <= wanted + near,
    }[prefix]  # fmt: skip


def matches_code(system: str | None, code: str, codes: list[tuple[str, str]]) -> bool:
    return any((system is None or system == one) and (not code or other.lower() == code) for one, other in codes)


def matches_words(how: str, wanted: str, found: str) -> bool:
    if how == "exact":
        return wanted == found
    return PLAIN[wanted] in PLAIN[found] if how else PLAIN[found].startswith(PLAIN[wanted])


def expected(row: Json, query: Any) -> bool:
    """A plain reading of the rules."""
    name, how, value = query
    match name:
        case "date":
            return "when" in row and matches_date(how, value, when(row["when"]))
        case "value-quantity":
            return "value" in row and matches_number(how, value, row["value"])
        case "value-string":
            # A choice has one value: the number, where there is one.
            return "words" in row and "value" not in row and matches_words(how, value, row["words"])
        case "code":
            return matches_code(*value, row["codes"]) != (how == "not")
        case _:
            return row.get("subject") is not None and value in (row["subject"], f"Patient/{row['subject']}")


def written(query: Any) -> tuple[str, str]:
    name, how, value = query
    if name == "code":
        system, code = value
        return (f"code:{how}" if how else "code"), code if system is None else f"{system}|{code}"
    if name == "value-string":
        return (f"{name}:{how}" if how else name), value
    return name, how + value


def resource(identity: str, row: Json) -> Json:
    made: Json = {"resourceType": "Observation", "id": identity, "status": "final"}
    made["code"] = {"coding": [coding(*one) for one in row["codes"]]}
    if "when" in row:
        made["effectiveDateTime" if isinstance(row["when"], str) else "effectivePeriod"] = row["when"]
    if "value" in row:
        made["valueQuantity"] = {"value": row["value"]}
    elif "words" in row:
        made["valueString"] = row["words"]
    if "subject" in row:
        made["subject"] = {"reference": f"Patient/{row['subject']}"}
    return made


class TestOracle:
    @settings(
        max_examples=60,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    @given(rows=st.lists(OBSERVATIONS, min_size=1, max_size=8), queries=st.lists(QUERIES, min_size=8, max_size=16))
    def test_agrees(self, mongo_uri: str, rows: list[Json], queries: list[Any]) -> None:
        """Both find the same, whatever is stored and asked."""
        queries = [one for one in queries if one[0] != "code" or any(one[2])]
        asyncio.run(self._compare(mongo_uri, rows, queries))

    async def _compare(self, mongo_uri: str, rows: list[Json], queries: list[Any]) -> None:
        made = [resource(f"o{number}", row) for number, row in enumerate(rows)]
        async with AsyncMongoClient[dict[str, Any]](mongo_uri, tz_aware=True) as client:
            store = ResourceStore(client, "oracle")
            tag = uuid.uuid4().hex[:12]
            for one in made:
                one["id"] = f"{tag}-{one['id']}"
                one["meta"] = {"tag": [{"code": tag}]}
            await store.apply([Write("update", "Observation", one["id"], resource=one) for one in made])
            for query in queries:
                page = await store.search("Observation", [written(query), ("_tag", tag), ("_count", "50")])
                wanted = {one["id"] for one, row in zip(made, rows, strict=True) if expected(row, query)}
                assert {row.id for row in page.matches} == wanted, (written(query), rows)

    @pytest.fixture(autouse=True, scope="class")
    def _dropped(self, mongo_uri: str) -> Any:
        yield
        import pymongo

        with pymongo.MongoClient[dict[str, Any]](mongo_uri) as client:
            for name in client.list_database_names():
                if name.startswith("oracle_"):
                    client.drop_database(name)
