"""
Documents: current, superseded, entered in error; a change of status keeps the content.

HL7 v2 chapter 9; https://hl7.org/fhir/R4/valueset-document-reference-status.html
"""

from __future__ import annotations

from adapters.facts import Json
from adapters.hl7v2.to_fhir.reconcile.moments import fill, is_older, overlay, stamp

_FINAL = "final"


def document(current: Json | None, incoming: Json) -> Json | None:
    """The later statement stands, but what was replaced or cancelled is not current again."""
    if current is None:
        return incoming
    if is_older(current, incoming):
        return fill(current, incoming)
    merged = overlay(current, incoming)
    if current["status"] in ("superseded", "entered-in-error") and incoming["status"] == "current":
        merged["status"] = current["status"]
    if current.get("docStatus") == _FINAL and incoming.get("docStatus") == "preliminary":
        merged["docStatus"] = _FINAL
    if not _has_content(incoming) and _has_content(current):
        merged["content"] = current["content"]
    return merged


def superseded(current: Json | None, incoming: Json) -> Json | None:
    """The parent of a replacement: superseded if it is here; what was never sent is not invented."""
    if current is None or current["status"] == "entered-in-error":
        return None
    moment = next(e["valueDateTime"] for e in incoming["extension"])
    return stamp(
        {**current, "status": "superseded", "meta": {**current.get("meta", {}), **incoming.get("meta", {})}}, moment
    )


def _has_content(resource: Json) -> bool:
    return any("data" in c["attachment"] or "url" in c["attachment"] for c in resource.get("content", ()))
