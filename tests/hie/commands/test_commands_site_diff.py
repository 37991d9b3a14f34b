"""`hie site check --profile`: what would be otherwise under a new profile; `hie site load` and its kin."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import typer
from pymongo import AsyncMongoClient

from hie.commands import sites
from hie.commands.samples import Profiles, translated
from hie.commands.site_check import CHANGES, check_files
from hie.commands.site_diff import changed
from hie.directory.profile import read
from hie.settings import Settings

TEXT = (
    "MSH|^~\\&|HIS|H01|HIE|ZB|20261124080000||{}|1|P|2.4\rEVN||20261124080000\r"
    "PID|1||L1^^^H01^MR||王^晓梅||19850612|F\rPV1|1|特诊|W1-2-3||||||||||||||||V1\rZPD|1||A^A型^L\r"
)
PROFILE = """
sender: HIS|H01
codes:
  HL70004:
    特诊: {system: "http://terminology.hl7.org/CodeSystem/v3-ActCode", code: AMB, display: 门诊}
moves:
  - {from: PV1-3, to: [PV1-3.1, PV1-3.2, PV1-3.3], pattern: '(\\w+)-(\\w+)-(\\w+)'}
defaults: {PID-16: M}
z_fields:
  - {from: ZPD-3, to: Patient, extension: "urn:hie:blood-group", as: CodeableConcept}
events: {ADT^ZA1: ADT^A01}
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """An exchange that does not run."""
    return Settings(data_dir=tmp_path, mongo_port=1)


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    file = tmp_path / "new.yaml"
    file.write_text(PROFILE, encoding="utf-8")
    return file


def sample(tmp_path: Path, kind: str = "ADT^A01", text: str = TEXT) -> Path:
    file = tmp_path / "sample.hl7"
    file.write_bytes(text.format(kind).encode())
    return file


def differences(text: str, profile: str) -> set[tuple[str, str]]:
    """What a profile changes with one message, against none."""
    now = Profiles(Settings(), "", {})
    new = replace(now, new=read(profile))
    change = changed(translated(text.encode(), now, "a", 1), translated(text.encode(), new, "a", 1))
    return {(one.kind, one.what) for one in change.lines}


class TestDifference:
    def test_elements(self) -> None:
        """Elements that come, go and change are named, and what is no longer unmapped; no value is."""
        found = differences(TEXT.format("ADT^A01"), PROFILE)

        assert {
            ("+", "Patient.maritalStatus"),
            ("+", "Patient.extension(urn:hie:blood-group)"),
            ("~", "Encounter.class"),
            ("~", "Location: known by another identifier"),
            ("-", "not mapped: segment ZPD"),
            ("-", "not mapped: code PV1-2 http://terminology.hl7.org/CodeSystem/v2-0004|特诊"),
        } <= found
        assert not any("王" in what or "L1" in what for _, what in found)

    def test_event(self) -> None:
        """An event that the profile knows makes a message that is translated at all."""
        found = differences(TEXT.format("ADT^ZA1"), PROFILE)

        assert {("~", "message type ADT^ZA1 is ADT^A01"), ("+", "translated at all"), ("+", "Patient")} <= found

    def test_refused(self) -> None:
        """A type that the profile does not take is refused then."""
        found = differences(TEXT.format("ADT^A01"), "sender: HIS|H01\naccept: [ORU^R01]\n")

        assert [(kind, what[:11]) for kind, what in found] == [("+", "refused: AR")]

    def test_same(self) -> None:
        """A profile that says nothing changes nothing; nor does one of another sender."""
        assert differences(TEXT.format("ADT^A01"), "sender: HIS|H01\n") == set()
        assert differences(TEXT.format("ADT^A01"), PROFILE.replace("HIS|H01", "LIS|H01")) == set()


class TestCheckFiles:
    def test_codes(self, settings: Settings, tmp_path: Path, profile: Path) -> None:
        """3: something would be otherwise; 0: nothing; 1: something would not be taken, or the profile is wrong."""
        lines: list[str] = []
        same, wrong, narrow = (tmp_path / name for name in ("same.yaml", "wrong.yaml", "narrow.yaml"))
        same.write_text("sender: HIS|H01\n", encoding="utf-8")
        wrong.write_text("zone: Mars\n", encoding="utf-8")
        narrow.write_text("accept: [ORU^R01]\n", encoding="utf-8")
        files = [sample(tmp_path)]

        assert check_files(settings, files, "", lines.append, profile=profile) == CHANGES
        assert "  + Patient.maritalStatus" in "\n".join(lines)
        assert check_files(settings, files, "", lines.append, profile=same) == 0
        assert "    as before" in lines
        assert check_files(settings, files, "", lines.append, profile=narrow) == 1
        assert any("would be refused" in line for line in lines)
        assert check_files(settings, files, "", lines.append, profile=wrong) == 1
        assert lines[-1].startswith("line 1, zone: No such time zone")

    def test_fields(self, settings: Settings, tmp_path: Path, profile: Path) -> None:
        """Each field with the element it would go to."""
        lines: list[str] = []
        check_files(settings, [sample(tmp_path)], "", lines.append, profile=profile, fields=True)

        told = {line.split()[1]: line.split()[-1] for line in lines[lines.index("fields:") + 1 :]}
        assert (told["PID-5"], told["ZPD-3"]) == ("Patient.name", "Patient.extension(urn:hie:blood-group)")

    def test_json(self, settings: Settings, tmp_path: Path, profile: Path) -> None:
        """For scripts: changes and fields in each entry."""
        said: list[str] = []
        check_files(settings, [sample(tmp_path)], "", said.append, profile=profile, as_json=True)
        (entry,) = json.loads(said[0])

        assert {"kind": "+", "what": "Patient.maritalStatus"} in entry["changes"]
        assert {"PID-5", "ZPD-3"} <= {line["location"] for line in entry["fields"]}


class TestCommands:
    @pytest.fixture
    def here(
        self,
        mongo: AsyncMongoClient[dict[str, Any]],
        mongo_uri: str,
        database_prefix: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """The commands work on a database of their own."""
        settings = Settings(mongo_uri=mongo_uri, database_prefix=database_prefix)
        monkeypatch.setattr(sites, "Settings", lambda: settings)

    def test_life(self, here: None, tmp_path: Path, profile: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """Loaded, shown, changed, listed with what changed, and put back."""
        sites.load([profile], by="li", reason="onboarding")
        sites.show("HIS|H01", 0)
        profile.write_text(PROFILE + "zone: Asia/Urumqi\n", encoding="utf-8")
        sites.load([profile], by="wang", reason="")
        sites.history("HIS|H01", diff=True)
        sites.rollback("HIS|H01", 1, by="li")
        sites.unmapped("HIS|H01", 10)
        said = capsys.readouterr().out

        assert "new.yaml: HIS|H01, version 1" in said
        assert "# HIS|H01, version 1, by li" in said
        assert "      +zone: Asia/Urumqi" in said
        assert "HIS|H01, version 3, by li" in said
        assert "as version 1" in said

    def test_all_or_none(self, here: None, tmp_path: Path, profile: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """Where one profile is wrong, none is loaded, and each problem is told with file and line."""
        wrong = tmp_path / "wrong.yaml"
        wrong.write_text("sender: LIS|H01\nzone: Mars\ncolour: red\n", encoding="utf-8")
        with pytest.raises(typer.Exit):
            sites.load([profile, wrong], by="li")
        said = capsys.readouterr().out

        assert "wrong.yaml line 2, zone" in said
        assert "wrong.yaml line 3, colour" in said
        assert "version" not in said
