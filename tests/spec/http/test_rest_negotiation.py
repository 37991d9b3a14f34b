"""
Formats, codings, headers. https://hl7.org/fhir/R4/http.html#mime-type
"""

from __future__ import annotations

import gzip
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from fhir_world import World, issue, observation, patient

pytestmark = pytest.mark.anyio
# The same bytes in every process.
packed = partial(gzip.compress, mtime=0)
XML_PATIENT = '<Patient xmlns="http://hl7.org/fhir"><active value="true"/></Patient>'


def altered(world: World, **settings: Any) -> World:
    """The same exchange with other settings at its edge."""
    changed = world.services.settings.model_copy(update=settings)
    return replace(world, services=replace(world.services, fhir=replace(world.services.fhir, settings=changed)))


ACCEPTED = (
    ("", "*/*", "application/fhir+json"), ("", "application/fhir+xml", "application/fhir+xml"),
    ("", "application/json", "application/json"), ("", "text/xml", "text/xml"),
    ("", "application/fhir+json;q=0.2, application/fhir+xml;q=0.8", "application/fhir+xml"),
    ("", "text/turtle, application/fhir+xml;q=0.1", "application/fhir+xml"),
    ("", "application/fhir+xml;q=0, */*", "application/fhir+json"), ("", "", "application/fhir+json"),
    ("", "application/fhir+json; fhirVersion=5.0, application/fhir+xml; fhirVersion=4.0", "application/fhir+xml"),
    ("?_format=xml", "application/fhir+json", "application/fhir+xml"),
    ("?_format=text/xml", "", "application/fhir+xml"), ("?_format=application/xml", "", "application/fhir+xml"),
    ("?_format=application/fhir%2Bxml", "", "application/fhir+xml"),
    ("?_format=application/fhir+xml", "", "application/fhir+xml"),
    ("?_format=json", "text/xml", "application/fhir+json"),
    ("?_format=application/json", "", "application/fhir+json"),
    ("?_format=application/fhir+json", "", "application/fhir+json"),
)  # fmt: skip
NOT_SPOKEN = (
    "text/turtle", "application/fhir+json; fhirVersion=5.0", "application/fhir+xml;fhirVersion=4.3",
    "application/fhir+json; charset=utf-16", "application/fhir+json;q=0", "image/png",
)  # fmt: skip
NOT_TAKEN = (
    "text/plain", "application/fhir+json; charset=gbk", "application/fhir+json; fhirVersion=5.0",
    "application/fhir+xml; fhirVersion=4.3", "application/fhir+turtle", "multipart/form-data; boundary=x",
)  # fmt: skip
TAKEN = (
    ("application/fhir+json; charset=UTF-8", '{"resourceType":"Patient"}'),
    ("application/fhir+json; fhirVersion=4.0", '{"resourceType":"Patient"}'),
    ("application/json", '{"resourceType":"Patient"}'), ("text/json", '{"resourceType":"Patient"}'),
    ("application/fhir+xml", XML_PATIENT), ("application/xml", XML_PATIENT), ("text/xml", XML_PATIENT),
)  # fmt: skip


