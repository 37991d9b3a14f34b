"""`hie site check` says what sample messages would become, and stores nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from adapters.hl7v2.site import Site
from hie.commands import site_check
from hie.commands.site_check import Profiles, check, check_files
from hie.settings import Settings

GOOD = (
    "MSH|^~\\&|HIS|H01|HIE|ZB|20261124080000||ORU^R01^ORU_R01|1|P|2.5.1|||||CHN|UNICODE UTF-8\r"
    "PID|1||L1^^^H01^MR||王^晓梅||19850612|F\r"
    "OBR|1||F1|X77^血糖^L|||20261124080000\r"
    "OBX|1|NM|X77^血糖^L||5.6|mmol/L|||||F\r"
    "ZZZ|1|own\r"
)
KEPT = GOOD.replace("ORU^R01^ORU_R01|1", "ZZX^Z01|2")
WRONG = GOOD.replace("ORU^R01^ORU_R01|1", "|3")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """An exchange that does not run."""
    return Settings(data_dir=tmp_path, mongo_port=1)


def profiles(known: Site | None = None) -> Profiles:
    return Profiles(Settings(), "", {"HIS|H01": known} if known else {})


class TestCheck:
    def test_becomes(self) -> None:
        """Resources, unmapped codes and segments are named."""
        found = check(GOOD.encode(), profiles(), "a.hl7", 1)

        assert found.translated
        assert {"Patient", "DiagnosticReport", "Observation"} <= set(found.resources)
        assert any(one.startswith("segment ZZZ") for one in found.unmapped)
        assert any("X77" in one for one in found.unmapped)
        assert found.invalid == ()

    def test_registered_profile(self) -> None:
        """A registered profile maps what the provisional one does not know."""
        site = Site("s", code_maps={"L": {"X77": ("http://loinc.org", "14749-6", "葡萄糖")}})
        found = check(GOOD.encode(), profiles(site), "a.hl7", 1)

        assert not any("X77" in one for one in found.unmapped)

    def test_refused(self) -> None:
        """What would be refused says with which acknowledgement, and where."""
        found = check(WRONG.encode(), profiles(), "a.hl7", 1)

        assert found.refused.startswith("AE ")
        assert "MSH^1^9" in found.refused


class TestCheckFiles:
    def test_report(self, settings: Settings, tmp_path: Path) -> None:
        """Several messages a file; the lines are grouped by type, and the exit code says whether all would be taken."""
        file = tmp_path / "samples.hl7"
        file.write_bytes((GOOD + "\n" + KEPT).encode())
        lines: list[str] = []

        assert check_files(settings, [file], "", lines.append) == 0
        text = "\n".join(lines)
        assert "ORU^R01: 1 message" in text
        assert "kept, not translated: 1" in text
        assert "2 messages: 2 would be taken, 0 refused" in text
        assert "晓梅" not in text

    def test_json(self, settings: Settings, tmp_path: Path) -> None:
        """For scripts: one entry a message; a refused one makes the exit code 1."""
        file = tmp_path / "samples.hl7"
        file.write_bytes((GOOD + "\n" + WRONG).encode())
        said: list[str] = []

        assert check_files(settings, [file], "", said.append, as_json=True) == 1
        entries = json.loads(said[0])
        assert [(one["number"], bool(one["refused"])) for one in entries] == [(1, False), (2, True)]

    def test_uses_registry(self, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The profile of the sender that is named stands in for the one in the message."""

        async def registered(_settings: Settings) -> dict[str, Site]:
            return {"LIS|NEW": Site("new", code_maps={"L": {"X77": ("http://loinc.org", "14749-6", "葡萄糖")}})}

        monkeypatch.setattr(site_check, "registered", registered)
        file = tmp_path / "samples.hl7"
        file.write_bytes(GOOD.encode())
        lines: list[str] = []
        check_files(settings, [file], "LIS|NEW", lines.append)

        assert "X77" not in "\n".join(lines)
