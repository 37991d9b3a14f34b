"""The running exchange that the end-to-end tests share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from e2e_region import Region, start_region, stop_region

ORGANIZATION, SENDER = "urn:hie:organization", "urn:hie:hl7v2-sender"


@pytest.fixture(scope="session")
def region(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    """One exchange for all tests that do not break it."""
    running = start_region(tmp_path_factory.mktemp("region"))
    yield running
    stop_region(running)


@pytest.fixture(scope="session")
def directory(region: Region) -> Mapping[str, str]:
    """The two institutions of the stories in the directory: their references by kind."""
    hospital = _organization("370303-H01", "淄博市中心医院", "三级", sender="HIS|E2E")
    clinic = _organization("370303-C01", "公园街道社区卫生服务中心", "基层")
    with region.client("system") as fhir:
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [hospital, clinic]}
        answer = fhir.post("", json=bundle)
        assert answer.status_code == 200, answer.text
        places = [entry["response"]["location"].split("/fhir/")[1] for entry in answer.json()["entry"]]
    return dict(zip(("hospital", "clinic"), (place.split("/_history")[0] for place in places), strict=True))


def _organization(code: str, name: str, level: str, sender: str = "") -> dict[str, Any]:
    identifiers = [{"system": ORGANIZATION, "value": code}]
    if sender:
        identifiers.append({"system": SENDER, "value": sender})
    resource = {
        "resourceType": "Organization", "identifier": identifiers, "active": True, "type": [{"text": level}],
        "name": name,
    }  # fmt: skip
    return {"resource": resource, "request": {"method": "PUT", "url": f"Organization?identifier={ORGANIZATION}|{code}"}}
