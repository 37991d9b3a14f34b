"""
Answers as Parameters.

https://hl7.org/fhir/R4/parameters.html
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import quote

from hie.fhir.call import Answer, Call
from records.stored import Json, Stored, encode
from terminology.tables.system import Designation

LONGEST_HEADER = 20


def value(name: str, kind: str, content: Any) -> Json:
    """A parameter with a value."""
    return {"name": name, f"value{kind}": content}


def address(canonical: str) -> str:
    """A canonical with its version as a uri: the names of national releases have blanks in them."""
    return quote(canonical, safe=":/?#[]@!$&'()*+,;=|%~")


def parts(name: str, found: Sequence[Json]) -> Json:
    """A parameter made of others."""
    return {"name": name, "part": list(found)}


def reply(found: Iterable[Json], *rows: Stored) -> Answer:
    """The answer; a parameter with an empty text says nothing and is left out."""
    shown = [one for one in found if one.get("valueString") != ""]
    return Answer(200, encode({"resourceType": "Parameters", "parameter": shown}), rows=rows, interaction="operation")


def designation(one: Designation) -> Json:
    """A name as it stands in an expansion."""
    shown: Json = {"language": one.language} if one.language else {}
    if one.use:
        shown["use"] = one.use
    return shown | {"value": one.value}


def languages(call: Call, asked: str) -> list[str]:
    """The languages that names are wanted in: those asked for, else those that the client reads."""
    if asked:
        return [one.strip() for one in asked.split(",") if one.strip()]
    weighed: list[tuple[float, str]] = []
    for part in (call.header("accept-language") or "").split(",")[:LONGEST_HEADER]:
        name, _, rest = part.strip().partition(";")
        if name and name != "*" and (weight := _weight(rest)) > 0:
            weighed.append((-weight, name.strip()))
    return [name for _, name in sorted(weighed, key=lambda one: one[0])]


def _weight(rest: str) -> float:
    key, _, number = rest.strip().partition("=")
    try:
        return float(number) if key.strip() == "q" else 1.0
    except ValueError:
        return 1.0
