"""Consent: refusing, and taking it back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from portal_record import HOSPITAL, OTHER
from portal_world import World, words

from hie.access.consent import rule_of


class TestGive:
    async def test_facility(self, visited: World) -> None:
        """A refusal is written as the exchange's policy reads it: that facility, from now on."""
        answer = await visited.post("/consent/new", who=HOSPITAL, start="", end="")
        (consent,) = visited.fhir.of("Consent")
        rule = rule_of(consent)

        assert answer.headers["location"] == "/consent?done=given"
        assert rule is not None
        assert rule.denies(frozenset({HOSPITAL}), "TREAT", visited.clock())
        assert not rule.denies(frozenset({OTHER}), "TREAT", visited.clock())
        assert "淄博市中心医院 不能查看" in words(await visited.get("/consent?done=given"))

    async def test_role_and_period(self, visited: World) -> None:
        """A kind of staff, until a day: the day itself is still covered."""
        today = visited.clock().date()
        await visited.post("/consent/new", who="role/pharmacist", start="", end=(today + timedelta(days=5)).isoformat())
        rule = rule_of(visited.fhir.of("Consent")[0])

        assert rule is not None
        pharmacist = frozenset({"urn:hie:role|pharmacist"})
        assert rule.denies(pharmacist, "TREAT", visited.clock() + timedelta(days=4))
        assert not rule.denies(pharmacist, "TREAT", visited.clock() + timedelta(days=7))
        assert "所有药师" in words(await visited.get("/consent"))

    async def test_other_facility(self, visited: World) -> None:
        """A facility without a record of the visitor is found by part of its name, in a form and not in an address."""
        found = await visited.post("/consent/new", do="find", name="桓台")
        await visited.post("/consent/new", who=OTHER, start="", end="")

        assert "桓台县人民医院" in words(found.text)
        assert all("name" not in str(link) for link in found.headers.get_list("location"))
        assert visited.fhir.of("Consent")[0]["provision"]["actor"][0]["reference"]["display"] == "桓台县人民医院"

    @pytest.mark.parametrize(
        ("fields", "text"),
        [
            ({"who": ""}, "请选择不想让谁查看。"),
            ({"who": "Organization/none"}, "请选择不想让谁查看。"),
            ({"who": "role/administrator"}, "请选择不想让谁查看。"),
            ({"who": HOSPITAL, "end": "2020-01-01"}, "结束日期已经过去了。"),
            ({"who": HOSPITAL, "start": "2030-02-01", "end": "2030-01-01"}, "结束日期不能早于开始日期。"),
            ({"who": HOSPITAL, "start": "yesterday"}, "请按“年-月-日”填写日期"),
        ],
    )
    async def test_wrong(self, visited: World, fields: dict[str, str], text: str) -> None:
        """What is wrong is said at the top and at the field; what was filled in stays; nothing is written."""
        answer = await visited.post("/consent/new", **fields)

        assert answer.status_code == 422
        assert text in answer.text
        assert 'role="alert"' in answer.text
        assert "<title>有错误：" in answer.text
        assert visited.fhir.of("Consent") == []

    async def test_forged(self, visited: World) -> None:
        """A form of another site writes nothing."""
        answer = await visited.browser.post("/consent/new", data={"who": HOSPITAL})

        assert answer.status_code == 403
        assert visited.fhir.of("Consent") == []


class TestWithdraw:
    async def test_way(self, visited: World) -> None:
        """Asked once, then taken back; it stays in the list as such."""
        await visited.post("/consent/new", who=HOSPITAL)
        key = visited.fhir.of("Consent")[0]["id"]
        assert "撤回这项设置？" in words(await visited.get(f"/consent/{key}/withdraw"))
        answer = await visited.post(f"/consent/{key}/withdraw")

        assert answer.headers["location"] == "/consent?done=withdrawn"
        assert rule_of(visited.fhir.of("Consent")[0]) is None
        assert "已撤回" in words(await visited.get("/consent"))

    async def test_looking_changes_nothing(self, visited: World) -> None:
        """GET only asks."""
        await visited.post("/consent/new", who=HOSPITAL)
        key = visited.fhir.of("Consent")[0]["id"]
        await visited.get(f"/consent/{key}/withdraw")

        assert visited.fhir.of("Consent")[0]["status"] == "active"

    async def test_not_mine(self, visited: World) -> None:
        """What the exchange does not show cannot be taken back."""
        assert (await visited.post("/consent/none/withdraw")).status_code == 404
