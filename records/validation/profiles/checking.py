"""
Walks an element along the rules of a profile and reports everything that they ask in vain.

https://hl7.org/fhir/R4/profiling.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from records.errors import Issue
from records.validation.profiles import slices, targets, values
from records.validation.profiles.engine import holds
from records.validation.profiles.items import Item, named
from records.validation.profiles.known import Known
from records.validation.profiles.rules import UNLIMITED, Rule, Unusable
from records.validation.profiles.vocabulary import codes_of, member
from records.validation.scope import expression

ANY_RESOURCE = frozenset({"Resource", "DomainResource"})
DEEPEST = 40


@dataclass(slots=True)
class Findings:
    """What one walk found, and the definitions it goes by. `trail` are the profiles it is in, outermost first."""

    known: Known
    issues: list[Issue] = field(default_factory=list)
    trail: tuple[tuple[str, int], ...] = ()

    def report(self, item: Item, rule: Rule, text: str, code: str, severity: str = "error", name: str = "") -> None:
        """Note a finding about an element, or about a child of it that is not there."""
        place = (item.place, name, -1) if name else item.place
        whose = f" of {self.trail[-1][0]}" if self.trail else ""
        self.issues.append(Issue(expression(place), f"{text} ({rule.id}{whose})", code, severity))

    def aside(self, trail: tuple[tuple[str, int], ...] = ()) -> Findings:
        """A walk whose findings only answer a question."""
        return Findings(self.known, trail=trail or self.trail)

    @property
    def failed(self) -> bool:
        return any(one.severity in ("error", "fatal") for one in self.issues)


def check(item: Item, rule: Rule, found: Findings) -> None:
    """One element by its rule, and everything in it."""
    _types(item, rule, found)
    _value(item, rule, found)
    _bound(item, rule, found)
    for one in rule.invariants:
        _invariant(item, rule, found, one.key, holds(one.expression, item))
    for child in rule.children.values():
        _children(item, child, found)


def conforms(item: Item, rule: Rule, found: Findings) -> bool:
    """Whether the element keeps the rule; nothing is reported."""
    aside = found.aside()
    check(item, rule, aside)
    return not aside.failed


def _children(item: Item, rule: Rule, found: Findings) -> None:
    items = named(item, rule.name)
    count(item, items, rule, found)
    for one in items:
        check(one, rule, found)
    if rule.slices:
        _sliced(item, items, rule, found)


def count(item: Item, items: Sequence[Item], rule: Rule, found: Findings) -> None:
    """Cardinality: of an element, or of a slice."""
    name = rule.name.removesuffix("[x]")
    if len(items) < rule.min:
        found.report(item, rule, f"At least {rule.min} must be there, not {len(items)}.", "required", name=name)
    if rule.max != UNLIMITED and len(items) > rule.max:
        text = f"At most {rule.max} may be there, not {len(items)}." if rule.max else "This may not be there."
        found.report(item, rule, text, "structure", name=name)


def _sliced(parent: Item, items: Sequence[Item], rule: Rule, found: Findings) -> None:
    assert rule.slicing is not None
    assigned = [slices.slice_of(one, rule, found) for one in items]
    for name, inner in rule.slices.items():
        own = [one for one, where in zip(items, assigned, strict=True) if where == name]
        count(parent, own, inner, found)
        for one in own:
            check(one, inner, found)
    _order(items, assigned, rule, found)


def _order(items: Sequence[Item], assigned: Sequence[str | None], rule: Rule, found: Findings) -> None:
    assert rule.slicing is not None
    places = list(rule.slices)
    last = max((at for at, name in enumerate(assigned) if name is not None), default=-1)
    before = -1
    for at, (one, name) in enumerate(zip(items, assigned, strict=True)):
        if name is None:
            if rule.slicing.rules == "closed":
                found.report(one, rule, "It is of no slice, and the list is closed.", "structure")
            elif rule.slicing.rules == "openAtEnd" and at < last:
                found.report(one, rule, "What is of no slice stands at the end.", "structure")
        elif rule.slicing.ordered:
            if places.index(name) < before:
                found.report(one, rule, "The slices are not in their order.", "structure")
            before = max(before, places.index(name))


# One element


def _types(item: Item, rule: Rule, found: Findings) -> None:
    own = [one for one in rule.types if one.code == item.type or one.code in ANY_RESOURCE]
    if rule.types and not own and not (item.type == "BackboneElement" and rule.types[0].code == "Element"):
        found.report(item, rule, f"A {item.type} is not one of {', '.join(o.code for o in rule.types)}.", "structure")
        return
    if profiles := [url for one in own for url in one.profiles]:
        _profiles(item, rule, profiles, found)
    if allowed := [url for one in own for url in one.targets]:
        targets.check_target(item, rule, allowed, found)


def _profiles(item: Item, rule: Rule, urls: Sequence[str], found: Findings) -> None:
    """It conforms to one of them; where it is only one, to what it says in detail."""
    if len(urls) == 1:
        enter(item, rule, urls[0], found)
        return
    for url in urls:
        aside = found.aside()
        enter(item, rule, url, aside)
        if not aside.failed:
            found.issues += aside.issues
            return
    found.report(item, rule, f"It conforms to none of {', '.join(urls)}.", "structure")


def enter(item: Item, rule: Rule, url: str, found: Findings) -> None:
    """The rules of another profile for the same element."""
    step = (url, id(item.value))
    if step in found.trail or len(found.trail) > DEEPEST:
        return
    try:
        profile = found.known.profile(url)
    except Unusable as reason:
        found.report(item, rule, f"The profile {url} cannot be used: {reason}.", "not-supported")
        return
    if profile is None:
        text = f"The profile {url} is not known here, so it was not checked."
        found.report(item, rule, text, "not-found", "warning")
        return
    before, found.trail = found.trail, (*found.trail, step)
    if profile.type not in (item.type, *ANY_RESOURCE):
        found.report(item, rule, f"The profile {url} is about {profile.type}, not {item.type}.", "structure")
    else:
        check(item, profile.rule, found)
    found.trail = before


def _value(item: Item, rule: Rule, found: Findings) -> None:
    if rule.fixed and not values.same(item.value, rule.fixed[1]):
        found.report(item, rule, "It is not the fixed value.", "value")
    if rule.pattern and not values.fits(item.value, rule.pattern[1]):
        found.report(item, rule, "It does not have what the pattern asks.", "value")
    if rule.least and values.ordered(rule.least[1], item.value) is not True:
        found.report(item, rule, "It is below the least value, or cannot be compared with it.", "value")
    if rule.most and values.ordered(item.value, rule.most[1]) is not True:
        found.report(item, rule, "It is above the greatest value, or cannot be compared with it.", "value")
    if rule.longest and isinstance(item.value, str) and len(item.value) > rule.longest:
        found.report(item, rule, f"It is longer than {rule.longest} characters.", "too-long")


def _invariant(item: Item, rule: Rule, found: Findings, key: str, answer: bool | None) -> None:
    one = next(one for one in rule.invariants if one.key == key)
    if answer is None:
        found.report(item, rule, f"{key}: This rule could not be evaluated: {one.human}", "not-supported", "warning")
    elif not answer:
        found.report(item, rule, f"{key}: {one.human}", "invariant", one.severity)


def _bound(item: Item, rule: Rule, found: Findings) -> None:
    if not rule.value_set:
        return
    answers = [member(found.known.vocabulary, rule.value_set, system, code) for system, code in codes_of(item)]
    if any(answers):
        return
    if None in answers:
        text = f"The value set {rule.value_set} is not known here as a whole, so the code was not checked."
        found.report(item, rule, text, "not-supported", "warning")
    elif answers or "extension" not in item.content:
        found.report(item, rule, f"No code of the required value set {rule.value_set}.", "code-invalid")
