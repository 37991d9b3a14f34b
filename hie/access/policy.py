"""
The decision: may this caller do this, and what stays visible. Pure; every step has a reason code for the audit.

Order: role, purpose, scope, role's limits, consent, labels; the first refusal ends it. The rules are data.
https://profiles.ihe.net/ITI/PCF/, https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from typing import Any

from hie.access.caller import Caller
from hie.access.scopes import Scope, covered_types, covering
from hie.errors import Refused
from records.stored import Visibility

WRITES = frozenset({"create", "update", "patch", "delete"})
EVERY = "*"


class Denied(Refused):
    """A refusal of the policy; `reason` is the code that the audit trail keeps."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Role:
    """
    What a role may do. `labels` are sensitive labels it sees ("*": all); `writes` None means every type.

    `exports` are the purposes for which it may take records out in bulk; none: it may not.
    """

    contexts: tuple[str, ...]
    purposes: tuple[str, ...]
    own_record: bool = False
    writes: frozenset[str] | None = None
    labels: frozenset[str] = frozenset()
    consent: bool = True
    break_glass: bool = False
    relationship: bool = False
    withheld: frozenset[str] = frozenset()
    exports: frozenset[str] = frozenset()

    @property
    def default_purpose(self) -> str:
        """What is taken as the purpose where the request names none."""
        return self.purposes[0]


@dataclass(frozen=True, slots=True)
class Policy:
    """One dated policy."""

    version: str
    roles: Mapping[str, Role]
    sensitive_labels: frozenset[str]
    shared_types: frozenset[str]
    read_only: frozenset[str]
    emergency: frozenset[str]
    lifts: frozenset[str]
    shortest_reason: int
    relationship: str
    unknown_organization: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What stays visible, and why."""

    visibility: Visibility
    reasons: tuple[str, ...] = field(default=())


@lru_cache(maxsize=1)
def policy() -> Policy:
    """The policy in force, from `rules/access-policy.json`."""
    text = resources.files("hie.access").joinpath("rules/access-policy.json").read_text("utf-8")
    return to_policy(json.loads(text))


def to_policy(data: Mapping[str, Any]) -> Policy:
    """Rule data to a policy; KeyError or TypeError where it is not one."""
    glass = data["break_glass"]
    return Policy(
        data["version"],
        {name: _role(found) for name, found in data["roles"].items()},
        frozenset(data["sensitive_labels"]),
        frozenset(data["shared_types"]),
        frozenset(data["read_only"]),
        frozenset(glass["purposes"]),
        frozenset(glass["lifts"]),
        glass["shortest_reason"],
        data["relationship"],
        data["unknown_organization"],
    )


def _role(found: Mapping[str, Any]) -> Role:
    writes = found.get("writes")
    rest = {name: found[name] for name in ("own_record", "consent", "break_glass", "relationship") if name in found}
    return Role(
        tuple(found["contexts"]),
        tuple(found["purposes"]),
        writes=None if writes is None else frozenset(writes),
        labels=frozenset(found.get("labels", ())),
        withheld=frozenset(found.get("withheld", ())),
        exports=frozenset(found.get("exports", ())),
        **rest,
    )


def role_among(names: Sequence[str], known: Policy, *, resident: bool) -> str:
    """The role in which an account acts: resident at the residents' client, else its first staff role."""
    own = [name for name in known.roles if name in names and known.roles[name].own_record]
    staff = [name for name in known.roles if name in names and not known.roles[name].own_record]
    order = [*own, *staff] if resident else [*staff, *own]
    return order[0] if order else ""


def decide(
    caller: Caller, resource_type: str, interaction: str, denied: frozenset[str], rules: Policy | None = None
) -> Decision:
    """
    The decision for one interaction on one type ("*": on all at once).

    `denied` are the source Patients that refuse this caller; Denied where the caller may not do it at all.
    """
    rules = rules or policy()
    role = rules.roles.get(caller.role)
    if role is None:
        raise Denied("role-unknown", "This account has no role in the exchange.")
    reasons = ["token-valid", *_purpose(caller, role, rules)]
    contexts = _contexts(caller, role)
    _scope(caller, contexts, resource_type, interaction)
    _limits(role, rules, resource_type, interaction)
    _bulk(caller, role, interaction)
    reasons += ["scope-covers", f"role-{caller.role}", *_relationship(role, rules)]
    lifted = caller.break_glass and "consent" in rules.lifts
    if denied and role.consent:
        reasons.append("consent-lifted" if lifted else "consent-applied")
    visibility = Visibility(
        patients=_patients(caller, role),
        shared_types=rules.shared_types if role.own_record or caller.launched else frozenset(),
        types=_types(caller, role, contexts, interaction),
        hidden_labels=_hidden(caller, role, rules),
        denied=denied if role.consent and not lifted else frozenset(),
    )
    return Decision(visibility, tuple(reasons))


