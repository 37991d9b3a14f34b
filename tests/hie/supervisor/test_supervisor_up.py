"""`hie up` before and around the children: which there are, which port is taken, how it ends."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path

import pytest
from free_ports import free_port

from hie.errors import Unavailable
from hie.settings import Settings
from hie.supervisor import mongod
from hie.supervisor.up import OneMachine, Stopped, answers, on_this_machine, refuse_taken, run_up, stoppable, unhurried


def names(**settings: object) -> list[str]:
    machine = OneMachine(Settings(**settings), lambda _: None)  # type: ignore[arg-type]
    return [name for name, _ in machine._services()]


class TestServices:
    def test_demo(self) -> None:
        """The demonstration has a sign-in of its own; workers are as many as asked."""
        assert names(workers=2) == ["sign-in", "web", "listener", "worker-1", "worker-2", "portal"]

    def test_own_issuer(self) -> None:
        """With an issuer of one's own, and in production, the demo sign-in does not run."""
        assert "sign-in" not in names(issuer="https://sso.example/realms/zibo")
        assert "sign-in" not in names(mode="production")


class TestPorts:
    def test_taken(self, tmp_path: Path) -> None:
        """A port that somebody has is named at once, with the setting that chooses another; nothing is started."""
        said: list[str] = []
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = other.getsockname()[1]
            free = {f"{name}_port": free_port() for name in ("web", "portal", "sign_in", "mongo")}
            code = run_up(Settings(data_dir=tmp_path, mllp_port=port, **free), said.append, None, lambda: None)

        assert code == 1
        assert f"Port {port} " in said[0]
        assert "HIE_MLLP_PORT" in said[0]
        assert list(tmp_path.iterdir()) == []

    def test_free(self) -> None:
        """Free ports are no trouble."""
        refuse_taken([("HIE_WEB_PORT", free_port())], "127.0.0.1")

    def test_local_address(self) -> None:
        """Whatever the outside calls a service, from here it is asked on this machine."""
        settings = Settings(host="0.0.0.0", public_url="https://hie.example")
        assert on_this_machine(settings, 8080) == "http://127.0.0.1:8080"
        assert on_this_machine(Settings(), 8080) == "http://127.0.0.1:8080"

    def test_nobody_answers(self) -> None:
        """An address without a service is not ready."""
        assert not answers(f"http://127.0.0.1:{free_port()}/health/ready")


class TestSignals:
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_stoppable(self, number: int) -> None:
        """Ctrl-C and SIGTERM end the watch, and leave the handlers as they were."""
        before = signal.getsignal(number)
        with pytest.raises(Stopped), stoppable():
            os.kill(os.getpid(), number)
            signal.pause()

        assert signal.getsignal(number) == before

    def test_unhurried(self) -> None:
        """A second Ctrl-C does not cut the end short."""
        # Whoever started the tests may ignore Ctrl-C: what is put back is what was there.
        before = signal.getsignal(signal.SIGINT)
        with unhurried():
            os.kill(os.getpid(), signal.SIGINT)
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN

        assert signal.getsignal(signal.SIGINT) == before


class TestMongod:
    def test_loopback(self, tmp_path: Path) -> None:
        """The embedded database listens to this machine alone, as a replica set."""
        line = mongod.command(Path("mongod"), tmp_path, 27117)
        assert line[line.index("--bind_ip") + 1] == "127.0.0.1"
        assert line[line.index("--replSet") + 1] == "rs0"

    def test_port_taken(self, tmp_path: Path) -> None:
        """A database that cannot start says why, and does not leave a process behind."""
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            with pytest.raises(Unavailable, match="taken"):
                mongod.start(tmp_path, other.getsockname()[1])
