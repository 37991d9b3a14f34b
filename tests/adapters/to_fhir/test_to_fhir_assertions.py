"""
The FHIRPath assertions in the text of the immunization sample messages: which hold, and which do not and why.

The messages are answers to queries (RSP^K11); what they tell of a patient and his vaccinations is what VXU^V04 tells,
in the same segments. Assertions on the envelope of the answer (MessageHeader, OperationOutcome, Parameters, Bundle)
are about a conversation that an exchange of records does not have.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import fhirpathpy
import pytest
from fhirpathpy.models import models
from to_fhir_world import Store

ENVELOPE = ("MessageHeader", "OperationOutcome", "Parameters", "Bundle", "%context")
CORE = "http://hl7.org/fhir/us/core/StructureDefinition"
# Each entry must stay true: a test fails when one of these begins to hold, or another one ceases to.
NOT_MET = {
    "Patient.identifier.exists(value = '234814' and system = 'MYEHR' and type.coding.code = 'MR')": "an identifier's "
    "system is a URI: the namespace MYEHR is urn:hie:authority:MYEHR, or what the site's profile says",
    "Patient.identifier.system.exists($this = 'MYEHR')": "the same",
    f"Patient.extension('{CORE}/us-core-race').extension.exists(url='ombCategory' and value.code='2028-9')": "race in "
    "the sense of the United States is not profiled in this region; PID-10 is kept as it was sent (urn:hie:race)",
    f"Patient.extension('{CORE}/us-core-race').extension.exists(url='text' and value='ASIAN')": "the same",
    f"Patient.extension('{CORE}/us-core-ethnicity').extension.exists(url='ombCategory' and value.code='2186-5')": "the "
    "same, for PID-22 (urn:hie:ethnic-group)",
    f"Patient.extension('{CORE}/us-core-ethnicity').extension.exists(url='text' and value='not HISPANIC')": "the same",
}


@cache
def read(folder: Path) -> tuple[tuple[str, ...], ...]:
    """The messages of the file; each of their lines is a segment, or an assertion that begins with `@`."""
    found: list[list[str]] = []
    for line in (folder / "hl7v2" / "iz" / "messages.txt").read_text(encoding="utf-8").splitlines():
        text = re.split(r"(?:^|\s)//", line)[0].strip()
        if line.startswith("MSH|"):
            found.append([text])
        elif found and (text.startswith("@") or re.match(r"[A-Z][A-Z0-9]{2}\|", line)):
            found[-1].append(text)
        elif found and text and found[-1][-1].endswith("\\"):
            joint = " " if found[-1][-1].startswith("@") else ""
            found[-1][-1] = found[-1][-1].removesuffix("\\").rstrip() + joint + text
    return tuple(tuple(line.removesuffix("\\").strip() for line in message) for message in found)


def assertions(folder: Path) -> list[str]:
    """Every assertion of the file, as FHIRPath, without blanks that mean nothing."""
    found = [line[1:] for message in read(folder) for line in message if line.startswith("@")]
    return [re.sub(r"\s+\.", ".", re.sub(r"\s+", " ", one)).strip() for one in found]


def messages(folder: Path) -> Iterator[list[str]]:
    """The segments of each message."""
    return ([line for line in message if not line.startswith("@")] for message in read(folder))


def told(segments: list[str]) -> Store:
    """What the patient, vaccination and observation segments mean, as a vaccination message."""
    store = Store()
    begin = next(at for at, line in enumerate(segments) if line.startswith("PID|"))
    header = "MSH|^~\\&|TEST|MOCK|DEST|DAPP|20240618083101-0400||VXU^V04^VXU_V04|1|P|2.5.1"
    store.file("\r".join([header, *segments[begin:]]))
    return store


def holds(resource: dict[str, Any], assertion: str) -> bool:
    return bool(fhirpathpy.evaluate(resource, assertion, {}, models["r4"]) == [True])


class TestAssertions:
    @pytest.fixture
    def of_patient(self, shared_data: Path) -> list[str]:
        return [one for one in assertions(shared_data) if one.startswith("Patient.")]

    def test_all_are_judged(self, shared_data: Path, of_patient: list[str]) -> None:
        """Each assertion is about the patient, or about the envelope of an answer."""
        others = [one for one in assertions(shared_data) if one not in of_patient]

        assert (len(read(shared_data)), len(others) + len(of_patient)) == (64, 57)
        assert [one for one in others if not one.startswith(ENVELOPE)] == []

    def test_patient(self, shared_data: Path, of_patient: list[str]) -> None:
        """What is asserted of the patient holds, but for what is listed with its reason."""
        patient = told(next(messages(shared_data))).one("Patient")
        missed = [one for one in of_patient if not holds(patient, one)]

        assert missed == [one for one in of_patient if one in NOT_MET]
        assert set(NOT_MET) <= set(of_patient)

    def test_vaccinations(self, shared_data: Path) -> None:
        """Each vaccination of each answer is a vaccination of its own, though all have the same order number."""
        counted = 0
        for segments in messages(shared_data):
            sent = [line.split("|") for line in segments if line.startswith("RXA|")]
            given = {(rxa[3], rxa[5].split("^")[0]) for rxa in sent if rxa[5].split("^")[0] != "998"}
            if not given or not any(line.startswith("PID|") for line in segments):
                continue
            stored = told(segments).of("Immunization")
            counted += len(stored)
            assert len(stored) == len(given)

        assert counted > 50
