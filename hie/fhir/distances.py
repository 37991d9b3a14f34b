"""
How far a Location is from the points of `near`, said in its entry of a search.

https://hl7.org/fhir/R4/extension-location-distance.html
"""

from __future__ import annotations

from collections.abc import Sequence

from records.search import near
from records.search.units import UCUM
from records.stored import Stored, encode

EXTENSION = "http://hl7.org/fhir/StructureDefinition/location-distance"
_END = b'"search":{"mode":"match"}}'


def with_distance(entry: bytes, row: Stored, asked: Sequence[str]) -> bytes:
    """The entry with the distance to the nearest point asked for, in kilometres; without a position as it is."""
    far = near.shown(row.resource().get("position", {}), asked)
    if far is None or not entry.endswith(_END):
        return entry
    distance = {"value": far, "unit": "km", "system": UCUM, "code": "km"}
    search = {"extension": [{"url": EXTENSION, "valueDistance": distance}], "mode": "match"}
    return entry[: -len(_END)] + b'"search":' + encode(search) + b"}"
