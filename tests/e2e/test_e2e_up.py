"""Start, Ctrl-C, start again: nothing stays behind but the data."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest
from e2e_messages import admit
from e2e_region import PORTS, Region, said, start_region, stop_region

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def taken(region: Region) -> list[str]:
    """Which of its ports somebody still listens on."""
    found = []
    for name in PORTS:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", region.port(name))) == 0:
                found.append(name)
    return found


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


class TestUp:
    @pytest.mark.timeout(400)
    def test_stop_and_start_again(self, tmp_path: Path) -> None:
        """Ctrl-C ends every process with code 0 and frees every port; the second start has what the first one had."""
        first = start_region(tmp_path)
        assert all(b"MSA|AA" in answer for answer in first.send(admit("U1", "UP1")))
        children = first.children()
        assert len(children) == 6, children

        stop_region(first)
        assert first.process.returncode == 0
        assert not [process for process in children if alive(process)]
        assert taken(first) == []
        assert "Traceback" not in said(tmp_path)

        second = start_region(tmp_path, again=first)
        try:
            with second.client("clinician") as fhir:
                assert fhir.get("/Patient", params={"identifier": "UP1"}).json()["total"] == 1
            status = json.loads(second.hie("status", "--json").stdout)
            assert status["ready"] and status["journal"]["committed"] == 1
            assert second.hie("verify-audit").returncode == 0
        finally:
            stop_region(second)
