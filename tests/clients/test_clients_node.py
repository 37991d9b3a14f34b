"""
Two clients for JavaScript under Node: fhir-kit-client and SMART's fhirclient, both from the package registry.

The steps are in `node/`; each is a test here.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from outside import Absent, node_program, run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
KIT = (
    "capabilities", "smartConfiguration", "life", "patch", "conditionalUpdate", "conditionalCreate", "lostUpdate",
    "everyPage", "include", "transaction", "batch", "history", "operations", "errors",
)  # fmt: skip
SMART = ("capabilities", "life", "everyPage", "resolvedReferences", "units", "errors")


def steps(program: str, reached: Mapping[str, str]) -> dict[str, str]:
    """What became of each step; skipped where Node or its packages are not to be had."""
    try:
        command = node_program(program)
    except Absent as reason:
        pytest.skip(str(reason))
    return run(command, reached)


@pytest.fixture(scope="module")
def kit(reached: Mapping[str, str]) -> dict[str, str]:
    return steps("kit.js", reached)


@pytest.fixture(scope="module")
def smart(reached: Mapping[str, str]) -> dict[str, str]:
    return steps("smart.js", reached)


class TestKit:
    @pytest.mark.parametrize("step", KIT)
    def test_step(self, kit: dict[str, str], step: str) -> None:
        """fhir-kit-client does what it is made for."""
        assert kit[step] == ""

    def test_all(self, kit: dict[str, str]) -> None:
        """No step is forgotten here."""
        assert tuple(kit) == KIT


class TestSmart:
    @pytest.mark.parametrize("step", SMART)
    def test_step(self, smart: dict[str, str], step: str) -> None:
        """SMART's client does what it is made for."""
        assert smart[step] == ""

    def test_all(self, smart: dict[str, str]) -> None:
        """No step is forgotten here."""
        assert tuple(smart) == SMART
