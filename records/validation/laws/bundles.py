"""
Laws of Bundle and Parameters.

https://hl7.org/fhir/R4/bundle.html#invs, https://hl7.org/fhir/R4/parameters.html#invs
"""

from __future__ import annotations

from collections.abc import Callable

from records.stored import Json
from records.validation.laws.asking import Question, any_of, has, has_choice
from records.validation.walk import Law

REQUESTED = ("batch", "transaction", "history")
ANSWERED = ("batch-response", "transaction-response", "history")


def _only_in(name: str, *kinds: str) -> Question:
    return lambda node: node["type"] in kinds or not any(name in one for one in node.get("entry", ()))


def _always_in(name: str, *kinds: str) -> Question:
    return lambda node: node["type"] not in kinds or all(name in one for one in node.get("entry", ()))


def _exactly_in(name: str, *kinds: str) -> Question:
    only, always = _only_in(name, *kinds), _always_in(name, *kinds)
    return lambda node: only(node) and always(node)


def _distinct(node: Json) -> bool:
    if node["type"] == "history":
        return True
    seen = [
        (one["fullUrl"], one.get("resource", {}).get("meta", {}).get("versionId"))
        for one in node.get("entry", ())
        if "fullUrl" in one
    ]
    return len(set(seen)) == len(seen)


def _first(kind: str, resource_type: str) -> Callable[[Json], bool]:
    def holds(node: Json) -> bool:
        entries = node.get("entry", [{}])
        return node["type"] != kind or bool(entries[0].get("resource", {}).get("resourceType") == resource_type)

    return holds


def _identified(node: Json) -> bool:
    identifier = node.get("identifier", {})
    return node["type"] != "document" or ("system" in identifier and "value" in identifier)


def _one_content(node: Json) -> bool:
    return [has(node, "part"), has(node, "resource"), has_choice(node, "value")].count(True) == 1


BUNDLES: dict[str, tuple[Law, ...]] = {
    "Bundle": (
        Law("bdl-1", "Only a search or a history has a total.",
            lambda node: "total" not in node or node["type"] in ("searchset", "history")),
        Law("bdl-2", "Only an entry of a search has search.", _only_in("search", "searchset")),
        Law("bdl-3", "Entries of a batch, transaction or history have a request, no others do.",
            _exactly_in("request", *REQUESTED)),
        Law("bdl-4", "Entries of a batch-response, transaction-response or history have a response, no others do.",
            _exactly_in("response", *ANSWERED)),
        Law("bdl-7", "A fullUrl is there once, but for versions of one resource.", _distinct),
        Law("bdl-9", "A document has an identifier with a system and a value.", _identified),
        Law("bdl-10", "A document has a timestamp.", lambda node: node["type"] != "document" or "timestamp" in node),
        Law("bdl-11", "A document begins with a Composition.", _first("document", "Composition")),
        Law("bdl-12", "A message begins with a MessageHeader.", _first("message", "MessageHeader")),
    ),
    "Bundle.entry": (
        Law("bdl-5", "An entry has a resource, a request or a response.", any_of("resource", "request", "response")),
        Law("bdl-8", "A fullUrl names no version.", lambda node: "/_history/" not in node.get("fullUrl", "")),
    ),
    "Parameters.parameter": (
        Law("inv-1", "A parameter has one of a value, a resource or parts.", _one_content),
    ),
}  # fmt: skip
