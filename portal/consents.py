"""
Consents as a resident states them: who may not see my record, from when, until when. Pure.

https://hl7.org/fhir/R4/consent.html, https://profiles.ihe.net/ITI/PCF/
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from hie.ui import N_
from portal.concepts import Json

ROLE = "urn:hie:role"
# Whom a refusal can name besides a facility: roles for which the exchange heeds it.
ROLES = {"clinician": N_("所有临床医护人员"), "pharmacist": N_("所有药师")}
ACTOR_ROLE = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"


@dataclass(frozen=True, slots=True)
class Given:
    """One consent of the visitor. `who` are facilities as written, `roles` words of ours."""

    id: str
    active: bool
    denies: bool
    who: tuple[str, ...]
    roles: tuple[str, ...]
    start: str
    end: str
    stated: str
    over: bool = False


@dataclass(frozen=True, slots=True)
class Refusal:
    """What the form asks for; `who` is Organization/id or role/name."""

    who: str
    name: str
    start: date
    end: date | None = None


def given_of(consent: Json, today: date) -> Given:
    """A Consent resource as a line."""
    provision = consent.get("provision", {})
    period = provision.get("period", {})
    references = [actor.get("reference", {}) for actor in provision.get("actor", ())]
    values = [str(one.get("identifier", {}).get("value", "")) for one in references]
    end = str(period.get("end", ""))
    return Given(
        str(consent.get("id", "")),
        consent.get("status") == "active",
        provision.get("type") == "deny",
        tuple(str(one.get("display", "")) for one in references if not one.get("identifier") and one.get("display")),
        tuple(ROLES[value] for value in values if value in ROLES),
        str(period.get("start", "")),
        end,
        str(consent.get("dateTime", "")),
        over=bool(end) and end[:10] < today.isoformat(),
    )


def to_resource(refusal: Refusal, patient: str, now: datetime) -> Json:
    """The refusal as a Consent about one source Patient; the exchange applies it to the whole person."""
    period = {"start": refusal.start.isoformat()} | ({"end": refusal.end.isoformat()} if refusal.end else {})
    role = {"coding": [{"system": ACTOR_ROLE, "code": "IRCP", "display": "information recipient"}]}
    return {
        "resourceType": "Consent",
        "status": "active",
        "scope": _coded("http://terminology.hl7.org/CodeSystem/consentscope", "patient-privacy"),
        "category": [_coded("http://loinc.org", "59284-0")],
        "patient": {"reference": patient},
        "dateTime": now.isoformat(timespec="seconds"),
        "performer": [{"reference": patient}],
        "policyRule": _coded("http://terminology.hl7.org/CodeSystem/v3-ActCode", "OPTIN"),
        "provision": {
            "type": "deny",
            "period": period,
            "actor": [{"role": role, "reference": _actor(refusal)}],
        },
    }


def withdrawn(consent: Json) -> Json:
    """The same Consent, no longer in force."""
    return {**consent, "status": "inactive"}


def checked(
    form: Mapping[str, str], offered: Mapping[str, str], today: date
) -> tuple[Refusal | None, dict[str, str]]:
    """A refusal, or what is wrong with each field. `offered` are names by value of `who`."""
    errors: dict[str, str] = {}
    who = form.get("who", "")
    if who not in offered:
        errors["who"] = N_("请选择不想让谁查看。")
    start = _day(form.get("start", ""), errors, "start") or today
    end = _day(form.get("end", ""), errors, "end")
    if end and end < start:
        errors["end"] = N_("结束日期不能早于开始日期。")
    if end and end < today:
        errors["end"] = N_("结束日期已经过去了。")
    if errors:
        return None, errors
    return Refusal(who, offered[who], start, end), {}


def newest(consents: Iterable[Json], today: date) -> list[Given]:
    """In force first, then the newest."""
    found = sorted((given_of(one, today) for one in consents), key=lambda one: one.stated, reverse=True)
    return sorted(found, key=lambda one: not one.active or one.over)


def _actor(refusal: Refusal) -> Json:
    kind, _, value = refusal.who.partition("/")
    if kind == "role":
        return {"identifier": {"system": ROLE, "value": value}}
    return {"reference": refusal.who, "display": refusal.name}


def _coded(system: str, code: str) -> Json:
    return {"coding": [{"system": system, "code": code}]}


def _day(text: str, errors: dict[str, str], name: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        errors[name] = N_("请按“年-月-日”填写日期，例如 2026-01-31。")
        return None
