"""
Extensions that a resource uses: those that are defined are checked by their definition; the others are named.

https://hl7.org/fhir/R4/defining-extensions.html
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from records.definitions import definitions
from records.errors import Issue
from records.stored import Json
from records.validation.profiles import checking
from records.validation.profiles.engine import holds
from records.validation.profiles.items import Item, children, root_of
from records.validation.profiles.known import Known
from records.validation.profiles.rules import Profile, Unusable

HL7 = "http://hl7.org/fhir/StructureDefinition/"
# Where HL7's own package has them, against its own definitions.
CONTEXT_ERRATA = {
    f"{HL7}structuredefinition-fhir-type": ("ElementDefinition.type",),
    f"{HL7}regex": ("ElementDefinition.type",),
    f"{HL7}structuredefinition-standards-status": ("ElementDefinition", "DomainResource"),
    f"{HL7}structuredefinition-wg": ("DomainResource",),
    f"{HL7}structuredefinition-fmm": ("DomainResource",),
    f"{HL7}structuredefinition-normative-version": ("ElementDefinition", "DomainResource"),
    f"{HL7}valueset-concept-comments": ("CodeSystem.concept",),
    f"{HL7}valueset-concept-definition": ("CodeSystem.concept",),
}


def check_extensions(resource: Json, known: Known) -> list[Issue]:
    """What is wrong with the extensions, and which of them nobody here knows."""
    return list(_inside(root_of(resource), known))


def _inside(item: Item, known: Known) -> Iterator[Issue]:
    for one in children(item):
        if one.type == "Extension":
            yield from _extension(one, item, known)
        yield from _inside(one, known)


def _extension(item: Item, holder: Item, known: Known) -> Iterator[Issue]:
    url = item.content.get("url")
    modifying = item.place[1] == "modifierExtension"
    if not isinstance(url, str) or (holder.type == "Extension" and ":" not in url):
        # A part of a complex extension is defined with the whole.
        return
    try:
        profile = known.profile(url)
    except Unusable as reason:
        yield Issue(item.expression, f"The definition of this extension cannot be used: {reason}.", "not-supported",
                    "warning")  # fmt: skip
        return
    if profile is None:
        text = "This extension is not defined here, so it was not checked."
        yield Issue(item.expression, text, "extension", "warning" if modifying else "information")
        return
    yield from _defined(item, holder, profile, known, modifying=modifying)


def _defined(item: Item, holder: Item, profile: Profile, known: Known, *, modifying: bool) -> Iterator[Issue]:
    if profile.type != "Extension":
        yield Issue(item.expression, f"The address is that of a profile on {profile.type}.", "extension")
        return
    if profile.modifier != modifying:
        right = "modifierExtension" if profile.modifier else "extension"
        yield Issue(item.expression, f"By its definition it stands in {right}.", "extension")
    errata = [("element", one) for one in CONTEXT_ERRATA.get(profile.url, ())]
    if profile.contexts and not any(_in_context(holder, *one) for one in (*profile.contexts, *errata)):
        places = ", ".join(one for _, one in profile.contexts)
        yield Issue(item.expression, f"By its definition it may only be in {places}.", "extension")
    findings = checking.Findings(known, trail=((profile.url, id(item.value)),))
    checking.check(item, profile.rule, findings)
    yield from findings.issues


def _in_context(holder: Item, kind: str, expression: str) -> bool:
    if kind == "fhirpath":
        # Where it cannot be asked, nobody is accused.
        return holds(expression, holder) is not False
    if kind == "extension":
        return holder.type == "Extension" and holder.content.get("url") == expression
    return _plain(expression) in _kinds(holder)


def _plain(expression: str) -> str:
    return "Element" if expression in ("Any", "*") else expression.removesuffix("[x]")


@cache
def _names(path: str, kind: str, node: str) -> frozenset[str]:
    found = {path.removesuffix("[x]"), kind, node, "Element"}
    if definitions().is_resource(kind):
        found |= {"Resource"}
        found |= {"DomainResource"} if "contained" in definitions().structure(kind).elements else set()
    return frozenset(found)


def _kinds(holder: Item) -> frozenset[str]:
    """What the holder can be called in a context: its path, its type, and what that comes from."""
    return _names(holder.path, holder.type, holder.node)
