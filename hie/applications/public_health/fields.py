"""
The fields of the report card (传染病报告卡): read from a page, checked, and kept as a QuestionnaireResponse.

Specification: region-1251 section 6, PUB-01. https://hl7.org/fhir/R4/questionnaireresponse.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from hie.applications.fhir import ZONE, moment
from hie.applications.public_health.rules import Disease
from hie.applications.rule_data import Rules
from hie.identity import id_number
from hie.ui import N_
from records.stored import Json

LABELS: dict[str, str] = {
    "kind": N_("报告类别"),
    "name": N_("患者姓名"),
    "parent": N_("患儿家长姓名"),
    "id_number": N_("有效证件号(居民身份证)"),
    "sex": N_("性别"),
    "birth": N_("出生日期"),
    "workplace": N_("工作单位或学校班级"),
    "phone": N_("联系电话"),
    "belongs": N_("病人属于"),
    "district": N_("现住县区"),
    "address": N_("现住址(详至村或门牌)"),
    "occupation": N_("人群分类"),
    "case_class": N_("病例分类"),
    "course": N_("急性或慢性"),
    "onset": N_("发病日期"),
    "diagnosed": N_("诊断时间"),
    "death": N_("死亡日期"),
    "facility": N_("报告单位"),
    "doctor": N_("报告医生"),
    "remark": N_("备注"),
}
CODED = {
    "kind": "kinds", "sex": "sexes", "belongs": "belongs", "occupation": "occupations", "case_class": "case_classes",
    "course": "courses",
}  # fmt: skip
DATES = frozenset({"birth", "onset", "death"})
ALWAYS = (
    "name", "sex", "birth", "phone", "belongs", "address", "occupation", "case_class", "onset", "diagnosed",
    "facility", "doctor",
)  # fmt: skip
CARD_SYSTEM = "urn:hie:report-card"
PHONE = re.compile(r"[+]?\d[\d\- ]{5,18}\d")

REQUIRED = N_("请填写此项。")
UNKNOWN = N_("请从列出的选项中选择。")
TOO_LONG = N_("文字过长，请缩短到 200 字以内。")
NOT_A_DATE = N_("请填写日期，例如 2026-11-24。")
NOT_A_TIME = N_("请填写日期和时间，精确到小时。")
IN_FUTURE = N_("不能晚于现在。")
BEFORE_BIRTH = N_("不能早于出生日期。")
ONSET_AFTER = N_("发病日期不能晚于诊断时间。")
DEATH_BEFORE = N_("死亡日期不能早于发病日期。")
TOO_OLD = N_("出生日期过早，请核对。")
BAD_NUMBER = N_("身份证号不正确，请核对 18 位号码。")
BIRTH_DIFFERS = N_("与身份证号中的出生日期不一致。")
SEX_DIFFERS = N_("与身份证号中的性别不一致。")
BAD_PHONE = N_("请填写电话号码，例如 0533-2788000 或 13800000000。")
PARENT = N_("患者年龄较小，请填写家长姓名。")
WORKPLACE = N_("学生、托幼儿童和教师请填写学校和班级。")
DISTRICT = N_("本市病例请选择现住县区。")
COURSE = N_("此病请注明急性或慢性。")

Values = Mapping[str, str]


@dataclass(slots=True)
class _Check:
    """Collects what is wrong, by field; the first finding of a field stays."""

    values: Values
    errors: dict[str, str] = field(default_factory=dict)

    def wrong(self, name: str, text: str) -> None:
        self.errors.setdefault(name, text)

    def day(self, name: str) -> date | None:
        """A date as it was written; an error where it is none."""
        written = self.values.get(name, "")
        try:
            return date.fromisoformat(written) if written else None
        except ValueError:
            self.wrong(name, NOT_A_DATE)
            return None

    def time(self, name: str) -> datetime | None:
        written = self.values.get(name, "")
        try:
            found = datetime.fromisoformat(written) if written else None
        except ValueError:
            found = None
        if written and (found is None or len(written) < len("2026-11-24T10")):
            self.wrong(name, NOT_A_TIME)
            return None
        return found.replace(tzinfo=found.tzinfo or ZONE) if found else None


def read(form: Mapping[str, str], kept: Values) -> dict[str, str]:
    """The fields of a page over those that are kept; what a page does not have stays."""
    return {name: form.get(name, kept.get(name, "")).strip() for name in LABELS}


def form_errors(values: Values, rules: Rules, districts: Iterable[str]) -> dict[str, str]:
    """What cannot even be saved: a text too long, a choice that is none, a date that is none."""
    check = _Check(values)
    for name, value in values.items():
        if len(value) > rules["longest_text"]:
            check.wrong(name, TOO_LONG)
    for name, table in CODED.items():
        if values.get(name) and values[name] not in {code for code, _ in rules[table]}:
            check.wrong(name, UNKNOWN)
    if values.get("district") and values["district"] not in set(districts):
        check.wrong("district", UNKNOWN)
    for name in DATES:
        check.day(name)
    check.time("diagnosed")
    return check.errors


def report_errors(
    values: Values, disease: Disease, now: datetime, rules: Rules, districts: Iterable[str]
) -> dict[str, str]:
    """Everything that keeps a card from being reported."""
    check = _Check(values, form_errors(values, rules, districts))
    for name in ALWAYS:
        if not values.get(name):
            check.wrong(name, REQUIRED)
    _conditional(check, disease, now, rules)
    _times(check, now, rules)
    _number(check)
    if values.get("phone") and not PHONE.fullmatch(values["phone"]):
        check.wrong("phone", BAD_PHONE)
    return {name: check.errors[name] for name in LABELS if name in check.errors}


def age_at(born: date, day: date) -> int:
    """Completed years."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def _conditional(check: _Check, disease: Disease, now: datetime, rules: Rules) -> None:
    values, born = check.values, check.day("birth")
    if born and age_at(born, now.astimezone(ZONE).date()) <= rules["parent_up_to_age"] and not values.get("parent"):
        check.wrong("parent", PARENT)
    if values.get("occupation") in rules["schooling"] and not values.get("workplace"):
        check.wrong("workplace", WORKPLACE)
    if values.get("belongs") in rules["local_belongs"] and not values.get("district"):
        check.wrong("district", DISTRICT)
    if disease.code in rules["course_diseases"] and not values.get("course"):
        check.wrong("course", COURSE)


