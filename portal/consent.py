"""Consent: what the visitor has refused, a new refusal, and taking one back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from starlette.responses import Response
from starlette.routing import Route

from hie.ui import Option
from hie.ui.filters import ZONE
from portal.consents import ROLES, checked, given_of, newest, to_resource, withdrawn
from portal.errors import NotThere
from portal.fhir import Fhir
from portal.site import Site, Visitor

FOUND_AT_MOST = 20


def routes(site: Site) -> list[Route]:
    """/consent and below."""
    return [
        Route("/consent", site.signed_in(show)),
        Route("/consent/new", site.signed_in(ask), methods=["GET"]),
        Route("/consent/new", site.signed_in(give), methods=["POST"]),
        Route("/consent/{id}/withdraw", site.signed_in(confirm), methods=["GET"]),
        Route("/consent/{id}/withdraw", site.signed_in(withdraw), methods=["POST"]),
    ]


async def show(visitor: Visitor) -> Response:
    """GET: everything that was stated."""
    found = await visitor.fhir.all("Consent", ("_count", "100"))
    given = newest(found.matches, _today(visitor))
    return visitor.render(
        "consent.html",
        active=[one for one in given if one.active and not one.over],
        former=[one for one in given if not one.active or one.over],
        done=visitor.query("done"),
    )


async def ask(visitor: Visitor) -> Response:
    """GET: the form."""
    return await _form(visitor, {"start": _today(visitor).isoformat()})


async def give(visitor: Visitor) -> Response:
    """POST: look for a facility by name, or write the refusal."""
    form = dict(await visitor.form())
    if form.get("do") == "find":
        return await _form(visitor, form, found=await _search(visitor.fhir, form.get("name", "")))
    offered = await _offered(visitor.fhir)
    if (who := form.get("who", "")).startswith("Organization/") and who not in offered:
        offered |= await _named(visitor.fhir, who)
    refusal, errors = checked(form, offered, _today(visitor))
    if refusal is None:
        return await _form(visitor, form, errors=errors)
    patients = await visitor.fhir.search("Patient", ("_count", "1"))
    if not patients.matches:
        raise NotThere
    patient = f"Patient/{patients.matches[0]['id']}"
    await visitor.fhir.create(to_resource(refusal, patient, visitor.site.clock().astimezone(ZONE)))
    return visitor.redirect("/consent?done=given")


async def confirm(visitor: Visitor) -> Response:
    """GET: what taking back means."""
    consent = await visitor.fhir.read("Consent", visitor.request.path_params["id"])
    return visitor.render("withdraw.html", given=given_of(consent, _today(visitor)))


async def withdraw(visitor: Visitor) -> Response:
    """POST: take it back."""
    await visitor.form()
    consent = await visitor.fhir.read("Consent", visitor.request.path_params["id"])
    if consent.get("status") == "active":
        await visitor.fhir.update(withdrawn(consent))
    return visitor.redirect("/consent?done=withdrawn")


async def _form(
    visitor: Visitor,
    values: Mapping[str, str],
    *,
    errors: Mapping[str, str] | None = None,
    found: Mapping[str, str] | None = None,
) -> Response:
    offered = {**(await _offered(visitor.fhir)), **(found or {})}
    facilities = [Option(key, name) for key, name in offered.items() if key.startswith("Organization/")]
    roles = [Option(key, name) for key, name in offered.items() if not key.startswith("Organization/")]
    return visitor.render(
        "consent_new.html",
        status=422 if errors else 200,
        errors=errors or {},
        values=values,
        options=[*facilities, *roles],
        searched=None if found is None else len(found),
        today=_today(visitor).isoformat(),
    )


async def _offered(fhir: Fhir) -> dict[str, str]:
    """Facilities that keep a record of the visitor, and roles."""
    patients = (await fhir.all("Patient", ("_count", "100"))).matches
    managing = [one.get("managingOrganization") or {} for one in patients]
    own = {str(one["reference"]): str(one.get("display", "")) for one in managing if one.get("reference")}
    return {**own, **{f"role/{role}": title for role, title in ROLES.items()}}


async def _search(fhir: Fhir, name: str) -> dict[str, str]:
    if len(name) < 2:
        return {}
    found = await fhir.search("Organization", ("name:contains", name), ("_count", str(FOUND_AT_MOST)))
    return {f"Organization/{one['id']}": str(one.get("name", "")) for one in found.matches}


async def _named(fhir: Fhir, reference: str) -> dict[str, str]:
    try:
        found = await fhir.read("Organization", reference.partition("/")[2])
    except NotThere:
        return {}
    return {reference: str(found.get("name", ""))}


def _today(visitor: Visitor) -> date:
    return visitor.site.clock().astimezone(ZONE).date()


