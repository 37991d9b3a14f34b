"""An exchange whose engine of Subscriptions runs, quickly, and what tests say to it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from fhir_world import Json, World, observation

from hie.app import Services
from hie.exchange.leases import Leases
from hie.exchange.outbox_runner import OutboxRunner, Patience
from hie.fhir.subscriptions import wiring
from hie.fhir.subscriptions.fan_out import NAME as FAN_OUT
from hie.fhir.subscriptions.policy import Patience as Manners

BACKPORT = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-"
QUICK = Manners(first=0.05, longest=0.2, idle=0.02, settling=0.05, margin=5.0)
DEADLINE = 15.0
TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"


async def until(done: Callable[[], Any], seconds: float = DEADLINE) -> Any:
    """Wait for something to be so; fails where it is not in time."""
    end = time.monotonic() + seconds
    while True:
        found = done()
        if asyncio.iscoroutine(found):
            found = await found
        if found:
            return found
        assert time.monotonic() < end, "it did not happen in time"
        await asyncio.sleep(0.02)


@asynccontextmanager
async def engine(services: Services, manners: Manners = QUICK, owner: str = "one") -> AsyncIterator[asyncio.Event]:
    """A worker: the outbox and the deliveries."""
    stop = asyncio.Event()
    leases = Leases(services.client, services.settings.database_prefix, "consumers", owner, seconds=2.0)
    runner = OutboxRunner(services.outbox, leases, patience=Patience(idle=0.02, first=0.05))
    told = wiring.deliveries(services.fhir, owner, manners)
    tasks = [asyncio.create_task(one.run(stop)) for one in (runner, told)]
    try:
        yield stop
    finally:
        stop.set()
        await asyncio.wait_for(asyncio.gather(*tasks), 20)


def of_r4(endpoint: str, criteria: str = "Observation?code=1558-6", **changes: Any) -> Json:
    """A Subscription of R4."""
    channel: Json = {"type": "rest-hook", "endpoint": endpoint} | changes.pop("channel", {})
    return {
        "resourceType": "Subscription", "status": "requested", "reason": "to be told", "criteria": criteria,
        "channel": channel, **changes,
    }  # fmt: skip


def of_topic(
    endpoint: str, topic: str = "resource-change-Observation", content: str = "full-resource", *filters: str,
    **extensions: Any,
) -> Json:  # fmt: skip
    """A Subscription of a topic; extensions of the channel by their names in Python."""
    channel: Json = {
        "type": "rest-hook", "endpoint": endpoint, "payload": "application/fhir+json",
        "_payload": {"extension": [{"url": f"{BACKPORT}payload-content", "valueCode": content}]},
    }  # fmt: skip
    if extensions:
        channel["extension"] = [_extension(name, value) for name, value in extensions.items()]
    found = of_r4(endpoint, f"urn:hie:topic:{topic}", channel=channel)
    if filters:
        found["_criteria"] = {
            "extension": [{"url": f"{BACKPORT}filter-criteria", "valueString": one} for one in filters]
        }
    return found


def of_socket(topic: str = "resource-change-Observation", content: str = "id-only", **extensions: Any) -> Json:
    """A Subscription of a topic over a websocket."""
    found = of_topic("x", topic, content, **extensions)
    del found["channel"]["endpoint"]
    found["channel"]["type"] = "websocket"
    return found


def _extension(name: str, value: int) -> Json:
    kind = "valuePositiveInt" if name == "max_count" else "valueUnsignedInt"
    return {"url": BACKPORT + name.replace("_", "-"), kind: value}


async def subscribe(world: World, subscription: Json, account: str = "system", **options: Any) -> str:
    """Ask for a Subscription and wait until it is active; returns its id."""
    answer = await world.post("/Subscription", subscription, account=account, **options)
    assert answer.status_code == 201, answer.text
    name = answer.json()["id"]
    # Tests do not wait as long as processes that look now and then: this one looks at once.
    await world.services.interest.look()
    await until(lambda: has_status(world, name, "active"))
    return name


async def has_status(world: World, name: str, status: str) -> bool:
    return (await world.get(f"/Subscription/{name}", account="system")).json()["status"] == status


async def nothing_waits(world: World) -> bool:
    """Every change so far was judged."""
    return not (await world.services.outbox.waiting()).get(FAN_OUT)


async def change(world: World, *numbers: int, of: str = "p1", **elements: Any) -> None:
    """Put Observations o<number> one after the other."""
    for number in numbers:
        await world.made(observation(f"o{number}", of, **elements))


def patient_rule(organization: str = "370303-H01") -> Json:
    """A Consent by which p1 refuses an organization."""
    return {
        "resourceType": "Consent", "id": "c1", "status": "active",
        "scope": {"coding": [{"system": f"{TERMINOLOGY}/consentscope", "code": "patient-privacy"}]},
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "patient": {"reference": "Patient/p1"},
        "policyRule": {"coding": [{"system": f"{TERMINOLOGY}/v3-ActCode", "code": "OPTIN"}]},
        "provision": {
            "type": "deny",
            "actor": [
                {
                    "role": {"coding": [{"code": "PRCP"}]},
                    "reference": {"identifier": {"system": "urn:hie:organization", "value": organization}},
                }
            ],
        },
    }  # fmt: skip


def slower(**changes: Any) -> Manners:
    return replace(QUICK, **changes)
