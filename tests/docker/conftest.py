"""One real Keycloak for all tests of a session, and a server that it tells of sign-outs in place of ours."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import pytest
from free_ports import free_port
from keycloak_server import Absent, RealKeycloak, keycloak
from keycloak_world import Browser

SYSTEM_SECRET = "a-secret-of-the-operator"


def _told(received: queue.Queue[tuple[str, str]]) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            received.put((self.path, parse_qs(body)["logout_token"][0]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as in the base class
            """Say nothing."""

    return ThreadingHTTPServer(("127.0.0.1", 0), Handler)


@pytest.fixture(scope="session")
def real_keycloak(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealKeycloak]:
    """Started once, with demo accounts; skipped where this machine cannot run it."""
    received: queue.Queue[tuple[str, str]] = queue.Queue()
    clients = _told(received)
    threading.Thread(target=clients.serve_forever, daemon=True).start()
    environment = {
        "HIE_DEMO_ACCOUNTS": "true",
        "HIE_SYSTEM_SECRET": SYSTEM_SECRET,
        "HIE_WEB_INTERNAL_URL": f"http://127.0.0.1:{clients.server_port}",
        "HIE_PORTAL_INTERNAL_URL": f"http://127.0.0.1:{clients.server_port}",
    }
    try:
        with keycloak(tmp_path_factory.mktemp("keycloak"), free_port(), free_port(), environment) as base:
            yield RealKeycloak(base, SYSTEM_SECRET, received)
    except Absent as missing:
        pytest.skip(f"A real Keycloak cannot run here: {missing}")
    finally:
        clients.shutdown()
        clients.server_close()


@pytest.fixture
def browser() -> Iterator[Browser]:
    """A browser that nobody used before."""
    fresh = Browser()
    yield fresh
    fresh.close()
