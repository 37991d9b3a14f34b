"""
The topics that this server knows: what counts as an event, and which filters a subscriber may set; rule data.

R4 has no SubscriptionTopic; a topic is shown as a Basic resource with the elements of R5 as extensions.
http://hl7.org/fhir/uv/subscriptions-backport/components.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

from hie.fhir.call import Params, parse_query
from records.definitions import definitions
from records.stored import Interaction, Json

CANONICAL = "urn:hie:topic:"
R5 = "http://hl7.org/fhir/5.0/StructureDefinition/extension-SubscriptionTopic."
DEFINITION = "http://hl7.org/fhir/StructureDefinition/"
CHANGES: frozenset[Interaction] = frozenset({"create", "update"})


@dataclass(frozen=True, slots=True)
class Trigger:
    """
    A change of a resource: `current` is a search that the new version meets, `previous` one that the version before
    met (a creation had none, and passes). `filters` are the subscriber's own; a deletion asks the version before.
    """

    resource: str
    interactions: frozenset[Interaction] = CHANGES
    current: Params = ()
    previous: Params = ()
    filters: Params = ()


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic; `includes` (`Encounter:subject`) are shown with the resource it is about."""

    id: str
    title: str
    description: str
    triggers: tuple[Trigger, ...]
    filters: tuple[str, ...] = ()
    includes: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        """Its canonical address."""
        return CANONICAL + self.id


@lru_cache(maxsize=1)
def topics() -> Mapping[str, Topic]:
    """Every topic by its canonical address: those of the rules, and one for each type."""
    text = resources.files("hie.fhir.subscriptions").joinpath("rules/topics.json").read_text("utf-8")
    data = json.loads(text)
    known = [_topic(one) for one in data["topics"]]
    known += [_any_change(data["every_type"], name) for name in sorted(definitions().resource_types)]
    return {one.url: one for one in known}


def _topic(found: Mapping[str, Any]) -> Topic:
    return Topic(
        found["id"], found["title"], found["description"], tuple(_trigger(one) for one in found["triggers"]),
        tuple(found["filters"]), tuple(found["includes"]),
    )  # fmt: skip


def _trigger(found: Mapping[str, Any]) -> Trigger:
    return Trigger(
        found["resource"],
        frozenset(found["interactions"]),
        parse_query(found.get("current", "")),
        parse_query(found.get("previous", "")),
    )


def _any_change(found: Mapping[str, Any], name: str) -> Topic:
    trigger = Trigger(name, frozenset({"create", "update", "delete"}))
    return Topic(f"{found['id']}-{name}", f"{found['title']} {name}", found["description"], (trigger,))


def to_basic(topic: Topic) -> Json:
    """A topic as a Basic resource, in the words of R5."""
    shape = [_resource(topic.triggers[0]), *({"url": "include", "valueString": one} for one in topic.includes)]
    return {
        "resourceType": "Basic",
        "id": topic.id,
        "extension": [
            {"url": f"{R5}url", "valueUri": topic.url},
            {"url": f"{R5}title", "valueString": topic.title},
            {"url": f"{R5}description", "valueMarkdown": topic.description},
            *({"url": f"{R5}resourceTrigger", "extension": _shown(one, topic)} for one in topic.triggers),
            *({"url": f"{R5}canFilterBy", "extension": _filter(topic, one)} for one in topic.filters),
            *([{"url": f"{R5}notificationShape", "extension": shape}] if topic.includes else []),
        ],
        "modifierExtension": [{"url": f"{R5}status", "valueCode": "active"}],
        "code": {"coding": [{"system": "http://hl7.org/fhir/fhir-types", "code": "SubscriptionTopic"}]},
    }


def _resource(trigger: Trigger) -> Json:
    return {"url": "resource", "valueUri": DEFINITION + trigger.resource}


def _shown(trigger: Trigger, topic: Topic) -> list[Json]:
    criteria: list[Json] = [
        {"url": name, "valueString": "&".join(f"{key}={value}" for key, value in params)}
        for name, params in (("previous", trigger.previous), ("current", trigger.current))
        if params
    ]
    if criteria:
        criteria += [
            {"url": "resultForCreate", "valueCode": "test-passes"},
            {"url": "resultForDelete", "valueCode": "test-fails"},
            {"url": "requireBoth", "valueBoolean": True},
        ]
    return [
        {"url": "description", "valueMarkdown": topic.description},
        _resource(trigger),
        *({"url": "supportedInteraction", "valueCode": one} for one in sorted(trigger.interactions)),
        *([{"url": "queryCriteria", "extension": criteria}] if criteria else []),
    ]


def _filter(topic: Topic, name: str) -> list[Json]:
    return [_resource(topic.triggers[0]), {"url": "filterParameter", "valueString": name}]
