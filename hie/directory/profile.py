"""
A site's profile: YAML to what the adapter has to know of the sender. Pure; docs/hl7v2/sites.md has every key.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from yaml.nodes import MappingNode, Node

from adapters.hl7v2 import charset
from adapters.hl7v2.mapping.scope import Reference
from adapters.hl7v2.site import VISIT_BY, FieldDefault, FieldMove, Limits, Site, ZField
from hie.directory.answers import Answers, answers
from hie.directory.local_fields import z_field
from hie.directory.yaml_lines import Invalid, Reader, composed

CodeMaps = Mapping[str, Mapping[str, tuple[str, str, str]]]
_URI = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:\S+")
_TYPE = re.compile(r"[A-Z][A-Z0-9]{2}(\^([A-Z0-9]{1,4}|\*))?|\*")
_SENDER = re.compile(r"[^|\s][^|]*\|[^|]*|\|[^|\s][^|]*")
_PROCESSING = ("P", "T", "D")
# Whose clocks nobody knows: a time without a zone of its own is then read as its day.
NO_ZONE = "none"
_MOVE = frozenset({"from", "to", "pattern", "type", "authority", "append", "keep"})
_Z = frozenset({"from", "to", "extension", "as"})


@dataclass(frozen=True, slots=True)
class Profile:
    """
    What a profile says; "" and empty: nothing, so that the default or the provisional profile holds.

    `text` is the YAML as it was written.
    """

    text: str = ""
    sender: str = ""
    organization: str = ""
    authority: str = ""
    charset: str = ""
    zone: str = ""
    authorities: Mapping[str, str] = field(default_factory=dict)
    code_maps: CodeMaps = field(default_factory=dict)
    snapshot: bool = False
    visit_by: tuple[str, ...] = ()
    moves: tuple[FieldMove, ...] = ()
    defaults: tuple[FieldDefault, ...] = ()
    z_fields: tuple[ZField, ...] = ()
    events: Mapping[str, str] = field(default_factory=dict)
    accepts: tuple[str, ...] = ()
    ignores: tuple[str, ...] = ()
    processing: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    answers: Answers | None = None

    def applied(self, site: Site, *, version: int = 0) -> Site:
        """The site as this profile has it."""
        said: dict[str, Any] = {
            name: value for name in ("authority", "charset", "zone", "visit_by") if (value := getattr(self, name))
        }
        if self.zone == NO_ZONE:
            said["zone"] = ""
        return replace(
            site, **said, authorities=self.authorities, code_maps=self.code_maps, snapshot=self.snapshot,
            moves=self.moves, defaults=self.defaults, z_fields=self.z_fields, events=self.events,
            accepts=self.accepts, ignores=self.ignores, processing=self.processing, limits=self.limits,
            version=version,
        )  # fmt: skip


def read(text: str) -> Profile:
    """The profile in a YAML text. Raises Invalid, with the line of each problem."""
    reader, found = Reader(), {}
    for key, node in reader.entries(composed(text), ""):
        if key not in _KEYS:
            reader.wrong(node, key, f"No such key; there are {', '.join(sorted(_KEYS))}.")
            continue
        name, read_key = _KEYS[key]
        found[name] = read_key(reader, node, key)
    if reader.problems:
        raise Invalid(reader.problems)
    return Profile(text=text, **found)


def _text(reader: Reader, node: Node, key: str) -> str:
    return reader.text(node, key).strip()


def _sender(reader: Reader, node: Node, key: str) -> str:
    sender = _text(reader, node, key)
    if sender and not _SENDER.fullmatch(sender):
        reader.wrong(node, key, "A sender is MSH-3|MSH-4, as in HIS|H01.")
    return sender


def _charset(reader: Reader, node: Node, key: str) -> str:
    name = _text(reader, node, key)
    if charset.codec_of(name) is None:
        reader.wrong(node, key, "No such character set; usual are UTF-8, GB18030, GBK, GB2312, BIG-5.")
    return name


def _zone(reader: Reader, node: Node, key: str) -> str:
    name = _text(reader, node, key)
    if name == NO_ZONE:
        return name
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        reader.wrong(node, key, f"No such time zone; here it is Asia/Shanghai, or {NO_ZONE}.")
    return name


def _uri(reader: Reader, node: Node, key: str) -> str:
    uri = _text(reader, node, key)
    if not _URI.fullmatch(uri):
        reader.wrong(node, key, "A URI is wanted, as urn:oid:2.16.156.1 or https://hospital.example/ids.")
    return uri


def _authorities(reader: Reader, node: Node, key: str) -> dict[str, str]:
    return {name: _uri(reader, value, f"{key}.{name}") for name, value in reader.entries(node, key)}


def _codes(reader: Reader, node: Node, key: str) -> dict[str, dict[str, tuple[str, str, str]]]:
    """Table or coding system: {local code: {system, code, display}}."""
    return {
        table: {
            local: _coding(reader, target, f"{key}.{table}.{local}")
            for local, target in reader.entries(codes, f"{key}.{table}")
        }
        for table, codes in reader.entries(node, key)
    }


def _coding(reader: Reader, node: Node, key: str) -> tuple[str, str, str]:
    """`{system, code, display}`, or a list of the three."""
    if isinstance(node, MappingNode):
        parts = {name: _text(reader, value, f"{key}.{name}") for name, value in reader.entries(node, key)}
        if surplus := parts.keys() - {"system", "code", "display"}:
            reader.wrong(node, key, f"A coding has system, code and display, no {', '.join(sorted(surplus))}.")
        coding = (parts.get("system", ""), parts.get("code", ""), parts.get("display", ""))
    else:
        listed = [_text(reader, one, key) for one in reader.items(node, key)]
        coding = (*listed, "", "", "")[:3]  # type: ignore[assignment]
    if not _URI.fullmatch(coding[0]) or not coding[1]:
        reader.wrong(node, key, "A coding is wanted: system (a URI), code and display.")
    return coding


def _flag(reader: Reader, node: Node, key: str) -> bool:
    return reader.flag(node, key)


def _visit_by(reader: Reader, node: Node, key: str) -> tuple[str, ...]:
    listed = tuple(_text(reader, one, key) for one in reader.items(node, key))
    for one in listed:
        if one not in VISIT_BY:
            reader.wrong(node, key, f"{one} names no visit; {', '.join(VISIT_BY)} do.")
    return listed


def _reference(reader: Reader, node: Node, key: str) -> Reference | None:
    found = reader.as_(node, key, Reference.of, "A field is wanted, as PID-3 or PV1-3.4.")
    if found is not None and not found.field:
        reader.wrong(node, key, "A field is wanted, as PID-3 or PV1-3.4.")
        return None
    return found


def _moves(reader: Reader, node: Node, key: str) -> tuple[FieldMove, ...]:
    found = (_move(reader, one, f"{key}[{at}]") for at, one in enumerate(reader.items(node, key)))
    return tuple(one for one in found if one is not None)


def _move(reader: Reader, node: Node, key: str) -> FieldMove | None:
    said = _said(reader, node, key, _MOVE)
    if "from" not in said or "to" not in said:
        reader.wrong(node, key, "A move has from and to.")
        return None
    source = _reference(reader, said["from"], f"{key}.from")
    to = tuple(_reference(reader, one, f"{key}.to") for one in reader.items(said["to"], f"{key}.to"))
    pattern = reader.as_(said["pattern"], f"{key}.pattern", _pattern, "No pattern.") if "pattern" in said else None
    type_, authority = (_text(reader, said[n], key) if n in said else "" for n in ("type", "authority"))
    append, keep = (reader.flag(said[n], key) if n in said else False for n in ("append", "keep"))
    if source is None or not to or None in to:
        return None
    if pattern is None and len(to) > 1:
        reader.wrong(said["to"], f"{key}.to", "Several places need a pattern that divides the value.")
    if pattern is not None and pattern.groups != len(to):
        reader.wrong(said["pattern"], f"{key}.pattern", f"{pattern.groups} groups for {len(to)} places.")
    targets = tuple(one for one in to if one is not None)
    if len({(one.name, one.field) for one in targets}) > 1:
        reader.wrong(said["to"], f"{key}.to", "The places are parts of one field.")
    return FieldMove(source, targets, pattern, append or bool(type_ or authority), type_, authority, keep)


def _pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise ValueError(str(error)) from error


def _said(reader: Reader, node: Node, key: str, known: frozenset[str]) -> dict[str, Node]:
    said = dict(reader.entries(node, key))
    for name in said.keys() - known:
        reader.wrong(said[name], f"{key}.{name}", f"No such key; there are {', '.join(sorted(known))}.")
    return said


def _defaults(reader: Reader, node: Node, key: str) -> tuple[FieldDefault, ...]:
    found = []
    for name, value in reader.entries(node, key):
        try:
            at = Reference.of(name)
        except ValueError:
            at = Reference("")
        if at.field:
            found.append(FieldDefault(at, _text(reader, value, f"{key}.{name}")))
        else:
            reader.wrong(value, f"{key}.{name}", "A field is wanted, as PV1-2 or PID-3.4.")
    return tuple(found)


def _z_fields(reader: Reader, node: Node, key: str) -> tuple[ZField, ...]:
    found = []
    for at, one in enumerate(reader.items(node, key)):
        where = f"{key}[{at}]"
        said = _said(reader, one, where, _Z)
        if "from" not in said or "to" not in said:
            reader.wrong(one, where, "A field of the site's own has from and to.")
            continue
        source = _reference(reader, said["from"], f"{where}.from")
        texts = {name: _text(reader, said[name], where) for name in ("to", "extension", "as") if name in said}
        if source is None:
            continue
        try:
            found.append(z_field(source, texts["to"], texts.get("extension", ""), texts.get("as", "")))
        except ValueError as error:
            reader.wrong(said["to"], f"{where}.to", str(error))
    return tuple(found)


def _event(text: str) -> str:
    if not re.fullmatch(r"[A-Z][A-Z0-9]{2}(\^[A-Z0-9]{1,4})?", text):
        raise ValueError(text)
    return text


def _events(reader: Reader, node: Node, key: str) -> dict[str, str]:
    said = "A type is wanted, as ADT^A01."
    found = {}
    for name, value in reader.entries(node, key):
        if not re.fullmatch(r"[A-Z][A-Z0-9]{2}(\^\w{1,10})?", name):
            reader.wrong(value, f"{key}.{name}", said)
        found[name] = reader.as_(value, f"{key}.{name}", _event, said) or ""
    return found


def _types(reader: Reader, node: Node, key: str) -> tuple[str, ...]:
    listed = []
    for one in reader.items(node, key):
        text = _text(reader, one, key)
        if not _TYPE.fullmatch(text):
            reader.wrong(one, key, "A type is wanted, as ADT^A01 or ADT^*.")
        listed.append(text)
    return tuple(listed)


def _processing(reader: Reader, node: Node, key: str) -> tuple[str, ...]:
    listed = tuple(_text(reader, one, key) for one in reader.items(node, key))
    if not set(listed) <= set(_PROCESSING):
        reader.wrong(node, key, "Processing ids are P, T and D.")
    return listed


def _limits(reader: Reader, node: Node, key: str) -> Limits:
    known = {one.name: type(one.default) for one in fields(Limits)}
    said = _said(reader, node, key, frozenset(known))
    numbers = {name: reader.number(value, f"{key}.{name}") for name, value in said.items() if name in known}
    limits: dict[str, Any] = {name: int(n) if known[name] is int else n for name, n in numbers.items()}
    return Limits(**limits)


_KEYS: dict[str, tuple[str, Callable[[Reader, Node, str], Any]]] = {
    "sender": ("sender", _sender),
    "organization": ("organization", _text),
    "authority": ("authority", _uri),
    "charset": ("charset", _charset),
    "zone": ("zone", _zone),
    "authorities": ("authorities", _authorities),
    "codes": ("code_maps", _codes),
    "snapshot": ("snapshot", _flag),
    "visit_by": ("visit_by", _visit_by),
    "moves": ("moves", _moves),
    "defaults": ("defaults", _defaults),
    "z_fields": ("z_fields", _z_fields),
    "events": ("events", _events),
    "accept": ("accepts", _types),
    "ignore": ("ignores", _types),
    "processing": ("processing", _processing),
    "limits": ("limits", _limits),
    "answers": ("answers", answers),
}
