"""
HAPI's client for Java, in JSON and XML, plain and compressed. https://hapifhir.io/hapi-fhir/docs/client/introduction.html

The steps are in `java/HapiTrial.java`; each is a test here.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from outside import Absent, java_program, run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
STEPS = (
    "capabilities", "life", "lifeInXml", "lifeCompressed", "digits", "notModified", "everyPage", "search",
    "conditions", "patch", "lostUpdate", "transaction", "history", "operations", "meta", "errors",
)  # fmt: skip


@pytest.fixture(scope="module")
def hapi(reached: Mapping[str, str]) -> dict[str, str]:
    """What became of each step; skipped where Java, Maven or the packages are not to be had."""
    try:
        command = java_program("HapiTrial.java")
    except Absent as reason:
        pytest.skip(str(reason))
    return run(command, reached, 400)


class TestHapi:
    @pytest.mark.parametrize("step", STEPS)
    def test_step(self, hapi: dict[str, str], step: str) -> None:
        """HAPI's client does what it is made for."""
        assert hapi[step] == ""

    def test_all(self, hapi: dict[str, str]) -> None:
        """No step is forgotten here."""
        assert tuple(hapi) == STEPS
