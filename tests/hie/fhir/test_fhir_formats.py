"""
JSON and XML, both ways. https://hl7.org/fhir/R4/xml.html
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from fhir_world import World, issue, observation
from lxml import etree

from hie.fhir.formats import NotAcceptable, wanted
from hie.fhir.formats.from_xml import from_xml
from hie.fhir.formats.to_xml import to_xml
from records.errors import NotUnderstood
from records.stored import decode, encode

pytestmark = pytest.mark.anyio
XML = "application/fhir+xml"
PATIENT = """<Patient xmlns="http://hl7.org/fhir"><id value="p1"/><active value="true"/>
<name id="n1"><family value="王"><extension url="urn:x"><valueDecimal value="1.50"/></extension></family>
<given value="晓"/><given><extension url="urn:y"><valueCode value="unknown"/></extension></given></name>
<managingOrganization><reference value="#o"/></managingOrganization>
<contained><Organization><id value="o"/><name value="H"/></Organization></contained></Patient>"""


class TestFromXml:
    def test_whole(self) -> None:
        """Primitives with extensions, lists with gaps, ids of elements, contained resources, digits of decimals."""
        found = from_xml(PATIENT.encode())

        assert found["active"] is True
        assert found["name"] == [
            {
                "id": "n1", "family": "王", "given": ["晓", None],
                "_family": {"extension": [{"url": "urn:x", "valueDecimal": Decimal("1.50")}]},
                "_given": [None, {"extension": [{"url": "urn:y", "valueCode": "unknown"}]}],
            }
        ]  # fmt: skip
        assert found["contained"] == [{"resourceType": "Organization", "id": "o", "name": "H"}]

    @pytest.mark.parametrize(
        "body",
        [
            b"<Patient", b"<Patient/>", b'<Nothing xmlns="http://hl7.org/fhir"/>',
            b'<Patient xmlns="http://hl7.org/fhir"><colour value="red"/></Patient>',
            b'<!DOCTYPE x [<!ENTITY e SYSTEM "f">]><Patient xmlns="http://hl7.org/fhir"><id value="&e;"/></Patient>',
            b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><Patient xmlns="http://hl7.org/fhir"/>',
        ],
    )  # fmt: skip
    def test_refused(self, body: bytes) -> None:
        """Broken, foreign, unknown; entities and document types are never looked at."""
        with pytest.raises(NotUnderstood):
            from_xml(body)


class TestRoundTrip:
    def test_samples(self, shared_data: Path) -> None:
        """Every sample resource comes back as it was, narrative aside."""
        for file in sorted((shared_data / "synthea").glob("*.json"))[:3]:
            for entry in decode(file.read_bytes())["entry"]:
                assert _plain(from_xml(to_xml(encode(entry["resource"])))) == _plain(entry["resource"])


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items() if name != "div"}
    return [_plain(one) for one in value] if isinstance(value, list) else value


class TestNegotiation:
    @pytest.mark.parametrize(
        ("asked", "accept", "format_"),
        [
            (None, None, "json"), ("xml", "application/fhir+json", "xml"), (None, "application/xml", "xml"),
            ("application/fhir xml", None, "xml"), (None, "application/fhir+json;q=0.1, application/fhir+xml", "xml"),
            (None, "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "json"),
        ],
    )  # fmt: skip
    def test_wanted(self, asked: str | None, accept: str | None, format_: str) -> None:
        """_format before Accept, Accept by its weights; a browser gets JSON."""
        assert wanted(asked, accept).format == format_

    def test_none(self) -> None:
        """Nothing that is spoken here."""
        with pytest.raises(NotAcceptable):
            wanted(None, "text/turtle")


class TestOverHttp:
    async def test_both_ways(self, world: World) -> None:
        """Written in XML, read in both; errors in the format that was asked for; $everything too."""
        made = await world.put("/Patient/p1", PATIENT.encode(), account="system", Content_Type=XML, Accept=XML)
        assert made.status_code == 201, made.text
        assert made.headers["Content-Type"].startswith(XML)
        assert etree.fromstring(made.content).tag == "{http://hl7.org/fhir}Patient"
        assert '"valueDecimal":1.50' in (await world.get("/Patient/p1")).text

        await world.made(observation())
        bundle = etree.fromstring((await world.get("/Patient/p1/$everything?_format=xml")).content)
        assert len(bundle.findall("{http://hl7.org/fhir}entry")) >= 2
        refused = await world.get("/Patient/none", Accept=XML)
        assert etree.fromstring(refused.content).tag == "{http://hl7.org/fhir}OperationOutcome"

    async def test_kept_as_sent(self, world: World) -> None:
        """What is refused is kept in its own bytes."""
        body = b'<Patient xmlns="http://hl7.org/fhir"><colour value="scarlet"/></Patient>'
        refused = await world.post("/Patient", body, Content_Type=XML)
        kept = await world.services.journal.search(state="rejected")

        assert issue(refused)[:2] == (400, "structure")
        assert await world.services.journal.raw(kept[0].id) == body
