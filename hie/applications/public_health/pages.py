"""
Pages of public health that only show: the worklist, a card with its way, counts, the indicator, the rules.

Specification: region-1251 section 6; portal-ui section 7.
"""

from __future__ import annotations

from datetime import date, timedelta
from urllib.parse import urlencode

from starlette.responses import Response

from hie.applications import figures as figure_pages
from hie.applications import organizations
from hie.applications.fhir import ZONE
from hie.applications.fhir import words as spoken
from hie.applications.months import Period, period
from hie.applications.numbers import whole
from hie.applications.public_health import fields, queries, words
from hie.applications.public_health.card import card_from
from hie.applications.public_health.prefill import districts
from hie.applications.public_health.queries import FILTERS, Asked, Counts
from hie.applications.public_health.rules import STATES, card_rules_on, choices, diseases_on, rules_on
from hie.applications.public_health.tasks import BASE
from hie.applications.public_health.use_cases import Opened, open_card
from hie.applications.rule_data import Rules, rule_book
from hie.ui import Count
from hie.ui.charts import Bar
from hie.ui.i18n import language_of
from hie.workbench.desk import Visit
from records.stored import Json
from terminology.service import NOTIFIABLE, Terminology

INDICATOR = "report-timeliness"


def address(page: str = "", **asked: object) -> str:
    """An address of the module; what is empty is left out."""
    query = urlencode({name: value for name, value in asked.items() if value not in ("", None)})
    return f"{BASE}{page}?{query}" if query else f"{BASE}{page}"


def today_of(visit: Visit) -> date:
    """Today in the region."""
    return visit.work.clock().astimezone(ZONE).date()


async def worklist(visit: Visit) -> Response:
    """GET: cards, what is due first on top."""
    now, asked, named = visit.work.clock(), asked_of(visit), visit.query.get("month", "")
    found = await queries.worklist(
        visit.reader, visit.work.terminology, asked, now, cursor=visit.query.get("cursor", "")
    )
    kept = {"disease": asked.disease, "district": asked.district, "month": named if asked.window else ""}
    return visit.render(
        "public_health/worklist.html", found=found, asked=asked, now=now, words=words, states=STATES, address=address,
        counts=[_count(name, found.counts[name]) for name in FILTERS], kept=kept,
        next=address(filter=asked.name, cursor=found.next_cursor, **kept) if found.next_cursor else "",
        disease=next((one.name for one in diseases_on(today_of(visit), visit.work.terminology)
                      if one.code == asked.disease), asked.disease),
        district=dict(districts(visit.work.terminology)).get(asked.district, asked.district), month=kept["month"],
        left=left,
    )  # fmt: skip


async def card(visit: Visit) -> Response:
    """GET: one card, its fields, what it rests on, its way, and what may be done."""
    opened = await opened_card(visit)
    return await card_page(visit, opened)


async def card_page(visit: Visit, opened: Opened, *, status: int = 200, **more: object) -> Response:
    """The page of a card that was opened; `more` holds errors and what was typed."""
    found, reader = opened.card, visit.reader
    rules = card_rules_on(found.diagnosed.date())
    return visit.render(
        "public_health/card.html", status=status, card=found, disease=opened.disease, version=opened.row.version,
        fields=shown(opened, rules, dict(districts(visit.work.terminology))), words=words, states=STATES,
        steps=await queries.steps(reader, found), evidence=await queries.evidence(reader, found),
        choices=[one for one in choices(found.state) if one.action != "report"], now=visit.work.clock(), left=left,
        facility=(await organizations.names(reader, [found.facility])).get(found.facility, ""), base=BASE,
        limits=rules_on(found.diagnosed.date()), text_of=text_of, address=address, **more,
    )  # fmt: skip


async def counts(visit: Visit) -> Response:
    """GET: the cards of a month by disease and district."""
    asked = month_of(visit)
    found = await queries.tally(visit.reader, visit.work.terminology, asked.window)
    visit.note("operation", query=f"public-health/counts?month={asked.name}")
    language = language_of(visit.request.cookies.items())
    return visit.render(
        "public_health/counts.html", found=found, period=asked, address=address, words=words,
        bars=disease_bars(found, asked.name, visit.work.terminology, language), tiles=district_bars(found, asked.name),
        headlines=headlines(found, asked),
        is_over=asked.window.end <= today_of(visit),
    )  # fmt: skip


