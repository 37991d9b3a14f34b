"""The card's fields: what a page may say, what a report needs, and that nothing is lost on the way through FHIR."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from hie.applications.public_health import fields
from hie.applications.public_health.fields import LABELS, form_errors, items, report_errors, values_of
from hie.applications.public_health.rules import card_rules_on, diseases_on
from terminology.service import terminology

NOW = datetime(2026, 11, 24, 2, tzinfo=UTC)
TODAY = date(2026, 11, 24)
RULES = card_rules_on(TODAY)
KNOWN = {one.code: one for one in diseases_on(TODAY, terminology())}
CHOLERA, HEPATITIS = KNOWN["0200"], KNOWN["0300"]
PLACES = ("370303", "370323")
FULL = {
    "kind": "1", "name": "王晓梅", "id_number": "370303198506120428", "sex": "2", "birth": "1985-06-12",
    "phone": "0533-2788000", "belongs": "1", "district": "370303", "address": "公园街道1号", "occupation": "09",
    "case_class": "1", "onset": "2026-11-22", "diagnosed": "2026-11-24T09:30", "facility": "淄博市中心医院",
    "doctor": "张医生", "parent": "", "workplace": "", "course": "", "death": "", "remark": "",
}  # fmt: skip


def wrong(disease: Any = CHOLERA, **changes: str) -> dict[str, str]:
    return report_errors(FULL | changes, disease, NOW, RULES, PLACES)


class TestReport:
    def test_complete(self) -> None:
        """A complete card has nothing wrong."""
        assert wrong() == {}

    @pytest.mark.parametrize("name", fields.ALWAYS)
    def test_required(self, name: str) -> None:
        """Each of these is needed."""
        assert name in wrong(**{name: ""})

    @pytest.mark.parametrize(
        ("changes", "name"),
        [
            ({"birth": "2015-01-01", "id_number": ""}, "parent"), ({"occupation": "03"}, "workplace"),
            ({"district": ""}, "district"), ({"district": "110101"}, "district"), ({"sex": "1"}, "sex"),
            ({"birth": "1985-06-13"}, "birth"), ({"id_number": "370303198506120427"}, "id_number"),
            ({"phone": "电话不详"}, "phone"), ({"onset": "2026-11-25"}, "onset"), ({"onset": "1980-01-01"}, "onset"),
            ({"diagnosed": "2026-11-24T11:00"}, "diagnosed"), ({"diagnosed": "2026-11-24"}, "diagnosed"),
            ({"onset": "昨天"}, "onset"), ({"death": "2026-11-20"}, "death"), ({"occupation": "77"}, "occupation"),
            ({"birth": "1890-01-01", "id_number": ""}, "birth"), ({"remark": "长" * 201}, "remark"),
        ],
    )  # fmt: skip
    def test_refused(self, changes: dict[str, str], name: str) -> None:
        """What contradicts itself, the clock or the tables is said at its field, and only there."""
        assert list(wrong(**changes)) == [name]

    def test_course(self) -> None:
        """Hepatitis says whether it is acute."""
        assert list(wrong(HEPATITIS)) == ["course"]
        assert wrong(HEPATITIS, course="2") == {}

    def test_elsewhere(self) -> None:
        """Who lives in another province has no district of the city."""
        assert wrong(belongs="4", district="") == {}

    def test_order(self) -> None:
        """Errors come in the order of the fields."""
        found = list(wrong(doctor="", name="", phone="x"))

        assert found == sorted(found, key=list(LABELS).index)


class TestSave:
    def test_gaps(self) -> None:
        """An unfinished card may be kept."""
        assert form_errors(dict.fromkeys(LABELS, ""), RULES, PLACES) == {}

    def test_nonsense(self) -> None:
        """A choice that is none may not."""
        assert list(form_errors(FULL | {"sex": "7"}, RULES, PLACES)) == ["sex"]


class TestFhir:
    def test_round(self) -> None:
        """Every field comes back as it went."""
        assert values_of({"item": items(FULL, RULES)}) == FULL

    def test_types(self) -> None:
        """Codes are codings with their names, moments carry the region's zone."""
        found = {item["linkId"]: item["answer"][0] for item in items(FULL, RULES)}

        assert found["occupation"]["valueCoding"]["display"] == "工人"
        assert found["diagnosed"] == {"valueDateTime": "2026-11-24T09:30:00+08:00"}
        assert found["onset"] == {"valueDate": "2026-11-22"}
        assert "remark" not in found
