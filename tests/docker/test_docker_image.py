"""The image: what its Dockerfile copies is there, and the small programs in it do what they say."""

from __future__ import annotations

import os
import re
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from compose_file import DOCKER, services
from free_ports import free_port
from image_programs import IMAGE, program

from hie.exchange.database import Client
from hie.exchange.leases import Leases

ROOT = DOCKER.parent
health = program("health")


def instructions(file: Path) -> list[tuple[str, str]]:
    """The instructions of a Dockerfile, long lines joined."""
    text = re.sub(r"\\\n", " ", file.read_text("utf-8"))
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(line.split(None, 1)[0], line.split(None, 1)[1]) for line in lines]


class TestDockerfile:
    @pytest.mark.parametrize("service", ["web", "keycloak"])
    def test_sources(self, service: str) -> None:
        """Everything that is copied in is in the build's context."""
        build = services()[service]["build"]
        context = (DOCKER / build["context"]).resolve()
        file = context / build.get("dockerfile", "Dockerfile")
        sources = [
            part
            for verb, rest in instructions(file)
            if verb == "COPY" and "--from" not in rest
            for part in rest.split()[:-1]
        ]

        assert sources
        assert all((context / source).exists() for source in sources)

    def test_context(self) -> None:
        """The context lets through what is copied, and nothing else."""
        ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
        allowed = {line[1:] for line in ignored if line.startswith("!")}
        copied = {
            part.rstrip("/")
            for verb, rest in instructions(DOCKER / "Dockerfile")
            if verb == "COPY" and "--from" not in rest
            for part in rest.split()[:-1]
        }

        assert "*" in ignored
        assert copied == allowed

    def test_pinned(self) -> None:
        """Dependencies come from the lock, each with its hash; the rest is installed without a network."""
        runs = " ".join(rest for verb, rest in instructions(DOCKER / "Dockerfile") if verb == "RUN")

        assert "pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.lock" in runs
        assert "--no-deps --no-index --no-build-isolation ." in runs
        assert runs.count("pip install") == 2

    def test_user(self) -> None:
        """The last word about the user is one without rights."""
        users = [rest for verb, rest in instructions(DOCKER / "Dockerfile") if verb == "USER"]

        assert users == ["10001:10001"]

    def test_programs(self) -> None:
        """Everything in docker/image can be started."""
        assert all(os.access(file, os.X_OK) for file in IMAGE.iterdir() if file.is_file())


class TestWithSecrets:
    def test_files(self, tmp_path: Path) -> None:
        """A file named by HIE_X_FILE becomes HIE_X, whatever is in it; other variables stay."""
        (tmp_path / "uri").write_text("mongodb://a:$(touch x)'\"@h/?b=c&d=e\n")
        environment = {
            "PATH": os.environ["PATH"], "HIE_MONGO_URI_FILE": str(tmp_path / "uri"), "SSL_CERT_FILE": "/nothing",
        }  # fmt: skip
        command = ["sh", IMAGE / "with-secrets", "env"]
        answer = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, cwd=tmp_path)

        assert "HIE_MONGO_URI=mongodb://a:$(touch x)'\"@h/?b=c&d=e" in answer.stdout.splitlines()
        assert "SSL_CERT_FILE=/nothing" in answer.stdout.splitlines()
        assert "HIE_MONGO_URI_FILE" not in answer.stdout
        assert not (tmp_path / "x").exists()

    def test_missing_file(self) -> None:
        """A service whose secret is missing does not start without it."""
        environment = {"PATH": os.environ["PATH"], "HIE_MONGO_URI_FILE": "/nowhere/uri"}
        answer = subprocess.run(["sh", IMAGE / "with-secrets", "true"], env=environment, capture_output=True)

        assert answer.returncode != 0


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    """Answers /good with 200 and all else with 503."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/good" else 503)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    found = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=found.serve_forever, daemon=True).start()
    yield found
    found.shutdown()
    found.server_close()


class TestHealth:
    def test_web(self, server: HTTPServer) -> None:
        """200 is well; another answer, or none, is not."""
        base = f"http://127.0.0.1:{server.server_port}"

        assert health.healthy(f"{base}/good", {})
        assert not health.healthy(f"{base}/bad", {})
        assert not health.healthy(f"http://127.0.0.1:{free_port()}/good", {})

    def test_listener(self, server: HTTPServer) -> None:
        """A listener that takes connections is well."""
        assert health.healthy(f"tcp:{server.server_port}", {})
        assert not health.healthy(f"tcp:{free_port()}", {})

    async def test_worker(
        self, mongo: Client, mongo_uri: str, database_prefix: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A worker of this host that keeps its place is well; another host's does not count, nor one that left."""
        monkeypatch.setattr(health.socket, "gethostname", lambda: "host")
        environment = {"HIE_MONGO_URI": mongo_uri, "HIE_DATABASE_PREFIX": database_prefix}
        other = Leases(mongo, database_prefix, "lanes", "host2-7-a")
        mine = Leases(mongo, database_prefix, "lanes", "host-7-a")

        await other.hold([1, 2])
        assert not health.healthy("worker", environment)
        await mine.hold([1, 2])
        assert health.healthy("worker", environment)
        await mine.leave()
        assert not health.healthy("worker", environment)

    def test_worker_without_a_database(self) -> None:
        """Nothing is well without the database."""
        environment = {"HIE_MONGO_URI": f"mongodb://127.0.0.1:{free_port()}/?serverSelectionTimeoutMS=300"}

        assert not health.healthy("worker", environment)
