"""
The profile of a feed: who receives, how it must be written, which events, and what of them; read from YAML.

docs/hl7v2/feeds.md has every word of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from adapters.errors import NotUnderstood
from adapters.hl7v2.charset import codec_of
from adapters.hl7v2.escape import DEFAULT, EncodingCharacters, encoding_characters
from adapters.hl7v2.from_fhir.receiver import Receiver
from adapters.hl7v2.grammar.versions import USUAL, VERSIONS
from adapters.mllp.address import host_and_port
from hie.access.caller import Caller
from hie.access.policy import policy
from hie.access.scopes import parse_all
from hie.errors import Unprocessable
from hie.feeds.kinds import TYPES

# Feeds of that name are made of the profiles of sites; see answer_feeds.
ANSWERS = "answers-"
Order = Literal["patient", "receiver"]
Params = tuple[tuple[str, str], ...]
_WORDS = frozenset(
    {
        "feed", "receiver", "sender", "address", "tls", "mllp", "version", "charset", "declare_charset", "encoding",
        "processing", "country", "acknowledgement", "messages", "order", "connections", "timeout", "account",
        "filter", "known", "own", "identity_links", "namespaces",
    }
)  # fmt: skip
# In 2.1 a patient identifier is a number with a check digit: what hospitals have does not fit.
TAKEN = VERSIONS[1:]
_ANSWERS = frozenset({"", "AL", "NE", "ER", "SU"})


@dataclass(frozen=True, slots=True)
class Tls:
    """Files on the machine of the worker: whom to trust, and what to show."""

    ca: Path
    certificate: Path | None = None
    key: Path | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """
    One feed.

    `filters` are searches by type that an event must meet. `known` is an identifier system: only patients who have a
    number of it. `own` are senders ("APP|FACILITY", "*|FACILITY", or a prefix of meta.source) who are the receiver.
    `confirmed` False: the receiver answers nothing, and what was written to the connection counts as taken.
    """

    name: str
    host: str
    port: int
    receiver: Receiver
    messages: tuple[str, ...]
    caller: Caller
    filters: tuple[tuple[str, Params], ...] = ()
    known: str = ""
    own: tuple[str, ...] = ()
    identity_links: bool = False
    order: Order = "patient"
    connections: int = 1
    timeout: float = 30.0
    mllp: int = 1
    tls: Tls | None = None
    confirmed: bool = True

    @property
    def types(self) -> frozenset[str]:
        """The resource types whose changes it hears of."""
        found = {name for name, codes in TYPES.items() if any(one.partition("^")[0] in codes for one in self.messages)}
        return frozenset(found | {"Person"} if self.identity_links else found)

    def wants(self, code: str, trigger: str) -> bool:
        """`ADT`, `ADT^*` and `ADT^A01` all want an A01."""
        return bool({code, f"{code}^*", f"{code}^{trigger}"} & set(self.messages))


def read(data: Any) -> Profile:
    """The profile in YAML's values; Unprocessable says what is wrong with it."""
    if not isinstance(data, Mapping):
        raise Unprocessable("A feed is a mapping; see docs/hl7v2/feeds.md.")
    if unknown := sorted(set(map(str, data)) - _WORDS):
        raise Unprocessable(f"A feed has no {unknown[0]}.")
    name = str(data.get("feed") or "")
    if not name or not name.replace("-", "").isalnum():
        raise Unprocessable("feed: a name of letters, digits and dashes is needed.")
    if name.startswith(ANSWERS):
        raise Unprocessable(f"feed: {ANSWERS}... are the answers to sites; their profiles name the address.")
    host, port = _address(data)
    receiver = _receiver(data)
    return Profile(
        name, host, port, receiver, _messages(data), _caller(name, data), tuple(map(_filter, _list(data, "filter"))),
        str(data.get("known") or ""), tuple(_list(data, "own")) or (f"*|{receiver.facility}",),
        bool(data.get("identity_links", False)), _order(data), _number(data, "connections", 1, 64),
        float(_number(data, "timeout", 30, 600)), _number(data, "mllp", 1, 2), _tls(data),
    )  # fmt: skip


def read_answers(data: Mapping[str, Any]) -> Profile:
    """The feed of the answers to a site, as `answer_feeds` has written it."""
    application, _, facility = str(data["answers"]).partition("|")
    host, port = _address(data)
    accept = str(data["accept"])
    return Profile(
        str(data["feed"]), host, port,
        Receiver(application, facility, accept=accept, application_acknowledgement="NE"), ("ACK",),
        Caller(subject=f"feed:{data['feed']}"), order="receiver", timeout=float(data["timeout"]),
        mllp=int(data["mllp"]), tls=_tls(data), confirmed=accept == "AL",
    )  # fmt: skip


def _address(data: Mapping[str, Any]) -> tuple[str, int]:
    found = host_and_port(str(data.get("address") or ""))
    if found is None:
        raise Unprocessable("address: HOST:PORT is needed.")
    return found