def _purpose(caller: Caller, role: Role, rules: Policy) -> list[str]:
    if caller.purpose not in role.purposes:
        raise Denied("purpose-not-allowed", "The role of the caller does not allow this purpose of use.")
    if caller.purpose not in rules.emergency:
        return [f"purpose-{caller.purpose}"]
    if not role.break_glass:
        raise Denied("break-glass-not-allowed", "The role of the caller may not declare an emergency.")
    if len(caller.reason.strip()) < rules.shortest_reason:
        raise Denied("break-glass-without-reason", "An emergency access needs a reason in X-Access-Reason.")
    return [f"purpose-{caller.purpose}", "break-glass"]


def _contexts(caller: Caller, role: Role) -> tuple[str, ...]:
    # SMART: patient/ scopes need a patient in context; without one they grant nothing.
    bound = role.own_record or caller.launched
    return tuple(one for one in role.contexts if one != "patient" or bound)


def _scope(caller: Caller, contexts: tuple[str, ...], resource_type: str, interaction: str) -> None:
    found = covering(caller.scopes, contexts, resource_type, interaction)
    if not found:
        raise Denied("scope-missing", f"The token's scopes do not cover {interaction} of {resource_type}.")
    if all(scope.query for scope in found):
        # A narrowed scope that cannot be enforced in every read must not be widened silently.
        raise Denied("scope-narrowed", "Scopes narrowed by a query are not served yet; ask for the whole type.")


def _limits(role: Role, rules: Policy, resource_type: str, interaction: str) -> None:
    if resource_type in role.withheld:
        raise Denied("type-withheld", f"{resource_type} is not open to this role.")
    if interaction not in WRITES:
        return
    if resource_type in rules.read_only:
        raise Denied("type-read-only", f"{resource_type} is written by the exchange alone.")
    if role.writes is not None and (resource_type not in role.writes or interaction == "delete"):
        raise Denied("write-not-allowed", f"This role may not {interaction} a {resource_type}.")


def _bulk(caller: Caller, role: Role, interaction: str) -> None:
    # Who treats one patient after the other may search; whole populations leave for other reasons.
    if interaction == "export" and caller.purpose not in role.exports:
        raise Denied("export-not-allowed", "This role may not export records in bulk for this purpose of use.")


def _relationship(role: Role, rules: Policy) -> list[str]:
    return [f"relationship-{rules.relationship}"] if role.relationship else []


def _patients(caller: Caller, role: Role) -> frozenset[str] | None:
    return (caller.patients or frozenset()) if role.own_record or caller.launched else None


def _hidden(caller: Caller, role: Role, rules: Policy) -> frozenset[str]:
    if EVERY in role.labels or (caller.break_glass and "labels" in rules.lifts):
        return frozenset()
    return rules.sensitive_labels - role.labels


def _types(caller: Caller, role: Role, contexts: tuple[str, ...], interaction: str) -> frozenset[str] | None:
    # A write answers with what was written, so what it may write it may see in the answer.
    asked = ("read", interaction) if interaction in WRITES | {"validate"} else (interaction,)
    return _types_of(caller.scopes, contexts, asked, role.withheld)


@lru_cache(maxsize=1024)
def _types_of(
    scopes: tuple[Scope, ...], contexts: tuple[str, ...], asked: tuple[str, ...], withheld: frozenset[str]
) -> frozenset[str] | None:
    covered = [covered_types(scopes, contexts, one) for one in asked]
    found = [types for types in covered if types is not None]
    everything = len(found) < len(covered)
    if everything and not withheld:
        return None
    return (_every_type() if everything else frozenset().union(*found)) - withheld


def _every_type() -> frozenset[str]:
    # The compiled definitions are loaded when first needed, not when a process starts.
    from records.definitions import definitions

    return frozenset(definitions().resource_types)
