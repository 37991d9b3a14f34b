"""
The long-running services, each a process of its own: started by `hie serve`, `listen`, `work`, `portal`, `sign-in`.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from contextlib import AsyncExitStack
from typing import Any

import structlog
import uvicorn
from starlette.types import ASGIApp

from hie.app import build, connect, mllp_listeners, settle_memory, web_app, workers
from hie.commands.logs import configure_logs
from hie.exchange.schema import Schema
from hie.settings import Settings
from records.collections import Collections

_log = structlog.get_logger("hie")
# Less than the supervisor's patience: a reader of a long answer must not hold up the end.
GRACE_SECONDS = 10


def serve_web(settings: Settings) -> None:
    """FHIR, workbench, HL7 v2 over HTTP, metrics and health on one port."""
    configure_logs(settings.log_level)
    asyncio.run(_prepare(settings))
    if settings.web_workers > 1:
        _share_metrics(settings)
        uvicorn.run(
            "hie.app:web_from_environment", factory=True, workers=settings.web_workers,
            **_options(settings.host, settings.web_port),
        )  # fmt: skip
    else:
        _serve(web_app(settings), settings.host, settings.web_port)


async def _prepare(settings: Settings) -> None:
    """Before anybody writes: the schema is checked, and the usual collections are there."""
    async with connect(settings) as client:
        await Schema(client, settings.database_prefix).check()
        await Collections(client, settings.database_prefix).prepare_usual()


def _share_metrics(settings: Settings) -> None:
    """Several processes add up their counters in files; those of the last run are of no use."""
    folder = settings.data_dir.resolve() / "metrics"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)


def serve_portal() -> None:
    """The resident portal; it reads settings of its own."""
    from portal.app import create
    from portal.settings import Settings as PortalSettings

    settings = PortalSettings()
    configure_logs("INFO")
    _serve(create(settings), settings.host, settings.portal_port)


def serve_sign_in(settings: Settings) -> None:
    """The demo sign-in."""
    from hie.access.demo_sign_in.app import create

    configure_logs(settings.log_level)
    _serve(create(settings), settings.host, settings.sign_in_port)


def _options(host: str, port: int) -> dict[str, Any]:
    # No access log: an address may hold search values, and the audit trail has them all.
    return {
        "host": host, "port": port, "access_log": False, "log_config": None, "server_header": False,
        "timeout_graceful_shutdown": GRACE_SECONDS,
    }  # fmt: skip


def _serve(app: ASGIApp, host: str, port: int) -> None:
    uvicorn.run(app, **_options(host, port))


async def run_listener(settings: Settings) -> None:
    """Every MLLP listener, until SIGTERM."""
    configure_logs(settings.log_level)
    async with build(settings) as services, AsyncExitStack() as running:
        settle_memory()
        for server in mllp_listeners(services):
            await server.start()
            running.push_async_callback(server.stop)
            _log.info("listening", port=server.port)
        await stop_signal().wait()


async def run_worker(settings: Settings) -> None:
    """One worker and one outbox runner, until SIGTERM."""
    configure_logs(settings.log_level)
    async with build(settings) as services:
        settle_memory()
        stop = stop_signal()
        _log.info("working")
        async with asyncio.TaskGroup() as tasks:
            for one in workers(services):
                tasks.create_task(one.run(stop))


def stop_signal() -> asyncio.Event:
    """Set by SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop
