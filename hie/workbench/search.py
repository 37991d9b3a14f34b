"""
Looking for a resident: the form is posted, what was asked stays on this machine, and the address of the answer is
an opaque id.

https://profiles.ihe.net/ITI/PDQm/
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from starlette.responses import Response

from hie.access.caller import EMERGENCY
from hie.applications.fhir import name_of, reference_id
from hie.ui import N_, Option
from hie.ui.filters import masked
from hie.workbench import grants
from hie.workbench.banner import SEXES, identity_of
from hie.workbench.desk import Visit
from hie.workbench.sessions import Sessions
from records.search.values import escaped
from records.stored import Json

SEARCH = "/workbench/patients"
MOST = 30
ASKED = ("number", "name", "birth", "phone", "emergency", "reason")
LONGEST = 64
DECLARE = (Option("1", N_("居民有生命危险，或无法表达意愿")),)
_BIRTH = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")
_PLAIN_BIRTH = re.compile(r"(\d{4})[./年]?(\d{2})[./月]?(\d{2})日?")


@dataclass(frozen=True, slots=True)
class Found:
    """One human among the results; `patient` is the source Patient that opens the record."""

    patient: str
    name: str
    sex: str
    birth: str
    number: str
    sources: tuple[str, ...]


def criteria(form: Mapping[str, str]) -> dict[str, str]:
    """What was asked for, tidied."""
    found = {name: form.get(name, "").strip()[: grants.LONGEST if name == "reason" else LONGEST] for name in ASKED}
    if day := _PLAIN_BIRTH.fullmatch(found["birth"]):
        found["birth"] = "-".join(day.groups())
    return {name: value for name, value in found.items() if value}


def check(asked: Mapping[str, str], role: str) -> dict[str, str]:
    """
    What is missing, by field. A name alone finds strangers: it needs a birth date, or the year of birth.
    """
    errors: dict[str, str] = {}
    if not any(asked.get(name) for name in ("number", "name", "phone")):
        errors["number"] = N_("请填写证件号或卡号；没有证件时填写姓名和出生日期，或电话号码。")
    elif asked.get("name") and not any(asked.get(name) for name in ("number", "phone", "birth")):
        errors["birth"] = N_("只按姓名查会找到许多人，请加上出生日期或出生年份。")
    if asked.get("birth") and not _BIRTH.fullmatch(asked["birth"]):
        errors["birth"] = N_("出生日期请写成 1985-06-12，只知道年份时写 1985。")
    if asked.get("emergency"):
        emergency = grants.check(role, "ETREAT", asked.get("reason", ""), confirmed=True)
        if "reason" in emergency:
            errors["reason"] = emergency["reason"]
        if "purpose" in emergency:
            errors["emergency"] = N_("您的角色不能声明紧急访问。")
    return errors


def to_params(asked: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """The search parameters of FHIR."""
    params: list[tuple[str, str]] = []
    if number := asked.get("number"):
        params.append(("identifier", escaped(number.upper() if re.fullmatch(r"\d{17}[xX]", number) else number)))
    if name := asked.get("name"):
        params.append(("name", escaped(name)))
    if birth := asked.get("birth"):
        params.append(("birthdate", birth))
    if phone := asked.get("phone"):
        params.append(("phone", escaped(re.sub(r"[\s-]", "", phone))))
    return tuple(params)


@dataclass(frozen=True, slots=True)
class Search:
    """The pages of the search."""

    sessions: Sessions

    async def form(self, visit: Visit) -> Response:
        """GET: the empty form."""
        return self._form(visit, {}, {}, 200)

    async def ask(self, visit: Visit) -> Response:
        """POST: keep the question, go on to its answer."""
        asked = criteria(visit.form)
        if errors := check(asked, visit.caller.role):
            return self._form(visit, asked, errors, 422)
        return visit.redirect(f"{SEARCH}/search/{await self.sessions.keep_search(visit.session, asked)}")

    def _form(self, visit: Visit, asked: Mapping[str, str], errors: Mapping[str, str], status: int) -> Response:
        may_break_glass = any(code in EMERGENCY for code in grants.purposes(visit.caller.role))
        return visit.render(
            "workbench/search.html", status=status, values=asked, errors=errors, may_break_glass=may_break_glass,
            found=None, more=False, emergency=DECLARE,
        )  # fmt: skip

    async def answer(self, visit: Visit) -> Response:
        """GET: who was found."""
        asked = await self.sessions.search(visit.session, visit.params["search"])
        if asked is None:
            return visit.redirect(SEARCH)
        if asked.get("emergency"):
            visit.caller = replace(visit.caller, purpose="ETREAT", reason=asked["reason"])
        rows = await visit.reader.first("Patient", *to_params(asked), ("_sort", "-_lastUpdated"), count=MOST + 1)
        found = await _humans(visit, rows[:MOST])
        may_break_glass = any(code in EMERGENCY for code in grants.purposes(visit.caller.role))
        # The number was typed to be looked up, not to be shown again.
        shown = {name: value for name, value in asked.items() if name != "number"}
        return visit.render(
            "workbench/search.html", values=shown, errors={}, may_break_glass=may_break_glass, found=found,
            more=len(rows) > MOST, emergency=DECLARE,
        )  # fmt: skip


async def _humans(visit: Visit, patients: Sequence[Json]) -> list[Found]:
    """One row a human, however many sources know him."""
    together: dict[str, list[Json]] = {}
    for patient in patients:
        together.setdefault(await visit.work.person(patient["id"]), []).append(patient)
    organizations = await visit.reader.named("Organization", [_source(one) for one in patients])
    return [_found(records, organizations) for records in together.values()]


def _found(records: Sequence[Json], organizations: Mapping[str, Json]) -> Found:
    first = records[0]
    return Found(
        first["id"],
        name_of(first),
        SEXES.get(first.get("gender", ""), SEXES["unknown"]),
        str(first.get("birthDate", "")),
        masked(identity_of(records)),
        tuple(dict.fromkeys(_names(records, organizations))),
    )


def _names(records: Iterable[Json], organizations: Mapping[str, Json]) -> Iterable[str]:
    for record in records:
        reference = record.get("managingOrganization") or {}
        name = organizations.get(_source(record), {}).get("name") or reference.get("display")
        if name:
            yield str(name)


def _source(patient: Json) -> str:
    return reference_id(patient.get("managingOrganization"), "Organization")
