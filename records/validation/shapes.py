"""
Shapes from structures: each element of the definitions becomes a check, once for the process.

https://hl7.org/fhir/R4/elementdefinition.html
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import cache, partial

from records.definitions import Element, Target, definitions
from records.stored import Json
from records.validation import checks, codes
from records.validation.laws import laws_of
from records.validation.narrative import narrative
from records.validation.primitives import TESTS
from records.validation.references import reference
from records.validation.scope import Place, Scope
from records.validation.walk import Check, Shape, walk

NO_RESOURCE = "This is no resource: an object with the resourceType of an R4 resource."
IDENTITY = ("id", TESTS["id"], "Not a valid id: 1 to 64 letters, digits, - and .", "value")


@cache
def shape_of(name: str) -> Shape:
    """The shape of a resource type, a datatype or a node; KeyError where R4 has none of that name."""
    structure = definitions().structure(name)
    known = dict(pair for json_name, one in structure.elements.items() for pair in _checks(json_name, one))
    if structure.kind == "resource":
        known |= {"resourceType": _resource_type, "id": checks.primitive(*IDENTITY)}
    names: defaultdict[str, list[str]] = defaultdict(list)
    for json_name, one in structure.elements.items():
        names[one.name] += [json_name, f"_{json_name}"]
    required = {one.name: tuple(names[one.name]) for one in structure.elements.values() if one.min}
    choices = {one.name: frozenset(names[one.name]) for one in structure.elements.values() if one.choice}
    return Shape(name, known, tuple(required.values()), tuple(choices.values()), laws_of(name, structure))


def _checks(name: str, one: Element) -> Iterator[tuple[str, Check]]:
    many = one.max != 1
    if inside := one.reference or one.node:
        yield name, _object(name, many, checks.shaped(partial(shape_of, inside), None))
        return
    target = _target(name, one)
    if target.code == "Resource":
        yield name, _object(name, many, _contained if name == "contained" else _resource)
    elif target.code in TESTS or target.code == "xhtml":
        yield name, _primitive(name, many, one, target.code)
        listed = checks.shadows if many else checks.shadow
        yield f"_{name}", listed(f"_{name}", partial(shape_of, "Element"))
    else:
        yield name, _object(name, many, checks.shaped(partial(shape_of, target.code), _after(one, target)))


def _target(name: str, one: Element) -> Target:
    if not one.choice:
        return one.types[0]
    return next(target for target in one.types if one.name + target.code[0].upper() + target.code[1:] == name)


def _object(name: str, many: bool, one: checks.ObjectCheck) -> Check:
    return checks.elements(name, one) if many else checks.element(name, one)


def _primitive(name: str, many: bool, one: Element, kind: str) -> Check:
    make = checks.primitives if many else checks.primitive
    bound = definitions().value_sets.get(one.binding) if one.binding else None
    if bound is not None:
        return make(name, codes.code(bound), "Not a code of the required value set.", "code-invalid")
    if kind == "xhtml":
        return make(name, narrative, "Not a div of XHTML without active content (txt-1, txt-2).", "invariant")
    return make(name, TESTS[kind], f"Not a valid {kind}.", "value")


def _after(one: Element, target: Target) -> checks.After | None:
    if target.code == "Reference":
        return reference(target.targets)
    bound = definitions().value_sets.get(one.binding) if one.binding else None
    return codes.concept(bound) if bound is not None and target.code == "CodeableConcept" else None


def kind_of(value: object) -> str | None:
    """The resource type of a resource; None where it is none of R4's."""
    kind = value.get("resourceType") if isinstance(value, dict) else None
    return kind if isinstance(kind, str) and definitions().is_resource(kind) else None


def _resource(value: object, place: Place, scope: Scope) -> None:
    """A resource with a life of its own, in a Bundle or Parameters: its local references stay within it."""
    if isinstance(value, dict):
        _nested(value, place, Scope(value, scope.found))
    else:
        scope.report(place, "", NO_RESOURCE, "structure")


def _contained(value: object, place: Place, scope: Scope) -> None:
    """A contained resource: its local references are to its siblings, or to the one around it."""
    if isinstance(value, dict) and "contained" in value:
        scope.report(place, "contained", "dom-2: A contained resource contains no other.", "invariant")
    elif isinstance(value, dict):
        _nested(value, place, scope)
    else:
        scope.report(place, "", NO_RESOURCE, "structure")


def _nested(value: Json, place: Place, scope: Scope) -> None:
    kind = kind_of(value)
    if kind is None:
        scope.report(place, "", NO_RESOURCE, "structure")
    else:
        walk(value, shape_of(kind), place, scope)


def _resource_type(value: object, node: Json, place: Place | None, scope: Scope) -> None:
    """The property resourceType itself, which chose the shape."""
