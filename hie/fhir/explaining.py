"""
_explain=true: how a search is answered, for those who keep the exchange running.

What it says holds no value: parameters, kinds of keys, stages, indexes, counts.
"""

from __future__ import annotations

import json

from hie.errors import Refused
from hie.fhir.call import Answer, Call, Params
from records.errors import UnknownParameter
from records.search import paging
from records.search.explaining import Explanation, explain
from records.search.request import read
from records.search.run import sorts
from records.stored import Visibility, encode

NAME = "_explain"
OPERATORS = frozenset({"administrator"})


def is_asked(params: Params) -> bool:
    """Whether the search is to be explained; UnknownParameter where it says neither yes nor no."""
    values = {value for name, value in params if name == NAME}
    if values - {"true", "false"}:
        raise UnknownParameter("_explain is true or false.")
    return "true" in values


async def explained(call: Call, resource_type: str, params: Params, visibility: Visibility) -> Answer:
    """The explanation of a search of a type, as Parameters; Refused where the caller is no operator."""
    caller = call.caller
    if caller.role not in OPERATORS and not any(one.context == "system" for one in caller.scopes):
        raise Refused("Searches are explained to systems and administrators.")
    asked = tuple(pair for pair in params if pair[0] != NAME)
    store = call.services.store
    condition = await store.condition(resource_type, asked, visibility=visibility)
    if condition is None:
        return _answer(resource_type, Explanation(None))
    request = read(resource_type, asked)
    order = paging.order(sorts(request))
    count = call.services.settings.fhir_default_count if request.count is None else request.count
    limit = min(count, call.services.settings.fhir_max_count) + 1
    return _answer(resource_type, await explain(store.collections.of(resource_type), condition, order, limit))


def _answer(resource_type: str, found: Explanation) -> Answer:
    texts = [("condition", json.dumps(found.shape, ensure_ascii=False))]
    texts += [*(("stage", one) for one in found.stages), *(("index", one) for one in found.indexes)]
    numbers = {
        "keysExamined": found.keys, "documentsExamined": found.documents, "returned": found.found,
        "milliseconds": found.milliseconds,
    }  # fmt: skip
    parameters: list[dict[str, object]] = [{"name": "type", "valueCode": resource_type}]
    parameters += [{"name": name, "valueString": value} for name, value in texts]
    parameters += [{"name": name, "valueInteger": value} for name, value in numbers.items()]
    body = encode({"resourceType": "Parameters", "parameter": parameters})
    return Answer(200, body, interaction="search", resource_type=resource_type)