def _times(check: _Check, now: datetime, rules: Rules) -> None:
    today, diagnosed = now.astimezone(ZONE).date(), check.time("diagnosed")
    born, onset, death = (check.day(name) for name in ("birth", "onset", "death"))
    if diagnosed and diagnosed > now:
        check.wrong("diagnosed", IN_FUTURE)
    for name, found in (("birth", born), ("onset", onset), ("death", death)):
        if found and found > today:
            check.wrong(name, IN_FUTURE)
        if found and born and found < born:
            check.wrong(name, BEFORE_BIRTH)
    if born and age_at(born, today) > rules["oldest"]:
        check.wrong("birth", TOO_OLD)
    if onset and diagnosed and onset > diagnosed.astimezone(ZONE).date():
        check.wrong("onset", ONSET_AFTER)
    if death and onset and death < onset:
        check.wrong("death", DEATH_BEFORE)


def _number(check: _Check) -> None:
    written = check.values.get("id_number", "")
    if not written:
        return
    known = id_number.parse(written)
    if known is None:
        check.wrong("id_number", BAD_NUMBER)
        return
    if check.values.get("birth") not in ("", known.birth):
        check.wrong("birth", BIRTH_DIFFERS)
    if check.values.get("sex") not in ("", "1" if known.gender == "male" else "2"):
        check.wrong("sex", SEX_DIFFERS)


# As FHIR


def items(values: Values, rules: Rules) -> list[Json]:
    """The answers; a field that was left empty is left out."""
    return [{"linkId": name, "text": LABELS[name], "answer": [_answer(name, values[name], rules)]}
            for name in LABELS if values.get(name)]  # fmt: skip


def values_of(response: Json) -> dict[str, str]:
    """The fields of a kept card, as a page shows them."""
    found = {item["linkId"]: _text(item) for item in response.get("item", ()) if item.get("answer")}
    return {name: found.get(name, "") for name in LABELS}


def choice(name: str, code: str, rules: Rules) -> str:
    """What a code of a field is called."""
    return next((str(text) for known, text in rules[CODED[name]] if known == code), "")


def _answer(name: str, value: str, rules: Rules) -> Json:
    if name in DATES and _is_date(value):
        return {"valueDate": value}
    if name == "diagnosed" and (at := moment(value)):
        return {"valueDateTime": at.isoformat(timespec="seconds")}
    if name in CODED:
        coding = {"system": f"{CARD_SYSTEM}:{name}", "code": value, "display": choice(name, value, rules)}
        return {"valueCoding": {key: text for key, text in coding.items() if text}}
    return {"valueString": value}


def _text(item: Json) -> str:
    answer = item["answer"][0]
    if "valueCoding" in answer:
        return str(answer["valueCoding"].get("code", ""))
    if "valueDateTime" in answer:
        at = moment(answer["valueDateTime"])
        return at.astimezone(ZONE).strftime("%Y-%m-%dT%H:%M") if at else ""
    return str(answer.get("valueDate") or answer.get("valueString", ""))


def _is_date(value: str) -> bool:
    try:
        return bool(date.fromisoformat(value))
    except ValueError:
        return False
