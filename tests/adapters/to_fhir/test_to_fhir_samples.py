"""Every sample message: translated without an exception, into valid FHIR, alone and upon what came before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class
from to_fhir_world import Store, run, samples

from records.stored import encode
from records.validation import validate

FOLDERS = ("fhir-converter", "iz", "structures", "simhospital")


def references(value: Any) -> Iterator[str]:
    """Relative references, but to what another message must bring: parents of results and of documents."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "reference":
                if not inner.startswith("#"):  # what is contained is inside
                    yield inner
            elif key not in ("derivedFrom", "relatesTo"):
                yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


@pytest.mark.parametrize("folder", FOLDERS)
class TestSamples:
    """The public sample sets."""

    def test_valid_upon_history(self, shared_data: Path, folder: str) -> None:
        """Filed in order, everything stored is valid FHIR, and references name what is there."""
        store, translated = Store(), 0
        for at, (_, text) in enumerate(samples(shared_data / "hl7v2" / folder)):
            translated += store.file(text, reference=f"{folder}-{at}").translated
        for resource in store.values():
            # The gate of the stores, and a second opinion.
            assert validate(resource) == []
            get_fhir_model_class(resource["resourceType"]).model_validate_json(encode(resource))

        assert translated > 5
        assert {reference for resource in store.values() for reference in references(resource)} <= set(store)

    def test_replay_changes_nothing(self, shared_data: Path, folder: str) -> None:
        """The last message filed twice leaves the store as it was."""
        store = Store()
        for at, (_, text) in enumerate(samples(shared_data / "hl7v2" / folder)):
            if at >= 60:
                break
            store.file(text, reference=f"{at}")
            before = dict(store)
            store.file(text, reference=f"{at}")
            assert all(store[key] is before.get(key) for key in store)

    def test_every_code_value_is_kept(self, shared_data: Path, folder: str) -> None:
        """Each OBX-3 code of a translated ORU is in the result."""
        for name, text in samples(shared_data / "hl7v2" / folder):
            if "|ORU^R01" not in text or name == "messages.out":
                continue
            codes = {
                c["code"] for f in run(text).facts if f.type == "Observation" for c in f.resource["code"]["coding"]
            }
            sent = {
                line.split("|")[3].split("^")[0].split("&")[0]
                for line in text.split("\r")
                if line.startswith("OBX|") and line.split("|")[2] not in ("ED", "RP")
            }
            assert {" ".join(code.split()) for code in sent if code} <= codes
