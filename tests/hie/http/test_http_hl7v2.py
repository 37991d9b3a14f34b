"""HL7 v2 over HTTP: the acknowledgement is the body, and the status says the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx
import pytest
from starlette.applications import Starlette

from adapters.errors import NotUnderstood, TooLarge, Unsupported
from adapters.hl7v2 import ack, parser
from hie.access.caller import Caller
from hie.errors import Unauthenticated
from hie.exchange.ids import now
from hie.http.hl7v2 import Hl7OverHttp, status_of
from hie.settings import Settings
from records.stored import EVERYTHING, Visibility

MESSAGE = b"MSH|^~\\&|HIS|H01|HIE|ZB|20261124080000||ADT^A01^ADT_A01|7|P|2.5.1\rPID|1||L1\r"


@dataclass
class DoorKeeper:
    """A gate that knows one token."""

    visibility_given: Visibility = EVERYTHING

    async def caller(self, authorization: str | None, _headers: Mapping[str, str]) -> Caller:
        if authorization != "Bearer good":
            raise Unauthenticated("An access token is needed.")
        return Caller("s")

    async def visibility(self, _caller: Caller, _type: str, _interaction: str) -> Visibility:
        return self.visibility_given


@dataclass
class Taker:
    """An intake that answers what it is told, and remembers what came."""

    code: str = "AA"
    came: list[bytes] = field(default_factory=list)
    truncated: list[bool] = field(default_factory=list)

    async def accept(self, frame: object, channel: str) -> bytes | None:
        assert channel == "http"
        self.came.append(frame.data)  # type: ignore[attr-defined]
        self.truncated.append(frame.truncated)  # type: ignore[attr-defined]
        return ack.acknowledge(parser.read_header(MESSAGE), self.code, clock=now)


def client(taker: Taker, keeper: DoorKeeper | None = None, **settings: object) -> httpx.AsyncClient:
    edge = Hl7OverHttp(Settings(**settings), keeper or DoorKeeper(), taker, now)  # type: ignore[arg-type]
    transport = httpx.ASGITransport(Starlette(routes=edge.routes()))
    return httpx.AsyncClient(transport=transport, base_url="http://hie")


class TestAccept:
    @pytest.mark.parametrize("media_type", ["application/hl7-v2", "x-application/hl7-v2+er7", "text/plain; charset=x"])
    async def test_taken(self, media_type: str) -> None:
        """A message goes to the intake byte by byte, and its acknowledgement comes back as HL7."""
        taker = Taker()
        async with client(taker) as http:
            answer = await http.post("/hl7v2", content=MESSAGE, headers={"Content-Type": media_type})

        assert (answer.status_code, taker.came) == (200, [MESSAGE])
        assert b"MSA|AA|7" in answer.content
        assert answer.headers["content-type"] == "application/hl7-v2"

    async def test_other_type(self) -> None:
        """Another media type is refused in HL7, and reaches no intake."""
        taker = Taker()
        async with client(taker) as http:
            answer = await http.post("/hl7v2", content=MESSAGE, headers={"Content-Type": "application/json"})

        assert (answer.status_code, taker.came) == (415, [])
        assert b"MSA|AR|7" in answer.content

    async def test_too_large(self) -> None:
        """Bytes beyond the limit are counted, not kept, and the intake is told so."""
        taker = Taker("AR")
        async with client(taker, mllp_max_bytes=100) as http:
            answer = await http.post("/hl7v2", content=MESSAGE + b"x" * 500_000)

        assert (answer.status_code, taker.truncated) == (413, [True])
        assert len(taker.came[0]) < 500_500


class TestPermit:
    async def test_production_needs_token(self) -> None:
        """Outside the demonstration no message comes in without a token."""
        taker = Taker()
        async with client(taker, mode="production") as http:
            answer = await http.post("/hl7v2", content=MESSAGE)
            allowed = await http.post("/hl7v2", content=MESSAGE, headers={"Authorization": "Bearer good"})

        assert (answer.status_code, allowed.status_code, len(taker.came)) == (401, 200, 1)
        assert answer.headers["www-authenticate"].startswith("Bearer")

    async def test_wrong_token_in_demo(self) -> None:
        """A token that is shown has to hold, also where none is needed."""
        async with client(Taker()) as http:
            answer = await http.post("/hl7v2", content=MESSAGE, headers={"Authorization": "Bearer bad"})

        assert answer.status_code == 401

    async def test_bound_token(self) -> None:
        """A token for one resident's record sends no messages."""
        keeper = DoorKeeper(Visibility(patients=frozenset({"p"})))
        async with client(Taker(), keeper, mode="production") as http:
            answer = await http.post("/hl7v2", content=MESSAGE, headers={"Authorization": "Bearer good"})

        assert answer.status_code == 403


class TestStatus:
    @pytest.mark.parametrize(
        ("error", "code", "status"),
        [
            (NotUnderstood("x", location="MSH^1^10", condition="101"), "AE", 422),
            (Unsupported("x", location="MSH^1^12", condition="203"), "AR", 415),
            (TooLarge("x"), "AR", 503),
        ],
    )
    @pytest.mark.parametrize("version", ["2.3", "2.5.1"])
    def test_refusals(self, error: NotUnderstood, code: str, status: int, version: str) -> None:
        """The status follows MSA-1 and the condition of ERR, in every version's form."""
        header = parser.read_header(MESSAGE.replace(b"2.5.1", version.encode()))
        assert status_of(ack.acknowledge(header, code, error=error, clock=now)) == status

    def test_silent(self) -> None:
        """A sender that wants no answer gets 202."""
        assert status_of(None) == 202

    def test_batch(self) -> None:
        """Of several answers the gravest counts."""
        header = parser.read_header(MESSAGE)
        answers = [ack.acknowledge(header, code, clock=now) or b"" for code in ("AA", "AE", "AA")]
        assert status_of(b"".join(answers)) == 422
