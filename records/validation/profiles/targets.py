"""
What a reference may point at: the type is always asked; the profile, where the resource came along.

What lies in the store is not fetched: a profile of the target is checked for contained resources and entries of the
same bundle. https://hl7.org/fhir/R4/references.html
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from records.validation.profiles import checking
from records.validation.profiles.drafts import BASE, is_base
from records.validation.profiles.items import Item
from records.validation.profiles.references import kind_of_reference, resolved
from records.validation.profiles.rules import Rule

if TYPE_CHECKING:
    from records.validation.profiles.checking import Findings


def check_target(item: Item, rule: Rule, allowed: Sequence[str], found: Findings) -> None:
    """A Reference to one of the types or profiles that are allowed."""
    target = resolved(item.content, item)
    kind = target.type if target is not None else kind_of_reference(item.content)
    types = {url: _type(url, found) for url in allowed}
    if kind is None or "Resource" in types.values():
        return
    fitting = [url for url, one in types.items() if one in (None, kind)]
    if not fitting:
        found.report(item, rule, f"A reference to {kind} is not allowed by the profile.", "value")
    elif target is not None and not any(is_base(url) for url in fitting):
        _profiled(item, target, rule, fitting, found)


def _profiled(item: Item, target: Item, rule: Rule, urls: Sequence[str], found: Findings) -> None:
    unknown = [url for url in urls if found.known.profile(url) is None]
    if any(_conforms(target, rule, url, found) for url in urls if url not in unknown):
        return
    if unknown:
        text = f"The profile {unknown[0]} is not known here, so the target was not checked."
        found.report(item, rule, text, "not-found", "warning")
    else:
        found.report(item, rule, f"What is referred to conforms to none of {', '.join(urls)}.", "structure")


def _conforms(target: Item, rule: Rule, url: str, found: Findings) -> bool:
    aside = found.aside()
    checking.enter(target, rule, url, aside)
    return not aside.failed


def resolved_conforms(item: Item, urls: Sequence[str], found: Findings) -> bool:
    """For slices by profile: the resource that came along conforms, or else the type of the reference fits."""
    target = resolved(item.content, item)
    if target is None:
        return kind_of_reference(item.content) in {_type(url, found) for url in urls}
    return any(
        target.type == url.removeprefix(BASE) if is_base(url) else _conforms(target, Rule("", "slice"), url, found)
        for url in urls
    )


def through(items: Sequence[Item], rule: Rule, found: Findings) -> Iterator[tuple[list[Item], Rule]]:
    """`resolve()` in a discriminator: the resources that came along, by the rules of the profiles they should have."""
    there = [one for one in (resolved(one.content, one) for one in items) if one is not None]
    for kind in rule.types:
        for url in kind.targets:
            profile = None if is_base(url) else found.known.profile(url)
            own = profile.rule if profile is not None else None
            yield there, own or Rule("", url)


def _type(url: str, found: Findings) -> str | None:
    """The resource type of a target; None where its profile is not known."""
    if is_base(url):
        return url.partition("|")[0].removeprefix(BASE)
    profile = found.known.profile(url)
    return profile.type if profile else None
