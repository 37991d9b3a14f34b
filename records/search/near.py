"""
near: places around a point, by the cells of a grid that a place lies in, then by the exact distance.

Each place has a key for its cell in grids of several widths, so that few cells cover a circle of any size; the
distance on the sphere is computed by the database for the places in those cells alone.
https://hl7.org/fhir/R4/location.html#search
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from records.errors import UnknownParameter
from records.search.extract import Value
from records.search.key import PRESENT, Condition, both, equals
from records.search.number import decimal
from records.search.values import plain, split
from records.stored import Json

CELL = "%"
# Widths of the grids in degrees; each divides the circle.
WIDTHS = (0.02, 0.1, 0.5, 2.5, 12.0)
MOST_CELLS = 60
DEFAULT_KM = 10.0
EARTH_KM = 6371.0088
# Of rounding, in degrees: a tenth of a millimetre.
MARGIN = 1e-9
KM_OF_DEGREE = math.pi * EARTH_KM / 180
UNITS = {
    "km": 1.0, "m": 0.001, "mi": 1.609344, "[mi_i]": 1.609344, "[mi_us]": 1.609347, "[nmi_i]": 1.852,
    "[ft_i]": 0.0003048,
}  # fmt: skip


class Point(NamedTuple):
    """WGS84, in degrees."""

    latitude: float
    longitude: float


class Circle(NamedTuple):
    """Everything not farther than this from a point."""

    center: Point
    km: float


def point(position: Json) -> Point | None:
    """The point of a Location.position; None where it is on no map."""
    found = [decimal(position.get(one)) for one in ("latitude", "longitude")]
    if None in found:
        return None
    return _point(*(float(one) for one in found if one is not None))


def _point(latitude: float, longitude: float) -> Point | None:
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        return None
    return Point(latitude, longitude)


def keys(name: str, found: Value) -> list[str]:
    """The keys of one position: its cell in each grid."""
    at = point(found.value) if isinstance(found.value, dict) else None
    if at is None:
        return []
    return [name + PRESENT, *(_key(name, level, *_cell(at, level)) for level in range(len(WIDTHS)))]


def sort_value(found: Value) -> str | None:
    """`latitude|longitude`, from which the distance is computed."""
    at = point(found.value) if isinstance(found.value, dict) else None
    return None if at is None else f"{at.latitude!r}|{at.longitude!r}"


def circle(value: str) -> Circle:
    """`latitude|longitude(|distance(|unit))`."""
    parts = [plain(part) for part in split(value, "|")]
    latitude, longitude, far, unit = (*parts, "", "")[:4] if 2 <= len(parts) <= 4 else ("", "", "", "")
    center = point({"latitude": latitude, "longitude": longitude})
    if center is None or (unit or "km") not in UNITS:
        raise UnknownParameter(f"near is latitude|longitude|distance|unit; the unit is one of {', '.join(UNITS)}.")
    if not far:
        return Circle(center, DEFAULT_KM)
    found = decimal(far)
    if found is None or found < 0:
        raise UnknownParameter("The distance of near is a number that is not negative.")
    return Circle(center, float(found) * UNITS[unit or "km"])


def distance(one: Point, other: Point) -> float:
    """Kilometres along the sphere."""
    south, north = math.radians(one.latitude), math.radians(other.latitude)
    half = math.sin((north - south) / 2) ** 2
    half += math.cos(south) * math.cos(north) * math.sin(math.radians(other.longitude - one.longitude) / 2) ** 2
    return 2 * EARTH_KM * math.asin(min(1.0, math.sqrt(half)))


def query(name: str, modifier: str, value: str) -> Condition:
    """The condition of one alternative."""
    if modifier:
        raise UnknownParameter(f"The modifier :{modifier[:32]} is not for {name}.")
    wanted = circle(value)
    return both([_around(name, wanted), {"$expr": {"$lte": [_computed(wanted.center, f"$s.{name}"), wanted.km]}}])


def _around(name: str, wanted: Circle) -> Condition:
    """Places in the cells that the circle touches."""
    for level in range(len(WIDTHS)):
        cells = list(_cells(wanted, level))
        if len(cells) <= MOST_CELLS:
            return equals([_key(name, level, *one) for one in cells])
    return equals([name + PRESENT])


def _cells(wanted: Circle, level: int) -> Iterator[tuple[int, int]]:
    """The cells of the circle's box; no more than one beyond the most that are asked for."""
    center, width = wanted.center, WIDTHS[level]
    up = wanted.km / KM_OF_DEGREE + MARGIN
    south, north = max(-90.0, center.latitude - up), min(90.0, center.latitude + up)
    narrow = math.cos(math.radians(max(abs(south), abs(north))))
    aside = 180.0 if up >= 90 or narrow < 1e-9 else min(180.0, up / narrow + MARGIN)
    around = round(360 / width)
    rows = range(math.floor(south / width), math.floor(north / width) + 1)
    first = math.floor((center.longitude - aside + 180) / width)
    columns = range(first, min(math.floor((center.longitude + aside + 180) / width) + 1, first + around))
    count = 0
    for row in rows:
        for column in columns:
            yield row, column % around
            count += 1
            if count > MOST_CELLS:
                return


def _cell(at: Point, level: int) -> tuple[int, int]:
    width = WIDTHS[level]
    return math.floor(at.latitude / width), math.floor((at.longitude + 180) / width) % round(360 / width)


def _key(name: str, level: int, row: int, column: int) -> str:
    return f"{name}{CELL}{level}:{row}:{column}"


def _computed(center: Point, field: str) -> dict[str, Any]:
    """The distance from a point in the database's words; the same as `distance`."""
    degrees = [{"$toDouble": {"$arrayElemAt": [{"$split": [field, "|"]}, one]}} for one in (0, 1)]
    latitude, longitude = ({"$degreesToRadians": one} for one in degrees)
    north, east = math.radians(center.latitude), math.radians(center.longitude)
    rise = {"$pow": [{"$sin": {"$divide": [{"$subtract": [latitude, north]}, 2]}}, 2]}
    turn = {"$pow": [{"$sin": {"$divide": [{"$subtract": [longitude, east]}, 2]}}, 2]}
    half = {"$add": [rise, {"$multiply": [math.cos(north), {"$cos": latitude}, turn]}]}
    return {"$multiply": [2 * EARTH_KM, {"$asin": {"$min": [1, {"$sqrt": half}]}}]}


def shown(position: Json, values: Sequence[str]) -> Decimal | None:
    """Kilometres from a position to the nearest of the points asked for, to the metre."""
    at = point(position)
    if at is None:
        return None
    found = min(distance(at, circle(one).center) for value in values for one in split(value, ","))
    return Decimal(f"{found:.3f}")
