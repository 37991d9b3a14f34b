"""Reading and translating a message, in this process and without any store, beside dividing its text alone."""

from __future__ import annotations

from datetime import UTC, datetime

from adapters.hl7v2 import charset, parser, to_fhir
from adapters.hl7v2.site import Site
from adapters.hl7v2.tokenizer import tokenize
from tests.benchmarks.measure import Floor, Result, Timing, measure_plain
from tests.benchmarks.messages import KINDS
from tests.benchmarks.stage import Stage

GROUP = "HL7 v2 to FHIR, no store"
COUNT = 2_000
SITE = Site("site-e2e", authority="urn:hie:authority:E2E")


async def run(stage: Stage) -> list[Result]:
    """Parse is tokenise, group and validate; convert is parse and translate."""
    results = []
    for name, make in KINDS.items():
        messages = [make(1, number) for number in range(200)]
        count = stage.count(COUNT)
        floor = Floor("tokenise", _divide(messages, count))
        results.append(Result(GROUP, f"parse {name}", _parse(messages, count), (floor,), "message"))
        results.append(Result(GROUP, f"convert {name}", _convert(messages, count), (floor,), "message"))
    return results


def _divide(messages: list[bytes], count: int) -> Timing:
    def one(number: int) -> None:
        decoded = charset.decode(messages[number % len(messages)], default="UTF-8")
        tokenize(decoded.text, decoded.codec)

    return measure_plain(one, count)


def _parse(messages: list[bytes], count: int) -> Timing:
    return measure_plain(lambda number: parser.parse(messages[number % len(messages)], site=SITE), count)


def _convert(messages: list[bytes], count: int) -> Timing:
    received = datetime.now(UTC)

    def one(number: int) -> None:
        message = parser.parse(messages[number % len(messages)], site=SITE)
        translation = to_fhir.translate(message, site=SITE, received=received, reference="0" * 26)
        assert translation.translated

    return measure_plain(one, count)
