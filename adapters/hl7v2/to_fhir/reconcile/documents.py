"""
Documents: current, superseded, entered in error; a change of status keeps the content.

HL7 v2 chapter 9; https://hl7.org/fhir/R4/valueset-document-reference-status.html
"""

from __future__ import annotations

from functools import partial

from adapters.facts import Json, Reconcile
from adapters.hl7v2.to_fhir.reconcile.moments import fill, is_older, overlay, stamp

_GONE = frozenset({"superseded", "entered-in-error"})
_FINISHED = frozenset({"final", "amended"})


def document(edited: bool = False) -> Reconcile:
    """The rule of an MDM message; `edited` is true for T07 and T08."""
    return partial(_document, edited)


def _document(edited: bool, current: Json | None, incoming: Json) -> Json | None:
    """The later statement stands, but what was replaced or cancelled is not current again."""
    if current is None:
        return incoming
    if is_older(current, incoming):
        return _with_content(fill(current, incoming), current, incoming)
    merged = overlay(current, incoming) | _completion(edited, current, incoming)
    if current["status"] in _GONE and incoming["status"] == "current":
        merged |= {key: current[key] for key in ("status", "docStatus") if key in current}
    return merged if _has_content(incoming) else _with_content(merged, incoming, current)


def _completion(edited: bool, current: Json, incoming: Json) -> Json:
    """An authenticated document stays so; what is edited after that is amended."""
    was, said = current.get("docStatus"), incoming.get("docStatus")
    if was not in _FINISHED or said == "entered-in-error":
        return {}
    if edited and _has_content(incoming) and said != "preliminary":
        return {"docStatus": "amended"}
    return {"docStatus": was}


def superseded(current: Json | None, incoming: Json) -> Json | None:
    """The parent of a replacement: superseded if it is here; what was never sent is not invented."""
    if current is None or current["status"] == "entered-in-error":
        return None
    moment = next(e["valueDateTime"] for e in incoming["extension"])
    meta = {**current.get("meta", {}), **incoming.get("meta", {})}
    return stamp({**current, "status": "superseded", "meta": meta}, moment)


def _has_content(resource: Json) -> bool:
    return any("data" in c["attachment"] or "url" in c["attachment"] for c in resource.get("content", ()))


def _with_content(merged: Json, first: Json, other: Json) -> Json:
    """The content of the one, else of the other: a notice without text keeps what there is, a late text fills it."""
    kept = first if _has_content(first) or not _has_content(other) else other
    return {**merged, "content": kept["content"]}


def labelled(current: Json | None, incoming: Json) -> Json | None:
    """The same bytes again: a label once given stays where the message gives none."""
    kept = (current or {}).get("meta", {}).get("security")
    if not kept or incoming.get("meta", {}).get("security"):
        return incoming
    return {**incoming, "meta": {**incoming["meta"], "security": kept}}
