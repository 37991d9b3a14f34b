"""
From the tree of ElementDefinitions to rules: what R4 itself asks is left out, and what is not understood is refused.

https://hl7.org/fhir/R4/elementdefinition.html
"""

from __future__ import annotations

from functools import cache
from typing import Any

from records.definitions import Element, official
from records.stored import Json
from records.validation.profiles.drafts import BASE, Draft, Find, draft, is_base
from records.validation.profiles.invariants import invariants
from records.validation.profiles.rules import (
    UNLIMITED,
    Discriminator,
    Invariant,
    Profile,
    Rule,
    Slicing,
    Type,
    Unusable,
)

FHIRPATH = "http://hl7.org/fhirpath/System."
KINDS = frozenset({"value", "pattern", "exists", "type", "profile"})
BY_URL = Slicing((Discriminator("value", "url"),))
BY_TYPE = Slicing((Discriminator("type", "$this"),))


def compile_profile(definition: Json, find: Find) -> Profile:
    """The profile of a StructureDefinition; Unusable says why it cannot be used."""
    kind = str(definition.get("type", ""))
    if definition.get("derivation") != "constraint" or not is_base(BASE + kind):
        raise Unusable("it is no constraint on a type of R4")
    tree = draft(definition, find)
    base = str(definition.get("baseDefinition", ""))
    return Profile(
        str(definition.get("url", "")), str(definition.get("version", "")), str(definition.get("name", "")), kind,
        _rule(kind, kind, tree, None, kind),
        tuple((str(one.get("type")), str(one.get("expression"))) for one in definition.get("context", ())),
        bool(_root(tree, definition).get("isModifier")), "" if is_base(base) else base,
    )  # fmt: skip


def _root(tree: Draft, definition: Json) -> Json:
    elements = definition.get("differential", {}).get("element") or [tree.element]
    return tree.element | (elements[0] if "." not in str(elements[0].get("path", "")) else {})


def _rule(name: str, identity: str, tree: Draft, known: Element | None, node: str) -> Rule:
    """`known` is what R4 says of the element, `node` the structure of what is inside (empty where it has several)."""
    # In a slice also what R4 asks anyway can tell it from others.
    listed = known if ":" not in identity else None
    element = tree.element
    least, most = element.get("min", 0), _most(element)
    node = node or _node_of(element)
    return Rule(
        name, identity,
        0 if known and least <= known.min else least,
        UNLIMITED if known and most == (known.max or UNLIMITED) else most,
        _types(element, known), _typed(element, "fixed"), _typed(element, "pattern"), _binding(element, listed),
        _invariants(element), _typed(element, "minValue"), _typed(element, "maxValue"), element.get("maxLength", 0),
        _slicing(name, identity, tree),
        {one: _child(one, identity, inner, node) for one, inner in tree.children.items()},
        {one: _rule(name, f"{identity}:{one}", inner, None, _node(known) if known else node)
         for one, inner in tree.slices.items()},
    )  # fmt: skip


def _child(name: str, identity: str, tree: Draft, node: str) -> Rule:
    known = _element(node, name) if node else None
    if node and known is None:
        raise Unusable(f"it speaks of {identity}.{name}, which R4 does not have")
    return _rule(name, f"{identity}.{name}", tree, known, _node(known))


@cache
def _element(node: str, name: str) -> Element | None:
    base = name.removesuffix("[x]")
    try:
        elements = official().structure(node).elements
    except KeyError:
        return None
    if base == name and base in elements:
        found = elements[base]
        return None if found.choice and found.name == base else found
    found_choice = next((one for one in elements.values() if one.name == base), None)
    return found_choice or _outside(node, base)


def _outside(node: str, name: str) -> Element | None:
    """What JSON has no structure for: the id of a resource, and the value of a primitive."""
    if name in ("id", "value", "extension", "implicitRules") or not node[:1].isupper():
        return Element(name)
    return None


def _node(known: Element | None) -> str:
    if known is None:
        return ""
    return known.reference or known.node or (known.types[0].code if len(known.types) == 1 else "")


def _node_of(element: Json) -> str:
    types = element.get("type", ())
    code = types[0].get("code", "") if len(types) == 1 else ""
    return code if code and not code.startswith(FHIRPATH) and code not in ("BackboneElement", "Element") else ""


def _most(element: Json) -> int:
    most = element.get("max", "*")
    return UNLIMITED if most == "*" else int(most)


def _types(element: Json, known: Element | None) -> tuple[Type, ...]:
    found = tuple(
        Type(one["code"], tuple(one.get("profile", ())), tuple(one.get("targetProfile", ())))
        for one in element.get("type", ())
        if not one["code"].startswith(FHIRPATH)
    )
    return () if known is not None and not known.node and _said_already(found, known) else found


def _said_already(found: tuple[Type, ...], known: Element) -> bool:
    plain = {one.code: frozenset(url.removeprefix(BASE) for url in one.targets) - {"Resource"} for one in found}
    official_ones = {one.code: one.targets for one in known.types}
    own_profiles = any(one.profiles and not one.profiles[0].startswith(f"{BASE}SimpleQuantity") for one in found)
    return plain == official_ones and not own_profiles


def _typed(element: Json, beginning: str) -> tuple[str, Any] | None:
    for name, value in element.items():
        if name.startswith(beginning) and name[len(beginning) : len(beginning) + 1].isupper():
            return name[len(beginning) :], value
    return None


def _binding(element: Json, known: Element | None) -> str:
    binding = element.get("binding") or {}
    if binding.get("strength") != "required" or not binding.get("valueSet"):
        return ""
    url = str(binding["valueSet"])
    listed = known is not None and known.binding == url.partition("|")[0] and known.binding in official().value_sets
    return "" if listed else url


def _invariants(element: Json) -> tuple[Invariant, ...]:
    return tuple(
        Invariant(one["key"], one.get("severity", "error"), one.get("human", ""), one["expression"])
        for one in element.get("constraint", ())
        if one.get("key") and one.get("expression") and (one["key"], one["expression"]) not in _base_rules()
    )


@cache
def _base_rules() -> frozenset[tuple[str, str]]:
    return frozenset((one.key, one.expression) for rules in invariants().values() for one in rules)


def _slicing(name: str, identity: str, tree: Draft) -> Slicing | None:
    if not tree.slices:
        return None
    found = tree.element.get("slicing")
    if found is None or not found.get("discriminator"):
        # What the specification slices by itself.
        usual = BY_URL if name in ("extension", "modifierExtension") else BY_TYPE if name.endswith("[x]") else None
        if found is None or usual is not None:
            return usual or Slicing()
    tests = tuple(Discriminator(one.get("type", ""), one.get("path", "")) for one in found.get("discriminator", ()))
    if foreign := [one.kind for one in tests if one.kind not in KINDS]:
        raise Unusable(f"it tells slices of {identity} apart by {foreign[0]}, which R4 does not have")
    return Slicing(tests, str(found.get("rules", "open")), bool(found.get("ordered")))
