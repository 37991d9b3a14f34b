"""
What is meant to break: refused in clear words, kept where a body came. https://hl7.org/fhir/R4/security.html
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import uvicorn
from fhir_world import World, issue, patient
from free_ports import free_port
from starlette.applications import Starlette

from hie.fhir.web import fhir_routes

pytestmark = pytest.mark.anyio
JSON, XML = "application/fhir+json", "application/fhir+xml"
LAUGHS = (
    '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;">'
    '<!ENTITY d "&c;&c;&c;&c;&c;&c;&c;">]><Patient xmlns="http://hl7.org/fhir"><id value="&d;"/></Patient>'
)
XXE = (
    '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>'
    '<Patient xmlns="http://hl7.org/fhir"><name><family value="&f;"/></name></Patient>'
)
DTD = '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd"><Patient xmlns="http://hl7.org/fhir"/>'
DEEP_XML = '<Patient xmlns="http://hl7.org/fhir">' + '<extension url="u">' * 300 + "</extension>" * 300 + "</Patient>"
BODIES: tuple[tuple[str, bytes], ...] = (
    (JSON, b'{"resourceType":"Patient","extension":' + b"[" * 100_000),
    (JSON, b'{"resourceType":"Patient","extension":' + b'[{"extension":' * 200 + b"[]" + b"}]" * 200 + b"}"),
    (JSON, b'{"resourceType":"Patient","multipleBirthInteger":' + b"9" * 5_000 + b"}"),
    (JSON, b'{"resourceType":"Patient","multipleBirthInteger":1e999999999}'),
    (JSON, b'{"resourceType":"Patient","multipleBirthInteger":NaN}'),
    (JSON, b'{"resourceType":"Patient","gender":"male","gender":"female"}'),
    (JSON, b'{"resourceType":"Patient","name":[{"family":"\xff\xfe"}]}'),
    (JSON, b'{"resourceType":"Patient","name":[{"family":"\xed\xa0\x80"}]}'),
    (JSON, b'{"resourceType":"Patient","name":[{"family":"\\ud800"}]}'),
    (JSON, b'{"resourceType":"Patient","name":[{"family":"a\\u0000b"}]}'),
    (JSON, b'{"resourceType":"Patient","name":[{"family":"a\x00b"}]}'),
    (JSON, b'{"resourceType":"Patient","id":"' + b"x" * 65 + b'"}'),
    (JSON, b'{"resourceType":"' + b"x" * 5_000 + b'"}'), (JSON, b'{"resourceType":["Patient"]}'), (JSON, b"\x00"),
    (JSON, b'{"resourceType":"Patient","$where":"1"}'), (JSON, b'{"__proto__":{},"resourceType":"Patient"}'),
    (XML, LAUGHS.encode()), (XML, XXE.encode()), (XML, DTD.encode()), (XML, DEEP_XML.encode()),
    (XML, b'<Patient xmlns="http://hl7.org/fhir"><id value="\x00"/></Patient>'),
    (XML, '<?xml version="1.0" encoding="GBK"?><Patient xmlns="http://hl7.org/fhir" id="王"/>'.encode()),
)  # fmt: skip
ADDRESSES = (
    "/Patient/" + "x" * 65, "/Patient/a%00b", "/Patient/..%2f..%2fetc", "/Patient/p 1",
    "/%00", "/Patient/p1/_history/1%00", "/" + "a/" * 2_000, "/Patient/$where",
)  # fmt: skip
QUERIES = (
    "name=%00", "name=%ff", "_count=99999999999999999999", "_cursor=" + "x" * 5_000, "identifier=" + "%7C" * 3_000,
    "name[$ne]=x", "_id[$gt]=", "birthdate=lt" + "9" * 400, "name:" + "x" * 5_000 + "=1", "_sort=" + "-" * 5_000,
)  # fmt: skip


class TestBodies:
    async def test_refused(self, world: World) -> None:
        """Each is refused by an OperationOutcome that does not repeat it, and kept as it came."""
        for media, body in BODIES:
            refused = await world.post("/Patient", body, Content_Type=media)
            assert issue(refused)[0] in (400, 413, 422), body[:80]
            assert len(refused.content) < 3_000
            assert "root:" not in refused.text
        kept = await world.services.journal.search(state="rejected", limit=200)
        raw = [await world.services.journal.raw(one.id) for one in kept]

        assert [body[:60] for _, body in BODIES if body not in raw] == []
        assert (await world.get("/Patient?_summary=count")).json()["total"] == 0


class TestAddresses:
    async def test_refused(self, world: World) -> None:
        """An address that cannot be is not found; what a query cannot mean is refused, and never a fault of ours."""
        for path in ADDRESSES:
            assert issue(await world.get(path))[0] in (400, 404, 405), path[:60]
        split = await world.get("/Patient/p1%0d%0aX-Evil:1")
        assert (split.status_code, "X-Evil" in split.headers) == (404, False)
        for query in QUERIES:
            answer = await world.get(f"/Patient?{query}")
            assert answer.status_code in (200, 400, 414, 422), query[:60]
            assert answer.status_code != 200 or answer.json()["total"] == 0

    async def test_headers(self, world: World) -> None:
        """Headers that mean nothing change nothing."""
        await world.made(patient())
        odd = {"If_None_Match": "W/" + "x" * 5_000, "If_Modified_Since": "x" * 5_000, "Prefer": "," * 5_000,
               "Accept": "*/*" + ";q=1" * 2_000, "X_Request_Id": "x" * 5_000}  # fmt: skip
        for name, value in odd.items():
            assert (await world.get("/Patient/p1", **{name: value})).status_code == 200, name

    async def test_twice(self, world: World) -> None:
        """A header that says one thing is not said twice: two readers could each take another."""
        for name in ("Content-Type", "If-None-Exist", "Authorization"):
            headers = [(name, "x"), (name, "y")]
            answer = await world.client.post("/Patient", headers=headers, content=b"{}")
            assert issue(answer)[:2] == (400, "structure"), name


@pytest.fixture
async def port(world: World) -> AsyncIterator[int]:
    """The same behind the web server of production, on a socket."""
    number = free_port()
    app = Starlette(routes=fhir_routes(world.services.fhir))
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=number, log_level="critical", lifespan="off"))
    running = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.02)
    yield number
    server.should_exit = True
    await running


class TestSmuggling:
    async def test_wire(self, port: int) -> None:
        """Two lengths, a length and a transfer coding, broken headers: refused, and what follows is no request."""
        hidden = b"GET /fhir/metadata HTTP/1.1\r\nHost: x\r\n\r\n"
        for head in (
            b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n",
            b"Content-Length: 5\r\nTransfer-Encoding: xchunked\r\n\r\n",
            b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", b"Content-Length: -1\r\n\r\n",
            b"Content-Length: +5\r\n\r\n", b"Bad Header: x\r\n\r\n", b"X: a\x00b\r\n\r\n",
        ):  # fmt: skip
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"POST /fhir/Patient HTTP/1.1\r\nHost: x\r\n" + head + hidden)
            await writer.drain()
            try:
                answer = await asyncio.wait_for(reader.read(100_000), 2)
            except TimeoutError:
                answer = b""
            writer.close()
            assert b"CapabilityStatement" not in answer, head
            assert not answer or answer.split(b" ")[1][:1] == b"4", head