async def indicator(visit: Visit) -> Response:
    """GET: the timely report rate with its numerator, denominator and window, and the cards behind it."""
    asked = month_of(visit)
    found = await figure_pages.figure(
        visit.indicators, INDICATOR, asked, visit.reader, facility=visit.query.get("facility", ""),
        side=figure_pages.side_of(visit.query.get("rows", "")), start=whole(visit.query.get("from", "")),
    )  # fmt: skip
    visit.note("operation", query=f"indicator/{INDICATOR}?{urlencode({'period': asked.name})}")
    return visit.render(
        "public_health/figure.html", figure=found, address=address, words=words, base=BASE,
        cards={row.task["id"]: card_from(row.task) for row in found.rows},
        is_over=figure_pages.is_over(asked, today_of(visit)),
    )  # fmt: skip


async def rules(visit: Visit) -> Response:
    """GET: limits, the legal list and how it is recognised, with source and whether that was checked."""
    today = today_of(visit)
    return visit.render(
        "public_health/rules.html", versions=list(reversed(rule_book("public_health", "report").versions)),
        current=rules_on(today), diseases=diseases_on(today, visit.work.terminology),
        triggers=rule_book("public_health", "triggers").at(today), card=card_rules_on(today),
    )  # fmt: skip


# What the pages are made of


async def opened_card(visit: Visit) -> Opened:
    """The card of an address, with the record of whoever it is about open."""
    opened = await open_card(visit.work, visit.reader, visit.params["task"])
    await visit.open_record(opened.card.patient, task=opened.task)
    return opened


def asked_of(visit: Visit) -> Asked:
    """The list that an address asks for; what is none of ours is left out."""
    name, words_ = visit.query.get("filter", ""), visit.work.terminology
    known = {one.code for one in diseases_on(today_of(visit), words_)}
    disease, district = visit.query.get("disease", ""), visit.query.get("district", "")
    narrowed = bool(disease or district or visit.query.get("month"))
    return Asked(
        name if name in FILTERS else "all" if narrowed else "draft",
        disease if disease in known else "",
        district if district in dict(districts(words_)) else "",
        month_of(visit).window if visit.query.get("month") else None,
    )


def month_of(visit: Visit) -> Period:
    """The month of an address; the present one where it names none."""
    today = today_of(visit)
    asked = period(visit.query.get("month", "") or visit.query.get("period", ""), today)
    return asked if len(asked.name) == len("2026-11") else period(f"{today:%Y-%m}", today)


def shown(opened: Opened, rules: Rules, places: dict[str, str]) -> list[tuple[str, str, bool]]:
    """Label, text, and whether the text is a code's name, of every field that is filled in."""
    found = []
    for name, label in fields.LABELS.items():
        if value := opened.values.get(name, ""):
            coded = name in fields.CODED or name == "district"
            text = places.get(value, value) if name == "district" else value
            found.append((label, fields.choice(name, value, rules) if name in fields.CODED else text, coded))
    return found


def left(span: timedelta) -> tuple[int, int]:
    """Hours and minutes of a span, without its sign."""
    minutes = abs(int(span.total_seconds())) // 60
    return minutes // 60, minutes % 60


def disease_bars(found: Counts, month: str, terminology: Terminology, language: str) -> list[Bar]:
    """Each disease with its list, called as the reader calls it."""
    return [
        Bar(
            terminology.display(NOTIFIABLE, one.code, language) or one.name, count, str(count),
            address(disease=one.code, month=month, filter="all"),
        )
        for one, count in found.by_disease
    ]  # fmt: skip


def district_bars(found: Counts, month: str) -> dict[str, Bar]:
    """Each district with its list."""
    return {code: Bar(name, count, str(count), address(district=code, month=month, filter="all"))
            for code, name, count in found.by_district}  # fmt: skip


def headlines(found: Counts, asked: Period) -> list[Count]:
    """The month in four numbers."""
    waiting = found.total - found.reported
    return [
        Count(found.total, words.TOTAL, address(month=asked.name, filter="all")),
        Count(found.reported, words.FILTERS["reported"], address(month=asked.name, filter="reported"), "good"),
        Count(waiting, words.WAITING, address(month=asked.name, filter="draft"), "warn" if waiting else ""),
        Count(found.dismissed, words.FILTERS["dismissed"], address(month=asked.name, filter="dismissed")),
    ]


def _count(name: str, number: int) -> Count:
    return Count(number, words.FILTERS[name], address(filter=name), words.FILTER_TONES.get(name, "") if number else "")  # type: ignore[arg-type]


def text_of(resource: Json) -> str:
    """What a diagnosis or a result says, in its sender's words."""
    value = resource.get("valueString") or spoken(resource.get("valueCodeableConcept"))
    return " ".join(part for part in (spoken(resource.get("code")), str(value)) if part)

