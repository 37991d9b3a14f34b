"""Spoiled messages: odd content never breaks the translator and never becomes invalid FHIR."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from fhir.resources.R4B import get_fhir_model_class
from to_fhir_world import parse, run, samples

from adapters.hl7v2.to_fhir import FAMILIES
from records.stored import encode

JUNK = (
    "²",
    "２",
    "-1",
    "0",
    "99999999999999",
    "^",
    "^^^",
    "&",
    "~",
    "a&b&c^d~e",
    '""',
    '"" ',
    "王",
    "  ",
    "0001",
    "19000101120000",
    "1e999",
    "<",
    "< 5",
    "1-2-3",
    "F",
    "D",
    "W",
    "^^^&&&",
    "\x00",
    "http://x y",
    "1^2^3^4^5^6^7^8^9^10^11^12",
    "\u3000",
    "Ⅷ",
    ".",
    "-",
    "+",
    "24000000",
    "20241231235960",
    "202401010000+9999",
    "\t",
    "A" * 300,
)


def spoil(text: str, chance: random.Random) -> str:
    """The message with an eighth of its fields replaced and some segments lost; MSH stays."""
    lines = text.split("\r")
    spoilt = [lines[0]]
    for line in lines[1:]:
        name, *fields = line.split("|")
        if chance.random() > 0.05:
            spoilt.append(
                "|".join([name, *(chance.choice(JUNK) if chance.random() < 0.12 else field for field in fields)])
            )
    return "\r".join(spoilt)


class TestNoise:
    """Whatever a sender puts into a field."""

    @pytest.mark.parametrize("seed", range(3))
    def test_spoilt_samples(self, shared_data: Path, seed: int) -> None:
        """Every fact of a spoilt message is still valid FHIR."""
        chance = random.Random(seed)
        texts = [t for _, t in samples(shared_data / "hl7v2" / "fhir-converter") if parse(t).type in FAMILIES]
        facts = [fact for _ in range(100) for fact in run(spoil(chance.choice(texts), chance)).facts]
        for fact in facts:
            outcome = fact.reconcile(None, fact.resource)
            if outcome is not None:
                get_fhir_model_class(fact.type).model_validate_json(encode(outcome))

        assert len(facts) > 200
