"""
The values that pass between the stores and everybody above them: frozen, and without any database in them.

https://hl7.org/fhir/R4/resource.html#Meta
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

import msgspec

Json = dict[str, Any]
Interaction = Literal["create", "update", "delete"]


@dataclass(frozen=True, slots=True)
class Stored:
    """
    One version of one resource.

    `text` is the exact UTF-8 JSON that is served: as it was received, but for `id` and `meta`.
    It is empty for a deletion. `patients` are the source Patient ids ("pat-1") whose compartment it is in.
    `created` is POST or PUT for the version that brought the resource about, or brought it back.
    `labels` are its security labels, "system|code".
    """

    type: str
    id: str
    version: int
    updated: datetime
    text: bytes
    deleted: bool = False
    patients: tuple[str, ...] = ()
    created: str = ""
    labels: tuple[str, ...] = ()

    @property
    def reference(self) -> str:
        """Relative reference, `Observation/abc`."""
        return f"{self.type}/{self.id}"

    @property
    def etag(self) -> str:
        """Weak entity tag of the version, `W/"3"`."""
        return f'W/"{self.version}"'

    def resource(self) -> Json:
        """Decode the text; decimals stay Decimal. Costs a parse: reads and searches never call it."""
        return decode(self.text)


@dataclass(frozen=True, slots=True)
class Write:
    """
    One change to make: `resource` has resourceType and id (and is absent for a delete).

    `text` is the exact JSON received, where there was one; without it the resource is encoded.
    `if_version` must be the current version (0: must not exist). `source` goes to meta.source.
    `replaces` is the current version where the caller has just read it: it is not read again and must be the same.
    """

    interaction: Interaction
    type: str
    id: str
    resource: Json | None = None
    text: bytes | None = None
    if_version: int | None = None
    source: str | None = None
    replaces: Stored | None = None


@dataclass(frozen=True, slots=True)
class Visibility:
    """
    What an access decision leaves visible; compiled into the database filter of every read.

    `patients`: None means any patient; otherwise only resources in these patients' compartments (source Patient
    ids), plus types outside every patient compartment when `shared_types` names them. `hidden_labels` are
    meta.security keys "system|code" that stay unseen. `types`: None means every type. `denied` are patients who
    refuse this caller (consent).
    """

    patients: frozenset[str] | None = None
    shared_types: frozenset[str] = frozenset()
    types: frozenset[str] | None = None
    hidden_labels: frozenset[str] = frozenset()
    denied: frozenset[str] = frozenset()

    def shows(self, row: Stored) -> bool:
        """The same decision on a row that was read already."""
        if self.types is not None and row.type not in self.types:
            return False
        patients = frozenset(row.patients)
        shared = row.type in self.shared_types and not patients
        if self.patients is not None and not shared and not patients & self.patients:
            return False
        return not patients & self.denied and self.hidden_labels.isdisjoint(row.labels)


EVERYTHING = Visibility()


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a search: matches in order, what was included, the total if asked, and how to go on."""

    matches: tuple[Stored, ...]
    included: tuple[Stored, ...] = ()
    total: int | None = None
    next_cursor: str | None = None
    previous_cursor: str | None = None
    applied: tuple[tuple[str, str], ...] = field(default=())


_decoder = msgspec.json.Decoder(float_hook=Decimal)
_encoder = msgspec.json.Encoder(decimal_format="number")


def decode(text: bytes | str) -> Json:
    """JSON to a dictionary; `1.50` becomes Decimal("1.50"). Raises msgspec.DecodeError."""
    decoded: Json = _decoder.decode(text)
    return decoded


def encode(resource: Json) -> bytes:
    """A dictionary to compact UTF-8 JSON; Decimal("1.50") becomes `1.50`."""
    return _encoder.encode(resource)
