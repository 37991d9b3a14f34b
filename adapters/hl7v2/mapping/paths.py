"""
The guide's target paths (`participant[1].individual(Practitioner)`), resolved against the definitions of R4.

https://build.fhir.org/ig/HL7/v2-to-fhir/mapping_guidelines.html (FHIR attribute)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Structures = Mapping[str, Any]
_STEP = re.compile(r"(?P<name>[a-zA-Z]+)?(?:\[(?P<instance>\d+|each)\])?")
_RESOURCE = re.compile(r"([A-Z][A-Za-z]+)(?:\[\d+\])?(?:\.(.+))?", re.DOTALL)


class NotAPath(Exception):
    """No such element in R4, or not of the syntax."""


@dataclass(frozen=True, slots=True)
class Step:
    """
    One element on the way: its `name` in JSON ("" the thing itself), which `instance` of a list, whether it is a
    `listed` one, its `type`, and the type of the `resource` that a Reference leads into.
    """

    name: str
    type: str
    listed: bool = False
    instance: int = 0
    resource: str = ""


def resolve(path: str, root: str, structures: Structures) -> tuple[Step, ...]:
    """The steps of a path that starts at a resource or data type. Raises NotAPath."""
    if path in ("$this", "$value"):
        return ()
    parts = _split(path)
    if parts and parts[0] == root:
        parts = parts[1:]
    return _walk(parts, root, structures)


def _walk(parts: list[str], at: str, structures: Structures) -> tuple[Step, ...]:
    steps: list[Step] = []
    for part in parts:
        name, instance, inside = _part(part)
        if not name:
            steps.append(Step("", at, listed=True, instance=instance))
        else:
            steps += _element(name, at, instance, structures)
            at = _type(name, at, structures)
        if inside:
            steps[-1:] = _into(steps[-1], inside, structures)
            at = steps[-1].type
    return tuple(steps)


def _split(path: str) -> list[str]:
    """At the dots outside of brackets."""
    parts, depth, begun = [], 0, 0
    for at, letter in enumerate(path):
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if letter == "." and depth == 0:
            parts.append(path[begun:at])
            begun = at + 1
    if depth:
        raise NotAPath("unbalanced brackets")
    return [*parts, path[begun:]]


def _part(part: str) -> tuple[str, int, str]:
    """Name, instance and what is in brackets."""
    outside, bracket, inside = part.strip().partition("(")
    inside, _, after = inside.rpartition(")") if bracket else ("", "", "")
    match = _STEP.fullmatch(outside + after)
    if match is None or not part.strip() or (bracket and not match["name"]):
        raise NotAPath(f"not understood: {part}")
    instance = match["instance"] or "0"
    return match["name"] or "", 0 if instance == "each" else int(instance), inside


def _row(name: str, at: str, structures: Structures) -> tuple[Mapping[str, Any], str]:
    """The definition of an element, and the type that its name chooses."""
    for element in structures.get(at, {}).get("elements", ()):
        if element["name"] == name and not element.get("choice"):
            return element, element.get("node") or element.get("reference") or element["types"][0][0]
        if element.get("choice") and name.startswith(element["name"]):
            for kind in element["types"]:
                if name[len(element["name"]) :] in (kind[0][:1].upper() + kind[0][1:],):
                    return element, kind[0]
    raise NotAPath(f"no element {name} in {at}")


def _type(name: str, at: str, structures: Structures) -> str:
    if name in ("extension", "modifierExtension"):
        return "Extension"
    return _row(name, at, structures)[1]


def _element(name: str, at: str, instance: int, structures: Structures) -> list[Step]:
    if name == "extension":
        return [Step("extension", "Extension", listed=True, instance=instance)]
    element, kind = _row(name, at, structures)
    return [Step(name, kind, listed=element.get("max", 1) != 1, instance=instance)]


def _into(step: Step, inside: str, structures: Structures) -> list[Step]:
    """`individual(Practitioner.name)`: through the reference; `note(Annotation.text)`: the type named once more."""
    match = _RESOURCE.fullmatch(inside.strip())
    if match is None or match[1] not in structures:
        raise NotAPath(f"no type: {inside}")
    further = _walk(_split(match[2]), match[1], structures) if match[2] else ()
    if step.type != "Reference":
        return [step, *further]
    return [Step(step.name, match[1], step.listed, step.instance, resource=match[1]), *further]
