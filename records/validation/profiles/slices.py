"""
Which slice an item is of, by the discriminators; an item is of the first slice whose tests it all meets.

https://hl7.org/fhir/R4/profiling.html#discriminator
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from records.validation.profiles import checking, targets
from records.validation.profiles.items import Item, named
from records.validation.profiles.rules import Discriminator, Rule, Unusable

if TYPE_CHECKING:
    from records.validation.profiles.checking import Findings

_STEP = re.compile(
    r"(?:(?P<extension>extension)\('(?P<url>[^']+)'\)|(?P<resolve>resolve)\(\)|ofType\((?P<type>\w+)\)"
    r"|(?P<this>\$this)|(?P<name>[A-Za-z_]\w*))(?:\.|$)"
)


def slice_of(item: Item, rule: Rule, found: Findings) -> str | None:
    """The name of the slice, or None; Unusable where the slices cannot be told apart."""
    assert rule.slicing is not None
    tests = rule.slicing.discriminators
    for name, inner in rule.slices.items():
        if (all(_meets(item, inner, one, found) for one in tests)) if tests else checking.conforms(item, inner, found):
            return name
    return None


def _meets(item: Item, rule: Rule, test: Discriminator, found: Findings) -> bool:
    if item.type == "Extension" and test.path == "url" and (url := _url(rule)):
        return bool(item.content.get("url") == url)
    through = test.kind in ("profile", "type") and test.path.endswith("resolve()")
    path = test.path.removesuffix("resolve()").removesuffix(".") or "$this" if through else test.path
    ends = list(_follow(item, rule, path, found))
    asked = [inner for _, inner in ends]
    items = [one for ones, _ in ends for one in ones]
    if not asked:
        raise Unusable(f"slice {rule.id} says nothing of {test.path}, by which it is to be told apart")
    match test.kind:
        case "exists":
            return bool(items) == _expected(asked[0], rule, test)
        case "type" if not through:
            return _typed(items, asked[0], rule)
        case "profile" | "type":
            return any(_of_profile(one, asked[0], found) for one in items)
        case _:
            if not any(one.says_what for one in asked):
                raise Unusable(f"slice {rule.id} has no value at {test.path}, by which it is to be told apart")
            return any(checking.conforms(one, inner, found) for ones, inner in ends for one in ones)


def _url(rule: Rule) -> str:
    """The address of the extensions of this slice: written out, or that of their profile."""
    child = rule.children.get("url")
    if child is not None and child.fixed:
        return str(child.fixed[1])
    profiles = [url for one in rule.types for url in one.profiles]
    return profiles[0].partition("|")[0] if profiles else ""


def _expected(asked: Rule, rule: Rule, test: Discriminator) -> bool:
    if asked.max == 0:
        return False
    if asked.min > 0:
        return True
    raise Unusable(f"slice {rule.id} does not say whether {test.path} exists")


def _typed(items: list[Item], asked: Rule, rule: Rule) -> bool:
    if not asked.types:
        raise Unusable(f"slice {rule.id} names no type, by which it is to be told apart")
    codes = {one.code for one in asked.types}
    return bool(items) and all(one.type in codes for one in items)


def _of_profile(item: Item, asked: Rule, found: Findings) -> bool:
    profiles = [url for one in asked.types for url in (one.targets if one.code == "Reference" else one.profiles)]
    if item.type == "Reference":
        return targets.resolved_conforms(item, profiles, found)
    if not profiles:
        raise Unusable(f"{asked.id} names no profile, by which it is to be told apart")
    return any(conforms_to(item, asked, url, found) for url in profiles)


def conforms_to(item: Item, rule: Rule, url: str, found: Findings) -> bool:
    """Whether the element conforms to a profile that is known."""
    if found.known.profile(url) is None:
        raise Unusable(f"the profile {url}, by which slices are told apart, is not known here")
    aside = found.aside()
    checking.enter(item, rule, url, aside)
    return not aside.failed


def _follow(item: Item, rule: Rule, path: str, found: Findings) -> Iterator[tuple[list[Item], Rule]]:
    """What the path leads to, in the item and in the slice's rules."""
    places: list[tuple[list[Item], Rule]] = [([item], rule)]
    at = 0
    while at < len(path):
        step = _STEP.match(path, at)
        if step is None:
            raise Unusable(f"the discriminator path {path} is not understood")
        places = [one for items, inner in places for one in _step(items, inner, step, found)]
        at = step.end()
    yield from places


def _step(items: list[Item], rule: Rule, step: re.Match[str], found: Findings) -> Iterator[tuple[list[Item], Rule]]:
    if step["this"]:
        yield items, rule
    elif step["type"]:
        yield [one for one in items if one.type == step["type"]], rule
    elif step["resolve"]:
        yield from targets.through(items, rule, found)
    elif step["extension"]:
        inside = [one for item in items for one in named(item, "extension") if one.content.get("url") == step["url"]]
        for inner in _members(rule, "extension", found):
            yield from ((inside, one) for one in inner.slices.values() if _url(one) == step["url"])
    else:
        inside = [one for item in items for one in _values(item, step["name"])]
        for inner in _members(rule, step["name"], found):
            # Values that are said of a slice inside are as good as said of the element.
            yield inside, inner


def _values(item: Item, name: str) -> list[Item]:
    return named(item, name) or named(item, f"{name}[x]")


def _members(rule: Rule, name: str, found: Findings) -> Iterator[Rule]:
    """The rules of a member: the slice's own, or those of the profile that the slice's type has."""
    own = rule.children.get(name) or rule.children.get(f"{name}[x]")
    if own is not None:
        yield own
        return
    if (rule.fixed or rule.pattern) and (inner := _part(rule, name)):
        yield inner
        return
    for inner in rule.slices.values():
        yield from _members(inner, name, found)
    for one in rule.types:
        for url in one.profiles:
            profile = found.known.profile(url)
            if profile is not None:
                yield from _members(profile.rule, name, found)


def _part(rule: Rule, name: str) -> Rule | None:
    """The member of a fixed value or of a pattern, as a rule of its own."""
    for kind, said in (("fixed", rule.fixed), ("pattern", rule.pattern)):
        if said and isinstance(said[1], dict) and name in said[1]:
            part = said[1][name]
            inner = part[0] if isinstance(part, list) and part else part
            fixed, pattern = (("", inner), None) if kind == "fixed" else (None, ("", inner))
            return Rule(name, f"{rule.id}.{name}", fixed=fixed, pattern=pattern)
    return None