class TestAccept:
    async def test_chosen(self, world: World) -> None:
        """_format overrides Accept, weights are heard, a general name comes back as it was asked; UTF-8 is said."""
        await world.made(patient())
        for path, accept, answered in ACCEPTED:
            answer = await world.get(f"/Patient/p1{path}", Accept=accept)
            name, _, parameters = answer.headers["Content-Type"].partition(";")

            assert (answer.status_code, name) == (200, answered), (path, accept)
            assert "charset=utf-8" in parameters
            assert answer.text.startswith("<" if "xml" in answered else "{")

    async def test_none(self, world: World) -> None:
        """What is not spoken here is 406."""
        for accept in NOT_SPOKEN:
            assert issue(await world.get("/Patient", Accept=accept))[:2] == (406, "not-supported"), accept

    async def test_version(self, world: World) -> None:
        """Who names the release is told it."""
        answer = await world.get("/metadata", account=None, Accept="application/fhir+json; fhirVersion=4.0")

        assert answer.headers["Content-Type"].endswith("fhirVersion=4.0")

    async def test_charset(self, world: World) -> None:
        """Whoever takes no UTF-8 gets nothing."""
        for charset, status in (("utf-8", 200), ("iso-8859-1, *;q=0.1", 200), ("gbk", 406)):
            assert (await world.get("/metadata", account=None, Accept_Charset=charset)).status_code == status

    async def test_form(self, world: World) -> None:
        """A search by POST may name the format in its form."""
        await world.made(patient())
        form = "_id=p1&_format=xml&_pretty=true"
        answer = await world.post("/Patient/_search", form, Content_Type="application/x-www-form-urlencoded")

        assert answer.headers["Content-Type"].startswith("application/fhir+xml")
        assert "\n  <" in answer.text

    async def test_pretty(self, world: World) -> None:
        """_pretty indents both formats."""
        assert '\n  "' in (await world.get("/metadata?_pretty=true", account=None)).text
        assert "\n  <" in (await world.get("/metadata?_pretty=true&_format=xml", account=None)).text


class TestBody:
    async def test_unsupported(self, world: World) -> None:
        """Another format, character set or release is 415, and the bytes are kept."""
        for number, media in enumerate(NOT_TAKEN):
            body = f'{{"resourceType":"Patient","id":"{number}"}}'
            assert issue(await world.post("/Patient", body, Content_Type=media))[:2] == (415, "not-supported"), media

            kept = await world.services.journal.search(state="rejected")
            assert body.encode() in [await world.services.journal.raw(one.id) for one in kept]

    async def test_taken(self, world: World) -> None:
        """Every spelling of the two formats."""
        for media, body in TAKEN:
            assert (await world.post("/Patient", body, Content_Type=media)).status_code == 201, media


class TestGzip:
    async def test_request(self, world: World) -> None:
        """A body may come as gzip, in several members too."""
        body = b'{"resourceType":"Patient","active":true}'
        for sent in (packed(body), packed(body[:9]) + packed(body[9:])):
            done = await world.post("/Patient", sent, Content_Type="application/fhir+json", Content_Encoding="gzip")
            assert (done.status_code, done.json()["active"]) == (201, True)

    @pytest.mark.parametrize(
        ("coding", "sent", "status"),
        [
            ("br", b"x", 415), ("gzip", b"no gzip", 400), ("gzip", packed(b"{}" * 99)[:-9], 400),
            ("gzip", packed(b" " * 40_000_000), 413), ("gzip", packed(b"") * 99, 413),
            ("gzip, gzip", packed(packed(b"{}")), 415),
        ],
    )  # fmt: skip
    async def test_refused(self, world: World, coding: str, sent: bytes, status: int) -> None:
        """Another coding, a broken stream, a bomb: refused, and what came is kept as it came."""
        refused = await world.post("/Patient", sent, Content_Type="application/fhir+json", Content_Encoding=coding)
        kept = await world.services.journal.search(state="rejected")

        assert issue(refused)[0] == status
        assert await world.services.journal.raw(kept[0].id) == sent
        assert status != 415 or refused.headers["Accept-Encoding"] == "gzip"

    async def test_answer(self, world: World) -> None:
        """Large answers are compressed for who reads gzip, small ones and those of others are not."""
        large = await world.get("/metadata", account=None, Accept_Encoding="gzip")
        plain = await world.get("/metadata", account=None, Accept_Encoding="identity")
        refused = await world.get("/metadata", account=None, Accept_Encoding="gzip;q=0")
        await world.made(patient())
        small = await world.get("/Patient/p1", Accept_Encoding="gzip")

        assert large.headers["Content-Encoding"] == "gzip"
        assert "Accept-Encoding" in large.headers["Vary"]
        assert large.json() == plain.json()
        for answer in (plain, refused, small):
            assert "Content-Encoding" not in answer.headers

    async def test_stream(self, world: World) -> None:
        """An answer of unknown size is compressed as it leaves."""
        await world.made(patient(), observation())
        answer = await world.get("/Patient/p1/$everything", Accept_Encoding="gzip")

        assert answer.headers["Content-Encoding"] == "gzip"
        assert {entry["resource"]["resourceType"] for entry in answer.json()["entry"]} >= {"Patient", "Observation"}


