"""
Child processes of one machine: started in order, restarted when they die, stopped in reverse.

A child that dies is started again after a pause that doubles up to half a minute, and it is said so: the journal
makes a restart harmless.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PR_SET_PDEATHSIG = 1
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
QUIET_AFTER = 60.0  # a child that lived this long starts again at the first pause
STOP_SECONDS = 15.0


def die_with_parent() -> None:
    """Ask Linux to end this process when its parent ends, however that happens."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


@dataclass(frozen=True, slots=True)
class Program:
    """What to run: `arguments` after the interpreter, `environment` over ours, output to `log`."""

    name: str
    arguments: Sequence[str]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    def start(self) -> subprocess.Popen[bytes]:
        """Start it in a session of its own: Ctrl-C is for the supervisor, which then stops it in order."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as sink:
            return subprocess.Popen(  # noqa: S603 - our own command line
                self.arguments,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                env={**os.environ, **self.environment},
                start_new_session=True,
                preexec_fn=die_with_parent,
            )


@dataclass(slots=True)
class Child:
    """A program that should be running."""

    program: Program
    process: subprocess.Popen[bytes]
    started: float
    pause: float = FIRST_PAUSE
    again_at: float | None = None
    restarts: int = 0


class Supervisor:
    """Keeps programs running. `say` gets one line for each thing worth a person's attention."""

    def __init__(self, say: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self.say = say
        self.clock = clock
        self.children: list[Child] = []

    def start(self, program: Program) -> None:
        """Start a program and keep it."""
        self.children.append(Child(program, program.start(), self.clock()))

    def watch(self) -> None:
        """Look at every child once; restart those whose pause is over."""
        for child in self.children:
            if child.again_at is not None:
                self._maybe_restart(child)
            elif (code := child.process.poll()) is not None:
                self._plan_restart(child, code)

    def _plan_restart(self, child: Child, code: int) -> None:
        if self.clock() - child.started > QUIET_AFTER:
            child.pause = FIRST_PAUSE
        child.again_at = self.clock() + child.pause
        self.say(f"{child.program.name} ended with code {code}; starting it again in {child.pause:g} s")
        child.pause = min(child.pause * 2, LONGEST_PAUSE)

    def _maybe_restart(self, child: Child) -> None:
        assert child.again_at is not None
        if self.clock() < child.again_at:
            return
        child.process, child.started, child.again_at = child.program.start(), self.clock(), None
        child.restarts += 1
        self.say(f"{child.program.name} runs again")

    def stop(self) -> None:
        """Stop all children, last started first, each given time to finish what it does."""
        for child in reversed(self.children):
            stop_process(child.process)
        self.children.clear()


def stop_process(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM, a while, SIGKILL."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
