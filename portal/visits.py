"""One visit with all that belongs to it, and the documents that were written."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from starlette.responses import Response
from starlette.routing import Route

from portal.concepts import Json, id_of, time_of, words
from portal.errors import NotThere
from portal.events import KINDS, class_of, department_of, event_of, newest
from portal.places import place_of, places
from portal.plain import term
from portal.site import Site, Visitor, together

BELONGING = ("results", "medicines", "documents")


@dataclass(frozen=True, slots=True)
class Text:
    """A readable part of a document; `text` empty: only its original format exists."""

    title: str
    text: str
    kind: str = ""


def routes(site: Site) -> list[Route]:
    """/visits/{id}, /documents/{id}."""
    return [
        Route("/visits/{id}", site.signed_in(visit)),
        Route("/documents/{id}", site.signed_in(document)),
    ]


async def visit(visitor: Visitor) -> Response:
    """GET: where, when, who, diagnoses, and what was done."""
    fhir, visit_id = visitor.fhir, visitor.request.path_params["id"]
    encounter = await fhir.read("Encounter", visit_id)
    known = await places(fhir)
    belongs = ("encounter", f"Encounter/{visit_id}")
    asked = {key: fhir.search(KINDS[key].type, belongs, ("_count", "50"), *KINDS[key].extra) for key in BELONGING}
    asked["conditions"] = fhir.search("Condition", belongs, ("_count", "50"))
    found, failed = await together(asked)
    conditions = found["conditions"].matches if "conditions" in found else ()
    events = [
        event_of(KINDS[key], one, found[key].by_reference(), known)
        for key in BELONGING
        if key in found
        for one in found[key].matches
    ]
    people = [str((one.get("individual") or {}).get("display", "")) for one in encounter.get("participant", ())]
    return visitor.render(
        "visit.html",
        kind=class_of(encounter),
        department=department_of(encounter),
        place=place_of(encounter, known),
        start=time_of(encounter),
        end=str(encounter.get("period", {}).get("end", "")),
        people=list(dict.fromkeys(filter(None, people))),
        diagnoses=list(dict.fromkeys(term(one.get("code")) for one in conditions)),
        events=newest(events),
        failed=failed,
    )


async def document(visitor: Visitor) -> Response:
    """GET: a document; its text where it is text."""
    resource = await visitor.fhir.read("DocumentReference", visitor.request.path_params["id"])
    known = await places(visitor.fhir)
    return visitor.render(
        "document.html",
        title=words(resource.get("type")) or str(resource.get("description", "")),
        when=time_of(resource),
        place=place_of(resource, known),
        authors=[str(one["display"]) for one in resource.get("author", ()) if one.get("display")],
        texts=[await _text(visitor, one.get("attachment", {})) for one in resource.get("content", ())],
    )


async def _text(visitor: Visitor, attachment: Json) -> Text:
    title, kind = str(attachment.get("title", "")), str(attachment.get("contentType", "")).partition(";")[0]
    if not kind.startswith("text/plain"):
        return Text(title, "", kind)
    data = attachment.get("data") or await _binary(visitor, str(attachment.get("url", "")))
    try:
        return Text(title, base64.b64decode(data).decode("utf-8"), kind)
    except (binascii.Error, UnicodeDecodeError):
        return Text(title, "", kind)


async def _binary(visitor: Visitor, address: str) -> str:
    try:
        found = await visitor.fhir.read("Binary", id_of({"reference": address}))
    except NotThere:
        return ""
    return str(found.get("data", ""))
