"""
What billing says of a visit: the account it is on, and its diagnoses.

A list of diagnoses replaces those of the same kinds (admitting, working, final) before; with action codes (DG1-21)
the segments change it.
HL7 v2 chapter 6 (BAR P01, P05, P12)
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from adapters.facts import Json, Reconcile
from adapters.hl7v2.to_fhir.reconcile.moments import by_key, is_older, stamp

DIAGNOSES_AS_OF = "urn:hie:diagnoses-as-of"


@dataclass(frozen=True, slots=True)
class Diagnoses:
    """`stated` is true where the message has any; `changes` where they are changes; `withdrawn` are Conditions."""

    stated: bool
    changes: bool
    withdrawn: frozenset[str]


def billed(said: Diagnoses) -> Reconcile:
    """The rule of an Encounter of which only the account and the diagnoses are stated."""
    return partial(_billed, said)


def _billed(said: Diagnoses, current: Json | None, incoming: Json) -> Json | None:
    if current is None:
        return incoming
    accounts = by_key(current.get("account", []), incoming.get("account", []), lambda one: one.get("reference"))
    merged = {**current, **({"account": accounts} if accounts else {})}
    if not said.stated or is_older(current, incoming, DIAGNOSES_AS_OF):
        return merged
    listed = incoming.get("diagnosis", [])
    listed = by_key(current.get("diagnosis", []), listed, _condition if said.changes else _kind)
    kept = [entry for entry in listed if _condition(entry) not in said.withdrawn]
    moment = next(e["valueDateTime"] for e in incoming["extension"] if e["url"] == DIAGNOSES_AS_OF)
    rest = {key: value for key, value in merged.items() if key != "diagnosis"}
    return stamp({**rest, **({"diagnosis": kept} if kept else {})}, moment, DIAGNOSES_AS_OF)


def _kind(entry: Json) -> str:
    return str(entry.get("use"))


def _condition(entry: Json) -> str:
    return str(entry["condition"].get("reference", ""))
