"""The composition: what one process is made of, and that all of it answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from free_ports import free_port
from pymongo.errors import ServerSelectionTimeoutError
from sign_in_server import sign_in_server
from starlette.applications import Starlette

from adapters.mllp.client import MllpClient
from hie.access.demo_sign_in.accounts import accounts
from hie.app import build, listener, web_app, workers
from hie.commands.tokens import token
from hie.errors import Unavailable
from hie.exchange.database import Client
from hie.exchange.schema import MIGRATIONS, Migration, Schema
from hie.settings import Settings

NUMBER = accounts()["resident"].binding[1]  # type: ignore[index]
MESSAGE = (
    "MSH|^~\\&|HIS|H01|HIE|ZB|20261124080000||ADT^A01^ADT_A01|{control}|P|2.5.1|||||CHN|UNICODE UTF-8\r"
    "EVN||20261124080000\rPID|1||L1^^^H01^MR~" + NUMBER + "^^^^NI||王^晓梅||19850612|F\r"
    "PV1|1|I|W1^^1||||||||||||||||V1^^^H01\r"
)


def message(control: str = "1") -> bytes:
    return MESSAGE.format(control=control).encode()


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """The demo sign-in on a real socket."""
    with sign_in_server(tmp_path_factory.mktemp("sign-in"), free_port()) as settings:
        yield settings


@pytest.fixture
def settings(issuer: Settings, mongo_uri: str, database_prefix: str, tmp_path: Path) -> Settings:
    """An exchange of its own, on any port."""
    changes = {"mongo_uri": mongo_uri, "database_prefix": database_prefix, "data_dir": tmp_path, "mllp_port": 0}
    return issuer.model_copy(update=changes)


@asynccontextmanager
async def running(app: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    """The application with its lifespan, and a client that speaks to it."""
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://hie") as http:
            yield http


class TestBuild:
    async def test_newer_stores(self, settings: Settings, mongo: Client) -> None:
        """A process refuses to start on stores that a newer release wrote."""
        newer = (*MIGRATIONS, Migration(99, "later", MIGRATIONS[0].run))
        await Schema(mongo, settings.database_prefix, migrations=newer).check()
        with pytest.raises(Unavailable, match="newer release"):
            async with build(settings):
                pass

    async def test_demo_accounts(self, settings: Settings) -> None:
        """In the demonstration the residents' accounts are bound to their residents; in production nobody's is."""
        async with build(settings) as services:
            bound = await services.gate.accounts.binding(accounts()["resident"].subject)
        changed = settings.model_copy(
            update={"mode": "production", "database_prefix": f"{settings.database_prefix}p"}
        )
        async with build(changed) as services:
            unbound = await services.gate.accounts.binding(accounts()["resident"].subject)

        assert bound is not None
        assert bound.value == NUMBER
        assert unbound is None

    async def test_closing(self, settings: Settings) -> None:
        """The end signs where the audit trail stands; it holds when it is read again."""
        async with build(settings) as services, running(web_app(settings)) as http:
            await http.get("/fhir/Patient")
        async with build(settings) as services:
            found = await services.audit.verify()

        assert found.ok
        assert (found.events, found.checkpoints) == (1, 1)


class TestWeb:
    async def test_whole(self, settings: Settings) -> None:
        """A message comes in over HTTP, a worker files it, a clinician reads it, the resident sees who did."""
        async with build(settings) as services, running(web_app(settings)) as http:
            answer = await http.post("/hl7v2", content=message())
            assert b"MSA|AA" in answer.content
            stop = asyncio.Event()
            working = [asyncio.create_task(one.run(stop)) for one in workers(services)]
            async with asyncio.timeout(20):
                while await services.journal.pending():
                    await asyncio.sleep(0.02)
            stop.set()
            await asyncio.gather(*working)

            clinician = {"Authorization": f"Bearer {token(settings, 'clinician')}"}
            found = (await http.get("/fhir/Patient?name=王", headers=clinician)).json()
            assert found["total"] == 1
            resident = {"Authorization": f"Bearer {token(settings, 'resident')}"}
            log = (await http.get("/fhir/AuditEvent", headers=resident)).text
            figures = (await http.get("/metrics")).text

        assert accounts()["clinician"].name in log
        assert 'hie_journal_messages{state="committed"} 1.0' in figures
        assert 'interaction="search",route="/fhir/{type}",status="200"} 2.0' in figures

    async def test_addresses(self, settings: Settings) -> None:
        """Health, pages and files answer; what is nowhere is said in the words of its protocol."""
        async with running(web_app(settings)) as http:
            ready = await http.get("/health/ready")
            workbench = await http.get("/workbench")
            missing = await http.get("/workbench/nothing-here")
            unknown = await http.get("/fhir/Nothing")

        assert ready.json()["checks"] == {"database": "ok", "sign-in": "ok"}
        assert workbench.status_code in (302, 303, 307)
        assert "text/html" in missing.headers["content-type"]
        assert unknown.json()["resourceType"] == "OperationOutcome"

    async def test_sign_in_away(self, settings: Settings) -> None:
        """Where tokens cannot be checked the service is not ready."""
        async with running(web_app(settings.model_copy(update={"sign_in_port": free_port()}))) as http:
            answer = await http.get("/health/ready")

        assert answer.status_code == 503
        assert answer.json()["checks"]["sign-in"] == "Unavailable"


class TestListener:
    async def test_accepts(self, settings: Settings) -> None:
        """What comes over the socket is journaled before it is acknowledged."""
        async with build(settings) as services:
            server = listener(services)
            await server.start()
            async with MllpClient("127.0.0.1", server.port) as client:
                answer = await client.send(message("7"))
                pending = await services.journal.pending()
            await server.stop()

        assert b"MSA|AA|7" in answer
        assert pending == 1

    async def test_half_configured_tls(self, settings: Settings) -> None:
        """A certificate without its key is an error, never plain text."""
        changed = settings.model_copy(update={"mllp_tls_certificate": Path("server.pem")})
        async with build(changed) as services:
            with pytest.raises(Unavailable, match="HIE_MLLP_TLS_KEY"):
                listener(services)


class TestDatabaseAway:
    async def test_refusals(self, settings: Settings) -> None:
        """Where the database is away every door says so in its own words, and asks to be tried again."""
        async with running(web_app(settings)) as http:
            clinician = {"Authorization": f"Bearer {token(settings, 'clinician')}"}
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("pymongo.asynchronous.collection.AsyncCollection.find", away)
                patch.setattr("pymongo.asynchronous.collection.AsyncCollection.find_one", away)
                patch.setattr("pymongo.asynchronous.collection.AsyncCollection.insert_many", away)
                patch.setattr("pymongo.asynchronous.collection.AsyncCollection.update_one", away)
                fhir = await http.get("/fhir/Patient/1", headers=clinician)
                hl7 = await http.post("/hl7v2", content=message())
                ready = await http.get("/health/ready")

        assert (fhir.status_code, hl7.status_code, ready.status_code) == (503, 503, 503)
        assert fhir.json()["issue"][0]["code"] == "transient"
        assert b"MSA|AR|1" in hl7.content


def away(*_arguments: object, **_named: object) -> None:
    raise ServerSelectionTimeoutError("127.0.0.1:27117: connection refused")
