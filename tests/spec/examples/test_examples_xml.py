"""
The official examples in XML and back. https://hl7.org/fhir/R4/xml.html
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from example_region import Exchange
from lxml import etree
from official_package import Example

from hie.fhir.formats.from_xml import from_xml
from hie.fhir.formats.to_xml import to_xml
from records.definitions import definitions
from records.stored import decode

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
SMALL = 150_000
XML = "application/fhir+xml"
DIV = '<div xmlns="http://www.w3.org/1999/xhtml">a&nbsp;b &amp; &copy;</div>'


def alike(value: Any) -> Any:
    """JSON as one compares it: a narrative by its canonical XML, a decimal by its digits."""
    if isinstance(value, dict):
        return {name: _canonical(one) if name == "div" else alike(one) for name, one in value.items()}
    if isinstance(value, list):
        return [alike(one) for one in value]
    if isinstance(value, Decimal | int) and not isinstance(value, bool):
        return "number", Decimal(value).as_tuple()
    return value


def _canonical(div: Any) -> Any:
    return etree.tostring(etree.fromstring(div), method="c14n") if isinstance(div, str) else alike(div)


class TestXml:
    def test_there_and_back(self, package: list[Example]) -> None:
        """Every example becomes XML and the same JSON again: members, order of lists, digits, extensions, narrative."""
        chosen = [one for one in package if one.type in definitions().resource_types and len(one.text) < SMALL]
        wrong = [one.file for one in chosen if alike(from_xml(to_xml(one.text))) != alike(decode(one.text))]

        assert wrong == []
        assert len(chosen) > 5000

    async def test_over_http(self, exchange: Exchange) -> None:
        """One of each type is read in XML, sent back so, and read as the JSON that it was."""
        chosen = {one.type: one for one in exchange.stored.values() if len(one.text) < SMALL}
        for path, example in ((one.path, one) for one in chosen.values()):
            read = await exchange.world.get(path, account="system", Accept=XML)
            assert read.headers["content-type"].startswith(XML), example.file
            put = await exchange.world.put(path, read.content, account="system", Content_Type=XML)
            assert put.status_code == 200, (example.file, put.text)
            again = decode((await exchange.world.get(path, account="system")).content)

            own = {name: value for name, value in again.items() if name != "meta"}
            sent = {name: value for name, value in decode(example.text).items() if name != "meta"}
            assert alike(own) == alike(sent), example.file
            await exchange.world.put(path, example.text, account="system")

    def test_entities_of_html(self) -> None:
        """A narrative with entities that only HTML knows is XML all the same."""
        text = b'{"resourceType":"Patient","text":{"status":"generated","div":%s}}' % json.dumps(DIV).encode()
        div = etree.fromstring(to_xml(text)).find(".//{http://www.w3.org/1999/xhtml}div")

        assert div is not None and div.text == "a\u00a0b & ©"

    @pytest.mark.parametrize(
        ("digits", "written"), [("1.50", "1.50"), ("1e3", "1E+3"), ("1.000E+245", "1.000E+245"), ("1e-7", "0.0000001")]
    )
    def test_digits(self, digits: str, written: str) -> None:
        """A decimal never claims digits that the sender did not give."""
        text = b'{"resourceType":"Observation","valueQuantity":{"value":%s}}' % digits.encode()
        value = etree.fromstring(to_xml(text)).find(".//{http://hl7.org/fhir}value")

        assert value is not None and value.get("value") == written
