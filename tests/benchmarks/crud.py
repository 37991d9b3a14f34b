"""
FHIR create, read, update and delete over HTTP, with token, access decision, validation and audit trail.

Beside it: the same documents in bare pymongo, and a bare ASGI service that gives back the same body.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from random import Random

from tests.benchmarks.http import Http
from tests.benchmarks.measure import Floor, Operation, Result, Timing, measure
from tests.benchmarks.stage import Document, Stage, listens, until
from tests.free_ports import free_port

GROUP = "FHIR over HTTP"
ROUNDS = ((1, 200), (8, 600))  # clients, operations
WARM = 20
SHARES = {"create": 10, "read": 60, "update": 25, "delete": 5}
KINDS = ("create", "read", "update", "delete", "mix")


def observation(number: int, identity: str = "") -> bytes:
    """A blood glucose, as a laboratory writes it."""
    own = f'"id":"{identity}",' if identity else ""
    return (
        f'{{"resourceType":"Observation",{own}"identifier":[{{"system":"urn:hie:authority:BENCH","value":"{number}"}}],'
        '"status":"final","category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category"'
        ',"code":"laboratory"}]}],"code":{"coding":[{"system":"http://loinc.org","code":"1558-6","display":"空腹血糖"}]},'
        '"subject":{"reference":"Patient/bench-patient"},'
        f'"effectiveDateTime":"2026-11-20T09:{number % 60:02d}:00+08:00",'
        f'"valueQuantity":{{"value":{4 + number % 500 / 100:.2f},"unit":"mmol/L","system":"http://unitsofmeasure.org",'
        '"code":"mmol/L"},"referenceRange":[{"low":{"value":3.9,"unit":"mmol/L"},"high":{"value":6.1,"unit":"mmol/L"}}]}'
    ).encode()


async def run(stage: Stage) -> list[Result]:
    """Each kind by one client, for its time, and by several, for the speed; then the mix of 10/60/25/5."""
    (first,) = stage.https(1)
    await first("PUT", "/fhir/Patient/bench-patient", b'{"resourceType":"Patient","id":"bench-patient","active":true}')
    results = []
    async with _echo(stage) as port:
        for clients, usual in ROUNDS:
            count = stage.count(usual)
            ours = await _ours(stage, clients, count)
            bare = await _bare(stage, clients, count)
            echo = Floor("echo", await _echoed(port, clients, count))
            for kind in KINDS:
                floors = (Floor("pymongo", bare[kind]), *((echo,) if kind == "mix" else ()))
                results.append(Result(GROUP, f"{kind}, {clients} clients", ours[kind], floors))
    return results


async def _ours(stage: Stage, clients: int, count: int) -> dict[str, Timing]:
    https = stage.https(clients)
    ids: list[str] = []

    async def create(task: int, number: int) -> None:
        reply = await https[task]("POST", "/fhir/Observation", observation(number))
        ids.append(reply.headers["location"].split("/Observation/")[1].split("/")[0])

    async def read(task: int, number: int) -> None:
        await https[task]("GET", f"/fhir/Observation/{ids[number % len(ids)]}")

    async def update(task: int, number: int) -> None:
        identity = ids[number % len(ids)]
        await https[task]("PUT", f"/fhir/Observation/{identity}", observation(number + 1, identity))

    async def delete(task: int, _: int) -> None:
        await https[task]("DELETE", f"/fhir/Observation/{ids.pop()}")

    timings = await _kinds(count, clients, create, read, update, delete)
    for http in https:
        http.close()
    return timings


async def _bare(stage: Stage, clients: int, count: int) -> dict[str, Timing]:
    floor = stage.floor("crud")
    sample = await _sample(stage)
    numbers = itertools.count()
    ids: list[int] = []

    async def create(_: int, __: int) -> None:
        ids.append(next(numbers))
        await floor.insert_one({**sample, "_id": ids[-1]})

    async def read(_: int, number: int) -> None:
        await floor.find_one({"_id": ids[number % len(ids)]})

    async def update(_: int, number: int) -> None:
        identity = ids[number % len(ids)]
        await floor.replace_one({"_id": identity}, {**sample, "_id": identity, "v": number})

    async def delete(_: int, __: int) -> None:
        await floor.delete_one({"_id": ids.pop()})

    return await _kinds(count, clients, create, read, update, delete)


async def _kinds(
    count: int, clients: int, create: Operation, read: Operation, update: Operation, delete: Operation
) -> dict[str, Timing]:
    """Every kind on what the first one made; deletions last, so that the mix has what it needs."""
    single = {"create": create, "read": read, "update": update, "delete": delete}
    timings = {name: await measure(single[name], count, clients, WARM) for name in ("create", "read", "update")}
    plan = Random(1251).choices(list(SHARES), weights=list(SHARES.values()), k=count + WARM)

    async def mix(task: int, number: int) -> None:
        # Reads and updates stay in the first half; what is deleted comes off the end.
        await single[plan[number]](task, number % (count // 4))

    timings["mix"] = await measure(mix, count, clients, WARM)
    # A tenth stays over, for the mix has deleted some.
    timings["delete"] = await measure(delete, count // 2, clients)
    return timings


async def _sample(stage: Stage) -> Document:
    """A document as it is stored, search keys and all."""
    found: Document | None = await stage.database("emr")["Observation"].find_one({"p": "bench-patient", "d": False})
    assert found is not None
    return found


async def _echoed(port: int, clients: int, count: int) -> Timing:
    https: Sequence[Http] = [Http(port) for _ in range(clients)]

    async def one(task: int, number: int) -> None:
        await https[task]("POST", "/", observation(number))

    timing = await measure(one, 5 * count, clients, WARM)
    for http in https:
        http.close()
    return timing


@asynccontextmanager
async def _echo(stage: Stage) -> AsyncIterator[int]:
    port = free_port()
    options = ("--port", str(port), "--no-access-log", "--log-level", "warning")
    child = stage.start("echo", "uvicorn", "tests.benchmarks.echo:app", *options)
    await until(lambda: listens(port), "the echo", child)
    yield port
    stage.stop(child)
