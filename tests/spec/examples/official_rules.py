"""
Does an example break the rule that it is refused by? Asked of the official StructureDefinitions, not of our tables.

https://hl7.org/fhir/R4/structuredefinition.html
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from lxml import etree
from official_package import Example

Json = dict[str, Any]


class OfficialRules:
    """The rules of the package itself."""

    def __init__(self, package: list[Example]) -> None:
        self._definitions = {one.file: one for one in package if one.file.startswith("StructureDefinition-")}

    def broken(self, example: Example, entry: Mapping[str, Any]) -> bool:
        """Whether the rule of this entry is an official one, and the example breaks it."""
        match entry["rule"]:
            case "required":
                return self._missing(example, entry["element"])
            case "target":
                return self._target(example, entry["element"], entry["to"])
            case "txt-2":
                return self._has("Narrative", "txt-2") and _silent(example.resource["text"]["div"])
            case "bdl-7":
                return self._has("Bundle", "bdl-7") and _repeats(example.resource)
            case "id":
                return re.fullmatch(self._pattern_of_id(), example.id) is None
        raise AssertionError(f"no rule of the specification: {entry['rule']}")

    def _elements(self, name: str) -> list[Json]:
        found: list[Json] = self._definitions[f"StructureDefinition-{name}.json"].resource["snapshot"]["element"]
        return found

    def _element(self, path: str) -> Json:
        return next(one for one in self._elements(path.partition(".")[0]) if one["id"] == path)

    def _has(self, name: str, key: str) -> bool:
        return any(rule["key"] == key for one in self._elements(name) for rule in one.get("constraint", ()))

    def _missing(self, example: Example, path: str) -> bool:
        names = path.split(".")[1:]
        holders = _inside(example.resource, names[:-1])
        return self._element(path)["min"] > 0 and any(names[-1] not in one for one in holders)

    def _target(self, example: Example, path: str, to: str) -> bool:
        allowed = {url.rpartition("/")[2] for kind in self._element(path)["type"] for url in kind["targetProfile"]}
        used = {one["reference"].split("/")[-2] for one in _inside(example.resource, path.split(".")[1:])}
        return to in used and to not in allowed and "Resource" not in allowed

    def _pattern_of_id(self) -> str:
        kind = self._element("id.value")["type"][0]
        return next(one["valueString"] for one in kind["extension"] if one["url"].endswith("/regex"))


def _inside(node: Json, names: list[str]) -> Iterator[Json]:
    """Every object at these names, and at the same names further in (`item` holds items)."""
    if not names:
        yield node
        return
    found = node.get(names[0], [])
    for one in found if isinstance(found, list) else [found]:
        yield from _inside(one, names[1:])
        if names[0] in one:
            yield from _inside(one, names)


def _silent(div: str) -> bool:
    root = etree.fromstring(div)
    return not "".join(root.itertext()).strip() and root.find(".//{*}img") is None


def _repeats(bundle: Json) -> bool:
    seen = Counter(
        (one.get("fullUrl"), one["resource"].get("meta", {}).get("versionId")) for one in bundle["entry"]
    )
    return any(url and count > 1 for (url, _), count in seen.items())
