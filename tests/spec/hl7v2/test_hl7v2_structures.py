"""
Every message structure of every version, 2.1 to 2.8.2: a minimal message of each is parsed, answered and archived.

The messages are made from the grammar: what is required, in its order, nothing else. HL7 table 0354
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from hl7v2_world import Hl7World, acknowledged

from adapters.hl7v2.grammar.load import grammar
from adapters.hl7v2.grammar.model import Node
from adapters.hl7v2.grammar.structures import needs_trigger
from adapters.hl7v2.grammar.versions import VERSIONS
from adapters.hl7v2.parser import parse, read_header
from adapters.hl7v2.site import Site
from adapters.mllp.framing import Frame

SITE = Site("site-a")
# What a segment must have so that the message is about somebody and something.
SAID = {
    "PID": "1||L1^^^H01^MR||王^梅", "PV1": "1|I|W1", "EVN": "|20260301", "MSA": "AA|1",
    "OBX": "1|NM|A^甲^L||1||||||F",
}  # fmt: skip
SAMPLES = [(version, name) for version in VERSIONS for name in sorted(grammar(version).structures)]
# Their tables cannot be followed: a segment that may stand in two places at once, a header in the middle.
CONTRADICTORY = {(version, "SUR_P09") for version in VERSIONS} | {(version, "QBP_Qnn") for version in VERSIONS}


def required(node: Node) -> Iterator[str]:
    """Names of the segments that must be there; of a choice, and of a group that requires none, the first."""
    must = [child for child in node.children for _ in range(child.least)]
    for child in node.children[:1] if node.choice or not must else must:
        if child.group is None:
            yield child.name
        else:
            yield from required(child.group)


def minimal(version: str, name: str, control: str) -> bytes:
    """A message of that structure; its event is the one that it is called after."""
    code, _, event = name.partition("_")
    kind = f"{code}^{event or ('A19' if needs_trigger(code) else '')}^{name}".replace("^^", "^")
    head = f"MSH|^~\\&|HIS|H01|HIE|ZB|20260301080000||{kind}|{control}|P|{version}||||||UNICODE UTF-8"
    names = [one for one in required(grammar(version).structures[name]) if one != "MSH"]
    return "\r".join((head, *(f"{one}|{SAID.get(one, '1')}" for one in names), "")).encode()


class TestStructures:
    def test_how_many(self) -> None:
        """More than two thousand."""
        assert len(SAMPLES) > 2_000

    @pytest.mark.parametrize("version", VERSIONS)
    def test_grouped(self, version: str) -> None:
        """Each is read by the grammar of its structure: every segment finds its place, and none is missing."""
        strange = []
        for name in grammar(version).structures:
            message = parse(minimal(version, name, "1"), site=SITE)
            assert tuple(message.root.walk()) == message.segments
            wrong = [finding.text for finding in message.findings if finding.condition == "100"]
            if message.structure != name:
                # An event of its own in this version, which another structure serves.
                assert message.structure in grammar(version).structures
            elif wrong and (version, name) not in CONTRADICTORY:
                strange.append((name, wrong))

        assert strange == []

    @pytest.mark.slow
    async def test_through_intake(self, hl7: Hl7World) -> None:
        """Each is answered, archived as it came, and translated or kept; none becomes a dead letter."""
        intake, codes = hl7.services.intake, {}
        for at, (version, name) in enumerate(SAMPLES):
            raw = minimal(version, name, f"S{at}")
            answer = await intake.accept(Frame(raw, total=len(raw), peer="test"), "mllp") or b""
            codes[(version, name)] = acknowledged(answer)
            # A query is answered at once, and these ask for nothing that can be found.
            asked = intake.queries is not None and intake.queries.wants(read_header(raw))
            assert codes[(version, name)] == "AA" or asked, (version, name, answer)
            assert b"MSA|" in answer and f"|S{at}".encode() in answer
        async with asyncio.timeout(200):
            while await hl7.services.journal.pending():
                await asyncio.sleep(0.05)
        kept = {entry.control_id: entry for entry in await hl7.services.journal.search(limit=3_000)}

        assert await hl7.dead() == []
        assert len(kept) == len(SAMPLES)
        for at in range(0, len(SAMPLES), 97):
            assert await hl7.services.journal.raw(kept[f"S{at}"].id) == minimal(*SAMPLES[at], f"S{at}")
