"""
Pages of the referral desk that only show: the two boxes, a figure, the rules.

Specification: portal-ui section 7.
"""

from __future__ import annotations

from datetime import date
from urllib.parse import urlencode

from starlette.responses import Response

from hie.applications import figures as figure_pages
from hie.applications import organizations
from hie.applications.fhir import ZONE, staff
from hie.applications.regional_medical import queries, words
from hie.applications.regional_medical.figures import COLLECTORS
from hie.applications.regional_medical.queries import Box
from hie.applications.regional_medical.tasks import BASE
from hie.applications.regional_medical.use_cases import Actor, rules_on
from hie.applications.rule_data import rule_book
from hie.ui import Count
from hie.workbench.desk import Visit
from records.errors import NotFound

FILTER_TONES = {"overdue": "bad", "waiting": "warn", "back": "warn", "drafts": "info"}


async def actor_of(visit: Visit) -> Actor:
    """The caller as somebody who refers: the own institutions of the directory, and the name."""
    own = await organizations.own(visit.reader, visit.caller.organization)
    return Actor(own, staff(visit.caller.subject, visit.caller.name))


def today_of(visit: Visit) -> date:
    """Today in the region."""
    return visit.work.clock().astimezone(ZONE).date()


async def first(visit: Visit) -> Response:
    """GET: what came in comes first."""
    return visit.redirect(f"{BASE}/inbox")


async def inbox(visit: Visit) -> Response:
    """GET: referrals to the own institution."""
    return await _box(visit, "inbox", "waiting")


async def outbox(visit: Visit) -> Response:
    """GET: referrals from the own institution."""
    return await _box(visit, "outbox", "drafts")


async def indicator(visit: Visit) -> Response:
    """GET: one figure with its numerator, denominator and window, and the referrals behind it."""
    wanted = visit.params["indicator"]
    if wanted not in COLLECTORS:
        raise NotFound("There is no such indicator here.")
    found = await figure_pages.asked(visit, wanted, today_of(visit))
    return visit.render(
        "regional_medical/figure.html", figure=found, base=f"{BASE}/indicators/{wanted}", referrals=f"{BASE}/referrals",
        is_over=figure_pages.is_over(found.period, today_of(visit)), words=words,
    )  # fmt: skip


async def rules(visit: Visit) -> Response:
    """GET: every version of the limits, with its source and whether that was checked."""
    book = rule_book("regional_medical", "referral")
    return visit.render(
        "regional_medical/rules.html", versions=list(reversed(book.versions)), current=rules_on(today_of(visit)),
        words=words,
    )  # fmt: skip


async def _box(visit: Visit, box: Box, usual: str) -> Response:
    chosen = visit.query.get("filter", usual)
    chosen = chosen if chosen in queries.filters(box) else usual
    own, now = (await actor_of(visit)).own, visit.work.clock()
    found = await queries.listed(visit.reader, box, own, chosen, now, cursor=visit.query.get("cursor", ""))
    counts = [_count(box, name, found.counts[name]) for name in queries.filters(box)]
    return visit.render(
        "regional_medical/box.html", box=box, found=found, chosen=chosen, counts=counts, words=words, base=BASE,
        member=bool(own), next=_again(box, chosen, found.next_cursor),
        previous=_again(box, chosen, found.previous_cursor),
    )  # fmt: skip


def _count(box: Box, name: str, number: int) -> Count:
    tone = FILTER_TONES.get(name, "") if number else ""
    return Count(number, words.FILTERS[box][name], f"{BASE}/{box}?{urlencode({'filter': name})}", tone)  # type: ignore[arg-type]


def _again(box: Box, chosen: str, cursor: str) -> str:
    return f"{BASE}/{box}?{urlencode({'filter': chosen, 'cursor': cursor})}" if cursor else ""
