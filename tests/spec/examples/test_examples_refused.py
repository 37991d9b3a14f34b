"""What is refused of the official examples: each for a reason that the specification gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from example_region import Exchange
from official_package import Example
from official_rules import OfficialRules

from records import validation

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
LISTED: dict[str, dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("refused.yaml").read_text())
SERVERS_OWN = ("limit", "trail", "endpoint")
BY_SPECIFICATION = {name: entry for name, entry in LISTED.items() if entry["rule"] not in SERVERS_OWN}


class TestRefused:
    async def test_no_other(self, exchange: Exchange) -> None:
        """Everything that is offered is stored, but for the examples listed here; and those are still refused."""
        assert {name: one.status for name, one in exchange.refused.items()} == {
            name: entry["status"] for name, entry in LISTED.items()
        }
        assert len(exchange.stored) > 5200

    async def test_place(self, exchange: Exchange) -> None:
        """The outcome names the very place."""
        said = {name: {place for place, _ in exchange.refused[name].issues} for name in LISTED}

        assert [name for name, entry in LISTED.items() if "at" in entry and entry["at"] not in said[name]] == []

    @pytest.mark.parametrize("name", BY_SPECIFICATION)
    def test_rightly(self, package: list[Example], name: str) -> None:
        """The rule is one of the official StructureDefinitions, and the example breaks it."""
        example = next(one for one in package if one.file == name)

        assert OfficialRules(package).broken(example, BY_SPECIFICATION[name])

    def test_rules_can_hold(self, package: list[Example]) -> None:
        """The same rules find nothing in an example that keeps them."""
        rules = OfficialRules(package)
        example = next(one for one in package if one.file == "Observation-f001.json")
        target = {"rule": "target", "element": "Observation.performer", "to": "Practitioner"}
        required = {"rule": "required", "element": "Observation.status"}

        assert not any(rules.broken(example, one) for one in (target, required, {"rule": "txt-2"}, {"rule": "id"}))

    async def test_trail(self, package: list[Example], exchange: Exchange) -> None:
        """Examples of AuditEvents are valid: they are refused because nobody else may write the trail."""
        for example in package:
            if LISTED.get(example.file, {}).get("rule") == "trail":
                answer = await exchange.world.post("/AuditEvent/$validate", example.text, account="system")

                assert answer.status_code == 200, answer.text
                assert not {one["severity"] for one in answer.json()["issue"]} & {"error", "fatal"}

    async def test_endpoint(self, package: list[Example], exchange: Exchange) -> None:
        """Examples of Subscriptions are valid: nobody named the host that they want to be told at."""
        for example in package:
            if LISTED.get(example.file, {}).get("rule") == "endpoint":
                assert validation.validate(validation.parse(example.text)) == []
                assert "the operator names the hosts" in exchange.refused[example.file].issues[0][1]

    def test_limit(self, package: list[Example], exchange: Exchange) -> None:
        """The one that is larger than a body may be is valid all the same."""
        (name,) = (name for name, entry in LISTED.items() if entry["rule"] == "limit")
        example = next(one for one in package if one.file == name)

        assert len(example.text) > exchange.world.services.settings.fhir_max_bytes
        assert validation.validate(validation.parse(example.text)) == []


class TestNotOffered:
    async def test_types(self, exchange: Exchange) -> None:
        """Examples of the types that are not offered get 404, as /metadata says."""
        statement = (await exchange.world.get("/metadata", account=None)).json()
        offered = {one["type"] for one in statement["rest"][0]["resource"]}

        for example in exchange.not_offered:
            assert example.type not in offered
            answer = await exchange.world.put(example.path, example.text, account="system")
            assert answer.status_code == 404, example.file