class TestHead:
    @pytest.mark.parametrize("path", ["/Patient/p1", "/Patient?_id=p1", "/Patient/p1/_history/1", "/Patient/none"])
    async def test_same(self, world: World, path: str) -> None:
        """HEAD is GET without its body: status, type and length."""
        await world.made(patient())
        head, get = await world.ask("HEAD", path), await world.get(path)

        assert (head.status_code, head.content) == (get.status_code, b"")
        for name in ("Content-Type", "ETag", "Last-Modified"):
            assert head.headers.get(name) == get.headers.get(name)
        # A bundle has an id and a time of its own, of the same length.
        assert head.headers["Content-Length"] == get.headers["Content-Length"]


class TestHeaders:
    async def test_ids(self, world: World) -> None:
        """The client's request id and correlation id come back; what is no id is replaced or left out."""
        given = await world.get("/metadata", account=None, X_Request_Id="r-1", X_Correlation_Id="c-1")
        wild = await world.get("/metadata", account=None, X_Request_Id="a b", X_Correlation_Id="<c>")

        assert (given.headers["X-Request-Id"], given.headers["X-Correlation-Id"]) == ("r-1", "c-1")
        assert len(wild.headers["X-Request-Id"]) == 36
        assert "X-Correlation-Id" not in wild.headers

    async def test_methods(self, world: World) -> None:
        """405 says what the address takes; OPTIONS does so without a question."""
        refused = await world.post("/Patient/p1", {})
        asked = await world.ask("OPTIONS", "/Patient/p1", account=None)

        assert issue(refused)[0] == 405
        assert refused.headers["Allow"] == asked.headers["Allow"] == "DELETE, GET, HEAD, PATCH, PUT, OPTIONS"
        assert (await world.ask("OPTIONS", "", account=None)).json()["resourceType"] == "CapabilityStatement"
        assert (await world.ask("OPTIONS", "/Nothing/x/y/z", account=None)).status_code == 404

    async def test_patch_formats(self, world: World) -> None:
        """A patch of an unknown kind is told which ones there are."""
        await world.made(patient())
        refused = await world.ask("PATCH", "/Patient/p1", b"x", Content_Type="text/plain")

        assert issue(refused)[0] == 415
        assert "application/json-patch+json" in refused.headers["Accept-Patch"]


class TestCrossing:
    ASKED = {"Origin": "https://app.example", "Access-Control-Request-Method": "GET"}

    async def over(self, world: World, origins: str) -> World:
        async with World.over(altered(world, fhir_cors_origins=origins).services) as other:
            answer = await other.client.options("/Patient/p1", headers=self.ASKED)
            read = await other.ask("GET", "/metadata", account=None, Origin="https://app.example")
        self.answer, self.read = answer, read
        return other

    @pytest.mark.parametrize("origins", ["*", "https://other.example https://app.example"])
    async def test_open(self, world: World, origins: str) -> None:
        """An origin of the settings may ask and read, without credentials."""
        await self.over(world, origins)

        assert self.answer.headers["Access-Control-Allow-Origin"] in ("*", "https://app.example")
        assert "PATCH" in self.answer.headers["Access-Control-Allow-Methods"]
        assert "If-None-Exist" in self.answer.headers["Access-Control-Allow-Headers"]
        assert "ETag" in self.read.headers["Access-Control-Expose-Headers"]
        assert "Access-Control-Allow-Credentials" not in self.read.headers
        assert self.read.json()["rest"][0]["security"]["cors"] is True

    @pytest.mark.parametrize("origins", ["", "https://other.example"])
    async def test_closed(self, world: World, origins: str) -> None:
        """Another origin may not."""
        await self.over(world, origins)

        assert "Access-Control-Allow-Origin" not in self.answer.headers
        assert "Access-Control-Allow-Origin" not in self.read.headers
        assert self.read.json()["rest"][0]["security"]["cors"] is bool(origins)
