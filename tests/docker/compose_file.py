"""The compose file as data."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml

DOCKER = Path(__file__).resolve().parents[2] / "docker"
FILE = DOCKER / "compose.yaml"
ENV_EXAMPLE = DOCKER / "env.example"
EXCHANGE = ("web", "listener", "worker", "portal")


@cache
def compose() -> dict[str, Any]:
    """The whole file, anchors resolved, variables as they stand."""
    found: dict[str, Any] = yaml.safe_load(FILE.read_text("utf-8"))
    return found


def services() -> dict[str, dict[str, Any]]:
    """Every service by name."""
    found: dict[str, dict[str, Any]] = compose()["services"]
    return found


def example() -> dict[str, str]:
    """The variables of env.example."""
    lines = [line for line in ENV_EXAMPLE.read_text("utf-8").splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def filled(value: str) -> str:
    """A value with the example's variables in it."""
    known = example()
    return re.sub(r"\$\{(\w+)(?:(:[-?])([^}]*))?\}", lambda found: known[found[1]], value)


def environment(service: str) -> dict[str, str]:
    """The environment of a service under the example's variables."""
    return {name: filled(str(value)) for name, value in services()[service].get("environment", {}).items()}
