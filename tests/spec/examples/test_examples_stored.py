"""Truthful to the byte: what was put is what is read, but for `id` and `meta`."""

from __future__ import annotations

import json

import pytest
from example_region import Exchange
from example_text import members, rewritten, without_own
from official_package import Example

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
SMALL = 100_000


def one_of_each(exchange: Exchange) -> list[Example]:
    """The longest example of each type that is not too long."""
    found: dict[str, Example] = {}
    for example in sorted(exchange.stored.values(), key=lambda one: len(one.text)):
        if len(example.text) < SMALL:
            found[example.type] = example
    return list(found.values())


class TestStored:
    async def test_byte_for_byte(self, exchange: Exchange) -> None:
        """Every stored example is read as it was put: digits, escapes, order and blanks."""
        wrong = []
        for path, example in exchange.stored.items():
            answer = await exchange.world.get(path, account="system")
            if answer.status_code != 200 or without_own(answer.content) != without_own(example.text):
                wrong.append(example.file)

        assert wrong == []

    async def test_meta(self, exchange: Exchange) -> None:
        """Of the sender's meta nothing is lost but version, time and source, which are the server's."""
        for path, example in exchange.stored.items():
            given = example.resource.get("meta", {})
            if given.keys() - {"lastUpdated", "versionId"}:
                kept = (await exchange.world.get(path, account="system")).json()["meta"]
                sent = {name: value for name, value in given.items() if name not in ("lastUpdated", "versionId")}
                assert {name: kept.get(name) for name in sent if name != "source"} == {
                    name: value for name, value in sent.items() if name != "source"
                }, example.file

    async def test_another_hand(self, exchange: Exchange) -> None:
        """The same resources with other blanks, line ends and escapes are kept in that form; old versions stay."""
        for example in one_of_each(exchange):
            text = rewritten(example.text)
            assert json.loads(text) == example.resource
            put = await exchange.world.put(example.path, text, account="system")
            assert put.status_code == 200, (example.file, put.text)
            now = await exchange.world.get(example.path, account="system")
            before = await exchange.world.get(f"{example.path}/_history/1", account="system")

            assert without_own(now.content) == without_own(text), example.file
            assert without_own(before.content) == without_own(example.text), example.file
            exchange.stored[example.path] = Example(example.file, text)

    async def test_search_serves_the_same(self, exchange: Exchange) -> None:
        """In the bundle of a search stands the text that a read gives."""
        for example in one_of_each(exchange):
            read = await exchange.world.get(example.path, account="system")
            found = await exchange.world.get(f"/{example.type}?_id={example.id}", account="system")

            assert read.content in found.content, example.file


class TestMembers:
    def test_cut(self) -> None:
        """The cutter sees every byte of a member: what differs is found."""
        text = b'{"resourceType" : "X",\n "id":"1", "a": [1.50, "\\u00e9"] ,"meta":{"b":{}}}'

        assert members(text) == [
            ("resourceType", '"resourceType" : "X"'), ("id", '\n "id":"1"'), ("a", ' "a": [1.50, "\\u00e9"]'),
            ("meta", '"meta":{"b":{}}'),
        ]  # fmt: skip
        assert without_own(text) != without_own(text.replace(b"1.50", b"1.5"))
        assert without_own(text) != without_own(text.replace(b"\\u00e9", "é".encode()))
        assert without_own(text) == without_own(text.replace(b'"id":"1"', b'"id":"2"'))

    def test_rewritten(self) -> None:
        """The other hand writes other blanks and escapes, and the same digits."""
        assert rewritten('{"a":1.50,"b":["é"]}'.encode()) == (
            b'{\r\n   "a" : 1.50 ,\r\n   "b" : [\r\n      "\\u00e9"\r\n   ]\r\n}'
        )
