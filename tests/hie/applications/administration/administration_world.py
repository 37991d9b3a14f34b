"""The administration's world: messages that came in, were carried through, or died on the way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hie.app import Services
from hie.applications.administration.routes import module
from hie.workbench.desk import Module

DESK = "/workbench/administration"


@dataclass(frozen=True, slots=True)
class Frame:
    """What a channel hands over."""

    data: bytes
    truncated: bool = False
    total: int = 0
    problem: str = ""


def modules(services: Services) -> Sequence[Module]:
    return (module(services),)


def adt(control: str, sender: str = "HIS|H01", extra: str = "") -> bytes:
    lines = [
        f"MSH|^~\\&|{sender}|HIE|ZB|20261124080000||ADT^A04^ADT_A01|{control}|P|2.5.1|||||CHN|UNICODE UTF-8",
        "EVN|A04|20261124080000",
        "PID|1||L1^^^H01^MR||王^晓梅||19850612|F",
        "PV1|1|O" + "|" * 17 + "V1",
    ]
    return ("\r".join([*lines, *([extra] if extra else [])]) + "\r").encode()


def oru(control: str, code: str = "GLU^空腹血糖^LIS", sender: str = "LIS|H01", local: str = "L1") -> bytes:
    """A result whose code nobody knows yet."""
    lines = [
        f"MSH|^~\\&|{sender}|HIE|ZB|20261124080000||ORU^R01^ORU_R01|{control}|P|2.5.1|||||CHN|UNICODE UTF-8",
        f"PID|1||{local}^^^H01^MR||王^晓梅||19850612|F",
        "PV1|1|O" + "|" * 17 + "V1",
        f"OBR|1||F{control}|14771-0^空腹葡萄糖^LN|||20261124070000|||||||||||||||20261124080000||LAB|F",
        f"OBX|1|NM|{code}||7.1|mmol/L|3.9-6.1|H|||F|||20261124070000",
    ]
    return ("\r".join(lines) + "\r").encode()


async def send(services: Services, *messages: bytes, work: bool = True) -> list[str]:
    """Take messages in, and carry them to the stores; returns their ids."""
    for raw in messages:
        await services.intake.accept(Frame(raw, total=len(raw)), "mllp")
    if work:
        for entry in await services.journal.pending_in(range(services.settings.lanes), 100):
            await services.pipeline(entry)
    return [one.id for one in reversed(await services.journal.search(limit=len(messages)))]


async def kill(services: Services, *ids: str) -> None:
    """Make dead letters of these."""
    journal = services.journal
    for entry in await journal.pending_in(range(services.settings.lanes), 100):
        if entry.id in ids:
            await journal.conclude(entry, "dead", reason="The visit number is missing. PV1^1^19")
