"""Children are restarted when they die, stopped in reverse, and never outlive their parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from hie.supervisor.processes import FIRST_PAUSE, LONGEST_PAUSE, QUIET_AFTER, Program, Supervisor, stop_process

SLEEP = "import time; time.sleep(600)"


class Clock:
    """Moves only when told."""

    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


def program(folder: Path, code: str, name: str = "child", **environment: str) -> Program:
    return Program(name, [sys.executable, "-c", code], folder / "logs" / f"{name}.log", environment)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"


class TestProgram:
    def test_output(self, tmp_path: Path) -> None:
        """What a child says goes to its own log, and its settings are its own."""
        one = program(tmp_path, "import os; print(os.environ['HIE_X'])", HIE_X="yes")
        assert one.start().wait(10) == 0

        assert one.log.read_text() == "yes\n"
        assert "HIE_X" not in os.environ


class TestSupervisor:
    def test_restart(self, tmp_path: Path) -> None:
        """A child that dies starts again after a pause, and both are said."""
        said, clock = list[str](), Clock()
        supervisor = Supervisor(said.append, clock)
        supervisor.start(program(tmp_path, "raise SystemExit(3)"))
        (child,) = supervisor.children
        until(lambda: child.process.poll() is not None)
        supervisor.watch()
        supervisor.watch()
        assert child.restarts == 0

        clock.at += FIRST_PAUSE
        supervisor.watch()
        assert child.restarts == 1
        assert said == ["child ended with code 3; starting it again in 0.5 s", "child runs again"]
        supervisor.stop()

    def test_pauses(self, tmp_path: Path) -> None:
        """Pauses double up to a limit; a child that lived for a while begins at the first pause again."""
        clock = Clock()
        supervisor = Supervisor(lambda _: None, clock)
        supervisor.start(program(tmp_path, "pass"))
        (child,) = supervisor.children
        pauses = []
        for _ in range(9):
            until(lambda: child.process.poll() is not None)
            supervisor.watch()
            assert child.again_at is not None
            pauses.append(child.again_at - clock.at)
            clock.at = child.again_at
            supervisor.watch()
        assert pauses == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, LONGEST_PAUSE]

        until(lambda: child.process.poll() is not None)
        clock.at += QUIET_AFTER + 1
        supervisor.watch()
        assert child.again_at == clock.at + FIRST_PAUSE
        supervisor.stop()

    def test_stop_in_reverse(self, tmp_path: Path) -> None:
        """The last started is stopped first: nobody loses what it stands on."""
        order = tmp_path / "order"
        code = (
            "import os, signal, sys, time\n"
            "def end(*_):\n"
            "    with open(os.environ['ORDER'], 'a') as sink: sink.write(os.environ['NAME'] + ' ')\n"
            "    sys.exit()\n"
            "signal.signal(signal.SIGTERM, end)\n"
            "print('up', flush=True)\n"
            "time.sleep(600)\n"
        )
        supervisor = Supervisor(lambda _: None)
        for name in ("database", "web", "portal"):
            one = program(tmp_path, code, name, ORDER=str(order), NAME=name)
            supervisor.start(one)
            until(lambda log=one.log: "up" in log.read_text())  # type: ignore[misc]
        supervisor.stop()

        assert order.read_text().split() == ["portal", "web", "database"]
        assert supervisor.children == []

    def test_stubborn(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A child that does not listen is ended all the same."""
        monkeypatch.setattr("hie.supervisor.processes.STOP_SECONDS", 0.3)
        deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); "
        one = program(tmp_path, deaf + SLEEP)
        process = one.start()
        until(lambda: "up" in one.log.read_text())
        stop_process(process)

        assert process.returncode == -signal.SIGKILL


class TestOrphans:
    def test_parent_killed(self, tmp_path: Path) -> None:
        """Where the supervisor is killed outright its children end with it."""
        code = (
            "import sys, time\nfrom pathlib import Path\nfrom hie.supervisor.processes import Program\n"
            f"child = Program('c', [sys.executable, '-c', {SLEEP!r}], Path({str(tmp_path / 'c.log')!r})).start()\n"
            "print(child.pid, flush=True)\ntime.sleep(600)\n"
        )
        root = Path(__file__).resolve().parents[3]
        with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=root) as parent:
            assert parent.stdout is not None
            child = int(parent.stdout.readline())
            assert alive(child)
            parent.kill()

        until(lambda: not alive(child))
