"""Requests are counted by the template of their address, and no label holds what a sender wrote."""

from __future__ import annotations

import httpx
import pytest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route

from hie.http import metrics
from hie.http.measuring import Measuring, template
from hie.http.problems import SecurityHeaders, refused


async def page(_request: Request) -> Response:
    return PlainTextResponse("ok", headers={"Content-Security-Policy": "default-src 'self'"})


async def broken(_request: Request) -> Response:
    raise RuntimeError("王晓梅")


def application(counted: metrics.Requests) -> Starlette:
    return Starlette(
        routes=[
            Route("/static/{name}", page),
            Route("/broken", broken),
            Mount("/workbench", routes=[Route("/records/{id}", page)]),
        ],
        middleware=[Middleware(Measuring, counted=counted), Middleware(SecurityHeaders)],
        exception_handlers={HTTPException: refused, Exception: refused},
    )


async def get(counted: metrics.Requests, *addresses: str) -> list[httpx.Response]:
    transport = httpx.ASGITransport(application(counted), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://hie") as http:
        return [await http.get(address) for address in addresses]


def shown(counted: metrics.Requests) -> str:
    figures = metrics.Figures(
        dict.fromkeys(metrics.STATES, 2) | {"received": 12, "oldest_pending_seconds": 1.5}, {"notify": 3}, 0, 7
    )
    return metrics.page(counted, figures).decode()


class TestTemplate:
    @pytest.mark.parametrize(
        ("method", "path", "query", "expected"),
        [
            ("GET", "/fhir/Patient/abc", b"", ("/fhir/{type}/{id}", "read")),
            ("GET", "/fhir/Patient", b"name=%E7%8E%8B", ("/fhir/{type}", "search")),
            ("POST", "/fhir/Patient/_search", b"", ("/fhir/{type}/_search", "search")),
            ("POST", "/fhir", b"", ("/fhir", "batch")),
            ("PUT", "/fhir/Patient", b"identifier=a|b", ("/fhir/{type}", "update")),
            ("GET", "/fhir/Patient/abc/Observation", b"", ("/fhir/Patient/{id}/{type}", "search")),
            ("GET", "/fhir/Patient/abc/_history/3", b"", ("/fhir/{type}/{id}/_history/{version}", "vread")),
            ("GET", "/fhir/secret/what/ever/it/is", b"", ("/fhir/unmatched", "unmatched")),
        ],
    )
    def test_fhir(self, method: str, path: str, query: bytes, expected: tuple[str, str]) -> None:
        """Types, ids and versions are named; interactions are the standard's."""
        assert template(path, {"method": method, "query_string": query}, 200) == expected


class TestMeasuring:
    async def test_counts(self) -> None:
        """Parameters never become labels, unknown addresses share one, faults are counted."""
        counted = metrics.requests()
        unknown = ("/王晓梅", "/workbench/370303198506120428")
        await get(counted, "/static/app.css", "/workbench/records/p-1", *unknown, "/broken")
        text = shown(counted)

        assert 'hie_http_requests_total{interaction="get",route="/static/{name}",status="200"} 1.0' in text
        assert 'hie_http_requests_total{interaction="get",route="/workbench/records/{id}",status="200"} 1.0' in text
        assert 'hie_http_requests_total{interaction="get",route="unmatched",status="404"} 2.0' in text
        assert 'route="/broken",status="500"} 1.0' in text
        assert "王晓梅" not in text
        assert "370303" not in text

    async def test_figures(self) -> None:
        """Journal, outbox and audit are shown as gauges."""
        text = shown(metrics.requests())

        assert 'hie_journal_messages{state="pending"} 2.0' in text
        assert "hie_journal_oldest_pending_seconds 1.5" in text
        assert 'hie_outbox_waiting{consumer="notify"} 3.0' in text
        assert "hie_audit_events 7.0" in text


class TestProblems:
    async def test_words_of_the_protocol(self) -> None:
        """Below /fhir a refusal is an OperationOutcome, elsewhere a problem document; neither quotes the address."""
        fhir, other, fault = await get(metrics.requests(), "/fhir/王晓梅", "/王晓梅", "/broken")

        assert fhir.json()["resourceType"] == "OperationOutcome"
        assert fhir.headers["content-type"].startswith("application/fhir+json")
        assert (other.status_code, other.json()["status"]) == (404, 404)
        assert fault.status_code == 500
        assert "王晓梅" not in fhir.text + other.text + fault.text

    async def test_headers(self) -> None:
        """Every answer has its security headers; a page's own policy stays."""
        found, missing = await get(metrics.requests(), "/static/x", "/nothing")

        for answer in (found, missing):
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["x-frame-options"] == "DENY"
        assert found.headers["content-security-policy"] == "default-src 'self'"
        assert "default-src 'none'" in missing.headers["content-security-policy"]
