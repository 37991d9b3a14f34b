"""
The form of a hypertension follow-up: its fields as a value, and how they are read from a page.

Specification: region-1251 section 3, PHC-03, row "form".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation

from hie.applications.rule_data import Rules
from hie.ui import N_

METHODS = ("clinic", "home", "telephone")
SYMPTOMS = (
    "headache", "nausea", "blurring", "breathless", "palpitation", "nosebleed", "numbness", "oedema", "other",
)  # fmt: skip
SALT = ("light", "medium", "heavy")
QUALITY = ("good", "fair", "poor")
ADHERENCE = ("regular", "irregular", "none")
MEDICINES = 4
TEXT = 500

REQUIRED = N_("请填写此项。")
NOT_A_NUMBER = N_("请填写数字，例如 138。")
NOT_PLAUSIBLE = N_("数值超出合理范围，请核对。")
UNKNOWN = N_("请从列出的选项中选择。")
TOO_LONG = N_("文字过长，请缩短到 500 字以内。")
WRONG_ORDER = N_("舒张压应低于收缩压。")
NOT_A_DAY = N_("请填写日期。")
IN_FUTURE = N_("随访日期不能晚于今天。")
TOO_OLD = N_("随访日期过早，请核对。")
NAMELESS = N_("填写了用法，请同时填写药品名称。")


@dataclass(frozen=True, slots=True)
class Medicine:
    """A drug the patient takes: name, times a day, dose each time; free texts."""

    name: str
    times: str = ""
    dose: str = ""


@dataclass(frozen=True, slots=True)
class Form:
    """What the doctor writes down. Numbers that were not asked are None; texts are free."""

    day: date
    method: str
    systolic: Decimal
    diastolic: Decimal
    symptoms: tuple[str, ...] = ()
    heart_rate: Decimal | None = None
    weight: Decimal | None = None
    height: Decimal | None = None
    smoking: Decimal | None = None
    alcohol: Decimal | None = None
    exercise_times: Decimal | None = None
    exercise_minutes: Decimal | None = None
    salt: str = ""
    mind: str = ""
    compliance: str = ""
    tests: str = ""
    adherence: str = "regular"
    adverse_reaction: bool = False
    adverse_text: str = ""
    complication: bool = False
    medicines: tuple[Medicine, ...] = ()
    advice: str = ""

    @property
    def bmi(self) -> Decimal | None:
        """Body mass index, where weight and height are known."""
        if self.weight is None or self.height is None:
            return None
        return round(self.weight / (self.height / 100) ** 2, 1)


@dataclass(slots=True)
class _Reading:
    """Collects what is wrong while fields are read."""

    fields: Mapping[str, str]
    rules: Rules
    errors: dict[str, str] = field(default_factory=dict)

    def text(self, name: str) -> str:
        value = self.fields.get(name, "").strip()
        if len(value) > TEXT:
            self.errors[name] = TOO_LONG
        return value

    def one_of(self, name: str, allowed: Sequence[str], *, required: bool = False) -> str:
        value = self.fields.get(name, "")
        if not value and required:
            self.errors[name] = REQUIRED
        elif value and value not in allowed:
            self.errors[name] = UNKNOWN
        return value

    def number(self, name: str, *, required: bool = False) -> Decimal | None:
        written = self.fields.get(name, "").strip()
        if not written:
            if required:
                self.errors[name] = REQUIRED
            return None
        try:
            value = Decimal(written)
        except InvalidOperation:
            value = Decimal("NaN")
        if not value.is_finite():
            self.errors[name] = NOT_A_NUMBER
            return None
        low, high = self.rules["plausible"][name]
        if not low <= value <= high:
            self.errors[name] = NOT_PLAUSIBLE
        return value

    def day(self, name: str, today: date) -> date:
        try:
            value = date.fromisoformat(self.fields.get(name, ""))
        except ValueError:
            self.errors[name] = NOT_A_DAY
            return today
        if value > today:
            self.errors[name] = IN_FUTURE
        elif value < today - timedelta(days=self.rules["entry_within_days"]):
            self.errors[name] = TOO_OLD
        return value

    def medicines(self) -> tuple[Medicine, ...]:
        found = []
        for number in range(1, MEDICINES + 1):
            name, times, dose = (self.text(f"{part}_{number}") for part in ("medicine", "times", "dose"))
            if (times or dose) and not name:
                self.errors[f"medicine_{number}"] = NAMELESS
            if name:
                found.append(Medicine(name, times, dose))
        return tuple(found)

    def symptoms(self, ticked: Sequence[str]) -> tuple[str, ...]:
        allowed = {*SYMPTOMS, *self.rules["danger_symptoms"]}
        if not set(ticked) <= allowed:
            self.errors["symptoms"] = UNKNOWN
        return tuple(dict.fromkeys(ticked))


def read(
    fields: Mapping[str, str], ticked: Sequence[str], today: date, rules: Rules
) -> tuple[Form | None, dict[str, str]]:
    """The form, or what is wrong by field; `ticked` are the symptoms."""
    reading = _Reading(fields, rules)
    systolic, diastolic = reading.number("systolic", required=True), reading.number("diastolic", required=True)
    if systolic is not None and diastolic is not None and diastolic >= systolic and not reading.errors:
        reading.errors["diastolic"] = WRONG_ORDER
    form = Form(
        day=reading.day("day", today),
        method=reading.one_of("method", METHODS, required=True),
        systolic=systolic or Decimal(0),
        diastolic=diastolic or Decimal(0),
        symptoms=reading.symptoms(ticked),
        heart_rate=reading.number("heart_rate"),
        weight=reading.number("weight"),
        height=reading.number("height"),
        smoking=reading.number("smoking"),
        alcohol=reading.number("alcohol"),
        exercise_times=reading.number("exercise_times"),
        exercise_minutes=reading.number("exercise_minutes"),
        salt=reading.one_of("salt", SALT),
        mind=reading.one_of("mind", QUALITY),
        compliance=reading.one_of("compliance", QUALITY),
        tests=reading.text("tests"),
        adherence=reading.one_of("adherence", ADHERENCE, required=True),
        adverse_reaction=reading.one_of("adverse_reaction", ("yes", "no"), required=True) == "yes",
        adverse_text=reading.text("adverse_text"),
        complication=reading.one_of("complication", ("yes", "no"), required=True) == "yes",
        medicines=reading.medicines(),
        advice=reading.text("advice"),
    )
    return (None if reading.errors else form), reading.errors
