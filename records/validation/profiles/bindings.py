"""
Required bindings of R4 itself that the gate has no list for; what nobody knows is told.

https://hl7.org/fhir/R4/terminologies.html#required
"""

from __future__ import annotations

from collections.abc import Iterator

from records.definitions import definitions
from records.errors import Issue
from records.stored import Json
from records.validation.profiles.items import Item, every, root_of
from records.validation.profiles.vocabulary import Vocabulary, codes_of, member


def check_bindings(resource: Json, vocabulary: Vocabulary) -> list[Issue]:
    """Codes that are not of the value set that R4 requires there."""
    return [issue for item in every(root_of(resource)) for issue in _checked(item, vocabulary)]


def _checked(item: Item, vocabulary: Vocabulary) -> Iterator[Issue]:
    value_set = _bound(item.path)
    if not value_set:
        return
    answers = [member(vocabulary, value_set, *one) for one in codes_of(item)]
    if answers and not any(answers):
        if None in answers:
            text = f"The value set {value_set} is not known here as a whole, so the code was not checked."
            yield Issue(item.expression, text, "not-supported", "information")
        else:
            yield Issue(item.expression, f"No code of the required value set {value_set}.", "code-invalid")


def _bound(path: str) -> str:
    """The value set of an element that the gate leaves open."""
    node, _, name = path.rpartition(".")
    if not node:
        return ""
    try:
        element = definitions().structure(node).elements.get(name)
    except KeyError:
        return ""
    found = element.binding if element else ""
    return found if found not in definitions().value_sets else ""
