"""
Every scenario file is played, and every line of it that begins with `>` holds where it stands.

`#` begins prose; segment lines up to a blank line are one message; `> <search> : <FHIRPath>` must yield true on the
searchset; `> ack : AE` is the last answer; `> dead : 1` counts dead letters; `> unmapped : 0005` (or `PV1-2`) was kept.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hl7v2_world import Hl7World, acknowledged, fhirpath

SCENARIOS = Path(__file__).parent / "scenarios"
FILES = sorted(SCENARIOS.glob("*.txt"))
SHOWN = 2_000


@dataclass(frozen=True, slots=True)
class Message:
    """Segment lines, and where they begin."""

    at: int
    text: str


@dataclass(frozen=True, slots=True)
class Expectation:
    """One line that begins with `>`."""

    at: int
    asked: str
    expected: str


def steps(text: str) -> Iterator[Message | Expectation]:
    """A scenario in its order; ValueError where a line is neither prose, segment nor expectation."""
    segments: list[str] = []
    begun = 0
    for at, line in enumerate([*text.splitlines(), ""], start=1):
        plain = line.strip()
        if plain and plain[0] not in "#>":
            begun = begun if segments else at
            segments.append(plain)
            continue
        if segments and not plain.startswith("#"):
            yield Message(begun, "\n".join(segments))
            segments = []
        if plain.startswith(">"):
            asked, colon, expected = plain[1:].partition(" : ")
            if not colon or not asked.strip() or not expected.strip():
                raise ValueError(f"line {at}: an expectation is `> what : expected`")
            yield Expectation(at, asked.strip(), expected.strip())


async def found(hl7: Hl7World, asked: str, expected: str) -> tuple[bool, Any]:
    """Whether an expectation holds, and what was found instead."""
    if asked == "ack":
        code = acknowledged(hl7.answers[-1]) if hl7.answers else ""
        return code == expected, code
    await hl7.drain()
    if asked == "dead":
        dead = await hl7.dead()
        return len(dead) == int(expected), dead
    if asked == "unmapped":
        kept = await hl7.unmapped()
        return any(expected in (one["code"], one["location"]) for one in kept), kept
    bundle = await hl7.search(asked)
    result = fhirpath(bundle, expected)
    return result == [True], {"result": result, "resources": [entry["resource"] for entry in bundle.get("entry", ())]}


async def failures(hl7: Hl7World, text: str) -> list[str]:
    """Play a scenario; one line for each expectation that does not hold."""
    missed = []
    told = 0
    for step in steps(text):
        if isinstance(step, Message):
            await hl7.send(step.text)
            continue
        told += 1
        holds, instead = await found(hl7, step.asked, step.expected)
        if not holds:
            shown = json.dumps(instead, ensure_ascii=False, default=str)[:SHOWN]
            missed.append(f"line {step.at}: > {step.asked} : {step.expected}\n    found: {shown}")
    return missed if told else ["the file expects nothing"]


class TestScenarios:
    @pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
    async def test_scenario(self, hl7: Hl7World, file: Path) -> None:
        """What the file tells comes true, and nothing becomes a dead letter that it does not speak of."""
        text = file.read_text(encoding="utf-8")
        missed = await failures(hl7, text)
        await hl7.drain()
        if "> dead :" not in text:
            missed += [f"dead letter: {reason}" for reason in await hl7.dead()]

        assert not missed, "\n" + "\n".join(f"{file.name} {line}" for line in missed)


ADMISSION = """
# A line of prose.
MSH|^~\\&|HIS|H01|HIE|ZB|20260301080000||ADT^A01^ADT_A01|1|P|2.5.1
EVN||20260301080000
PID|1||L1^^^H01^MR||王^晓梅||19850612|F|||||||||||||||||||||Q
PV1|1|XX|W1^^1||||||||||||||||V1^^^H01
"""


class TestRunner:
    async def test_holds(self, hl7: Hl7World) -> None:
        """An admission is played and found; a class that nobody knows is counted."""
        text = f"{ADMISSION}> ack : AA\n> Encounter?identifier=V1 : entry.resource.status = 'in-progress'\n"
        assert await failures(hl7, f"{text}> dead : 0\n> unmapped : XX\n> unmapped : PV1-2\n") == []

    async def test_shown(self, hl7: Hl7World) -> None:
        """Each expectation that fails is shown, with its line and what was found."""
        text = f"{ADMISSION}> ack : AE\n> Encounter : entry.resource.status = 'planned'\n> dead : 1\n> unmapped : YY\n"
        missed = await failures(hl7, text)

        assert [line.split(":")[0] for line in missed] == ["line 7", "line 8", "line 9", "line 10"]
        assert "AA" in missed[0]
        assert '"status": "in-progress"' in missed[1]

    async def test_nothing_expected(self, hl7: Hl7World) -> None:
        """A file without expectations shows nothing."""
        assert await failures(hl7, ADMISSION) == ["the file expects nothing"]

    def test_malformed(self) -> None:
        """A line that begins with `>` and expects nothing is a mistake of the file."""
        with pytest.raises(ValueError, match="line 1"):
            list(steps("> Encounter?identifier=V1"))

    def test_files(self) -> None:
        """There are scenarios at all."""
        assert FILES
