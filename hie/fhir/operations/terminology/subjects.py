"""
Which definition an operation is about: the one at this address, the one that was sent, or the one that is named.

https://hl7.org/fhir/R4/operations.html#executing
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import reduce
from hashlib import blake2b
from typing import Any

from hie.fhir.call import Call
from hie.fhir.operations.terminology.asked import Asked
from hie.fhir.operations.terminology.problems import unknown
from hie.fhir.operations.terminology.shelf import KINDS, Shelf, Table
from records.errors import Invalid
from records.stored import EVERYTHING, Json, Stored, Visibility, encode
from terminology.tables import reading
from terminology.tables.library import NO_VERSIONS, Library, Versions
from terminology.tables.system import System

INTERACTION = "terminology"
WORDS = {"ValueSet": "value set", "CodeSystem": "code system", "ConceptMap": "concept map"}
_READ: Any = {"ValueSet": reading.value_set, "CodeSystem": reading.code_system, "ConceptMap": reading.concept_map}


@dataclass(frozen=True, slots=True)
class Subject:
    """A definition with everything that it leads to; `row` is the stored resource where the address names one."""

    table: Any
    library: Library
    row: Stored | None = None


async def shelf(call: Call, kind: str) -> Shelf:
    """
    The tables that this caller may ask about: the right is asked for the type of the operation.

    What a definition is made of may be of other types; it shows no patient, and labels hide it all the same.
    """
    sight = await call.visibility(kind, INTERACTION)
    own = sight if sight == EVERYTHING else Visibility(sight.patients, sight.shared_types, None, sight.hidden_labels)
    return Shelf(call.services.store.collections, own, call.session)


async def subject(
    call: Call,
    asked: Asked,
    kind: str,
    inline: str,
    version: str = "version",
    *,
    also: Iterable[str] = (),
    versions: Versions = NO_VERSIONS,
) -> Subject:
    """
    The definition that is asked about; NotFound where it is named and not there, Invalid where none is named.

    `also` are code systems that the answer needs besides those that the definition leads to.
    """
    held = await shelf(call, kind)
    if len(call.path) == 3:
        if "url" in asked or inline in asked:
            raise Invalid(f"The address names the {WORDS[kind]}; it is not named again.", status=400)
        visibility = await call.visibility(kind, INTERACTION)
        row = await call.services.store.read(kind, call.path[1], visibility=visibility, session=call.session)
        table = await held.table(row)
        return await _whole(held, table, also, versions, row)
    if inline in asked:
        raw: Json = asked.one(inline)
        table = _READ[kind](raw, f"given {blake2b(encode(raw), digest_size=16).hexdigest()}")
        return await _whole(held, table, also, versions)
    if "url" not in asked:
        raise Invalid(f"${asked.operation} needs the url of a {WORDS[kind]}, or the {kind} itself.", status=400)
    canonical = asked.text("url")
    if asked.text(version):
        canonical = f"{canonical.partition('|')[0]}|{asked.text(version)}"
    return await named(held, kind, canonical, also=also, versions=versions)


async def named(
    held: Shelf, kind: str, canonical: str, *, also: Iterable[str] = (), versions: Versions = NO_VERSIONS
) -> Subject:
    """The definition under an address."""
    value_sets, systems, maps = ([canonical] if kind == one else [] for one in KINDS)
    library = await held.library(value_sets=value_sets, systems=[*systems, *also], maps=maps, versions=versions)
    finders: dict[str, Callable[[str], Table | None]] = {
        "ValueSet": library.value_set, "CodeSystem": library.system, "ConceptMap": library.concept_map,
    }  # fmt: skip
    table = finders[kind](canonical)
    if table is None:
        raise unknown(WORDS[kind], canonical)
    return Subject(table, library)


async def _whole(
    held: Shelf, table: Table, also: Iterable[str], versions: Versions, row: Stored | None = None
) -> Subject:
    """A definition that is at hand, with what it leads to; a code system with the supplements stored for it."""
    systems = [*also, *([table.url] if isinstance(table, System) else [])]
    library = await held.library(systems=systems, given=[table], versions=versions)
    if isinstance(table, System):
        table = reduce(reading.supplemented, library.supplements.get(table.url, ()), table)
    return Subject(table, library, row)