def _receiver(data: Mapping[str, Any]) -> Receiver:
    receiver, sender, answer = (_part(data, one) for one in ("receiver", "sender", "acknowledgement"))
    version, charset = str(data.get("version") or USUAL), str(data.get("charset") or "UNICODE UTF-8")
    if not receiver.get("facility"):
        raise Unprocessable("receiver: application and facility (MSH-5, MSH-6) are needed.")
    if version not in TAKEN:
        raise Unprocessable(f"version: one of {', '.join(TAKEN)}.")
    if codec_of(charset) is None:
        raise Unprocessable(f"charset: {charset} is not known.")
    if not {str(answer.get(one) or "") for one in ("accept", "application")} <= _ANSWERS:
        raise Unprocessable("acknowledgement: accept and application are AL, NE, ER or SU.")
    if answer and answer.get("accept") in ("NE", "ER") and answer.get("application", "NE") in ("NE", "ER"):
        raise Unprocessable("acknowledgement: a feed needs an answer to a message that went well.")
    return Receiver(
        str(receiver.get("application") or ""), str(receiver["facility"]), str(sender.get("application") or "HIE"),
        str(sender.get("facility") or "REGION"), version, charset, bool(data.get("declare_charset", True)),
        _characters(data), str(data.get("processing") or "P"), str(answer.get("accept") or ""),
        str(answer.get("application") or ""), str(data.get("country") or ""),
        {str(system): str(name) for system, name in _part(data, "namespaces").items()},
    )  # fmt: skip


def _characters(data: Mapping[str, Any]) -> EncodingCharacters:
    given = str(data.get("encoding") or "")
    if not given:
        return DEFAULT
    try:
        return encoding_characters(f"MSH{given}{given[0]}")
    except NotUnderstood as error:
        raise Unprocessable("encoding: MSH-1 and MSH-2, such as |^~\\&.") from error


def _messages(data: Mapping[str, Any]) -> tuple[str, ...]:
    listed = tuple(_list(data, "messages"))
    known = {code for codes in TYPES.values() for code in codes}
    if not listed or any(one.partition("^")[0] not in known for one in listed):
        raise Unprocessable(f"messages: some of {', '.join(sorted(known))}, with an event or without.")
    return listed


def _caller(name: str, data: Mapping[str, Any]) -> Caller:
    account = _part(data, "account")
    role = policy().roles.get(str(account.get("role") or "clinician"))
    if role is None or role.own_record:
        raise Unprocessable("account: role is one of the policy's roles of staff or systems.")
    purpose = str(account.get("purpose") or role.default_purpose)
    if purpose not in role.purposes:
        raise Unprocessable("account: the role does not allow this purpose.")
    if not account.get("organization"):
        raise Unprocessable("account: organization is needed, as SYSTEM|VALUE of its identifier in the directory.")
    return Caller(
        subject=str(account.get("subject") or f"feed:{name}"), name=str(account.get("name") or f"Feed {name}"),
        role=str(account.get("role") or "clinician"), organization=str(account["organization"]), purpose=purpose,
        scopes=parse_all(f"{role.contexts[0]}/*.rs"), client=f"feed:{name}",
        organization_name=str(account.get("organization_name") or ""),
    )  # fmt: skip


def _filter(text: str) -> tuple[str, Params]:
    """`Patient?organization=Organization/h02`: the parameters must be those of the type."""
    from urllib.parse import parse_qsl

    from records.errors import RecordError
    from records.search.request import read as read_search

    kind, _, query = text.partition("?")
    params = tuple(parse_qsl(query, keep_blank_values=True))
    try:
        if not params:
            raise Unprocessable("empty")
        read_search(kind, params)
    except (RecordError, Unprocessable, KeyError) as error:
        raise Unprocessable(f"filter: {kind}?... is no search that can be answered.") from error
    return kind, params


def _order(data: Mapping[str, Any]) -> Order:
    order = data.get("order") or "patient"
    if order not in ("patient", "receiver"):
        raise Unprocessable("order: patient or receiver.")
    return "receiver" if order == "receiver" else "patient"


def _number(data: Mapping[str, Any], name: str, default: int, most: int) -> int:
    value = data.get(name, default)
    if not isinstance(value, int) or not 0 < value <= most:
        raise Unprocessable(f"{name}: a number from 1 to {most}.")
    return value


def _tls(data: Mapping[str, Any]) -> Tls | None:
    found = _part(data, "tls")
    if not found:
        return None
    if not found.get("ca") or bool(found.get("certificate")) != bool(found.get("key")):
        # A half-configured sender must not fall back to less.
        raise Unprocessable("tls: ca is needed; certificate and key together or not at all.")
    shown = {name: Path(found[name]) for name in ("certificate", "key") if found.get(name)}
    return Tls(Path(found["ca"]), shown.get("certificate"), shown.get("key"))


def _part(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = data.get(name) or {}
    if not isinstance(found, Mapping):
        raise Unprocessable(f"{name}: a mapping.")
    return found


def _list(data: Mapping[str, Any], name: str) -> list[str]:
    found = data.get(name) or []
    if isinstance(found, str):
        found = [found]
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise Unprocessable(f"{name}: a list of texts.")
    return found
