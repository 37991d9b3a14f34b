"""
A whole resource: against a profile, against the profiles that it says of itself, and every extension in it.

https://hl7.org/fhir/R4/resource.html#profile-tags, https://hl7.org/fhir/R4/extensibility.html
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from records.definitions import definitions
from records.errors import Issue
from records.stored import Json
from records.validation.profiles import checking
from records.validation.profiles.checking import Findings
from records.validation.profiles.drafts import is_base
from records.validation.profiles.items import Item, every, root_of
from records.validation.profiles.known import Known
from records.validation.profiles.rules import Rule, Unusable


def check_profile(resource: Json, canonical: str, known: Known) -> list[Issue]:
    """Everything by which the resource does not conform; a profile that is not known is an error, never silence."""
    return _checked(root_of(resource), canonical, known, "error")


def claims(resource: Json) -> Iterator[tuple[Item, str]]:
    """Every resource in this one, and each profile that it says it conforms to."""
    for item in every(root_of(resource)):
        meta = item.value.get("meta") if isinstance(item.value, dict) and definitions().is_resource(item.type) else None
        named = meta.get("profile") if isinstance(meta, dict) else None
        for canonical in named if isinstance(named, list) else ():
            if isinstance(canonical, str):
                yield item, canonical


def extensions_used(resource: Json) -> set[str]:
    """The addresses of all extensions in it."""
    return {
        item.value["url"]
        for item in every(root_of(resource))
        if item.type == "Extension" and isinstance(item.value, dict) and isinstance(item.value.get("url"), str)
    }


def check_claims(resource: Json, known: Known, *, unknown: str = "warning", but: Collection[str] = ()) -> list[Issue]:
    """
    By what the resource, and what it holds, does not conform to the profiles that they claim.

    `unknown` is how bad it is that a profile is not known here; `but` are those of the resource already looked at.
    """
    found = list[Issue]()
    for item, one in claims(resource):
        if item.value is not resource or one not in but:
            found += _checked(item, one, known, unknown)
    return found


def _checked(item: Item, canonical: str, known: Known, unknown: str) -> list[Issue]:
    if is_base(canonical):
        return _base(item, canonical)
    try:
        profile = known.profile(canonical)
        if profile is None:
            text = f"The profile {canonical[:200]} is not known here, so nothing was checked against it."
            return [Issue(item.expression, text, "not-found", unknown)]
        if profile.type not in (item.type, *checking.ANY_RESOURCE):
            text = f"The profile {canonical} is about {profile.type}, not {item.type}."
            return [Issue(item.expression, text, "invalid")]
        findings = Findings(known, trail=((canonical, id(item.value)),))
        checking.check(item, profile.rule, findings)
        return findings.issues
    except Unusable as reason:
        return [Issue(item.expression, f"The profile {canonical} cannot be used: {reason}.", "not-supported")]


def _base(item: Item, canonical: str) -> list[Issue]:
    """A type of R4 as its own profile: the gate asks that already."""
    findings = Findings(Known())
    kind = canonical.partition("|")[0].rpartition("/")[2]
    if kind not in (item.type, *checking.ANY_RESOURCE):
        findings.report(item, Rule("", kind), f"This is a {item.type}, not a {kind}.", "invalid")
    return findings.issues
