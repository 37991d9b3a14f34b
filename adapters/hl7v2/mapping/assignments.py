"""
Assignments of the guide's rows: a text, texts and components joined, or a named conversion of our overlay.

    "SS"      "urn:oid:"+HD.2      XTN.6+" "+XTN.7      after(AIS-4, AIS-7, AIS-8)
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation

from adapters.hl7v2.mapping.scope import Reference, Scope, Times

Produces = Callable[[Scope, Times], str]
_PART = re.compile(r'\s*(?:"([^"]*)"|([A-Z][A-Z0-9]{1,2}(?:[-.]\d+)*))\s*\+?')
_CALL = re.compile(r"([a-z0-9_]+)\(([^)\"]*)(?:\"([^\"]*)\")?\)")
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DURATION = re.compile(r"([SMHDWL])(\d{1,6})")
_LETTERS = {"S": "s", "M": "min", "H": "h", "D": "d", "W": "wk", "L": "mo"}
_MINUTES = {
    "S": Decimal(1) / 60, "SEC": Decimal(1) / 60, "M": Decimal(1), "MIN": Decimal(1), "": Decimal(1),
    "H": Decimal(60), "HR": Decimal(60), "HOUR": Decimal(60), "D": Decimal(1440), "DAY": Decimal(1440),
    "W": Decimal(10080), "WK": Decimal(10080), "L": Decimal(43200), "MO": Decimal(43200),
}  # fmt: skip


class NotAnAssignment(Exception):
    """The text is not of the syntax: words for a reader."""


def is_text(assignment: str) -> bool:
    """True for one quoted text alone, which says the same whatever was sent."""
    return re.fullmatch(r'"[^"]*"', assignment.strip()) is not None


def compiled(assignment: str, *, in_type: bool) -> Produces:
    """A function that says the text. Raises NotAnAssignment."""
    if call := _CALL.fullmatch(assignment.strip()):
        of = [_reference(part, in_type) for part in call[2].split(",") if part.strip()]
        return _given(of[0], call[3]) if call[1] == "given" and of and call[3] else _call(call[1], of)
    return _joined(assignment.strip(), in_type)


def _reference(text: str, in_type: bool) -> Reference:
    try:
        found = Reference.of(text)
    except ValueError as error:
        raise NotAnAssignment(str(error)) from error
    return found.in_type() if in_type else found


def _joined(text: str, in_type: bool) -> Produces:
    parts: list[str | Reference] = []
    at = 0
    while at < len(text):
        match = _PART.match(text, at)
        if match is None:
            raise NotAnAssignment(f"not understood: {text[at : at + 20]}")
        parts.append(match[1] if match[2] is None else _reference(match[2], in_type))
        at = match.end()
    if not parts:
        raise NotAnAssignment("nothing is assigned")
    if all(isinstance(part, str) for part in parts):
        fixed = "".join(part for part in parts if isinstance(part, str)).strip()
        return lambda _scope, _times: fixed
    return lambda scope, _times: "".join(
        part if isinstance(part, str) else scope.text(part) for part in parts
    ).strip()


def _call(name: str, arguments: list[Reference]) -> Produces:
    function = _FUNCTIONS.get(name)
    if function is None:
        raise NotAnAssignment(f"no conversion {name}")
    return lambda scope, times: function(scope, times, arguments)


def _given(of: Reference, text: str) -> Produces:
    """The text, where a duration as letter and number was understood."""
    return lambda scope, _times: text if _DURATION.fullmatch(scope.text(of)) else ""


def _number(text: str) -> Decimal | None:
    try:
        found = Decimal(text)
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def _minutes(scope: Scope, _times: Times, of: list[Reference]) -> str:
    """An amount and its unit (or a CQ, or RPT-9 and RPT-10) in whole minutes."""
    amount = _number(scope.text(of[0]))
    unit = scope.text(of[1]).upper() if len(of) > 1 else ""
    factor = _MINUTES.get(unit) or _MINUTES.get(unit.rstrip("S"))
    return str(int(amount * factor)) if amount is not None and factor is not None else ""


def _amount(scope: Scope, _times: Times, of: list[Reference]) -> str:
    """The number of `W6`."""
    match = _DURATION.fullmatch(scope.text(of[0]))
    return match[2] if match else ""


def _unit(scope: Scope, _times: Times, of: list[Reference]) -> str:
    """The unit of `W6`."""
    match = _DURATION.fullmatch(scope.text(of[0]))
    return _LETTERS[match[1]] if match else ""


def _moved(sign: int) -> Callable[[Scope, Times, list[Reference]], str]:
    def moved(scope: Scope, times: Times, of: list[Reference]) -> str:
        begun, minutes = times.date_time(scope.text(of[0])), _minutes(scope, times, of[1:])
        if len(begun) < 19 or not minutes or abs(int(minutes)) > 5_000_000:
            return ""
        moment = datetime.fromisoformat(begun) + sign * timedelta(minutes=int(minutes))
        return moment.strftime("%Y%m%d%H%M%S%z")

    return moved


def _weekday(scope: Scope, _times: Times, of: list[Reference]) -> str:
    text = scope.text(of[0])
    return _DAYS[int(text) - 1] if text.isdecimal() and 1 <= int(text) <= 7 else ""


def _whole(scope: Scope, _times: Times, of: list[Reference]) -> str:
    """The value with its separators."""
    components = scope.value_of(of[0]).components
    return "^".join("&".join(component) for component in components)


def _encoded(scope: Scope, times: Times, of: list[Reference]) -> str:
    return base64.b64encode(_whole(scope, times, of).encode()).decode("ascii")


def _data(scope: Scope, _times: Times, of: list[Reference]) -> str:
    """The data of an ED: Base64 as sent, hexadecimal and plain text in Base64."""
    coding, data = scope.text(of[0]).upper(), scope.text(of[1])
    if coding == "BASE64":
        return "".join(data.split())
    if coding == "HEX":
        try:
            return base64.b64encode(bytes.fromhex(data)).decode("ascii")
        except ValueError:
            return ""
    return base64.b64encode(data.encode()).decode("ascii")


def _name(scope: Scope, _times: Times, of: list[Reference]) -> str:
    """An XPN on one line; XPN-11 says whether the family name leads."""
    value = scope.value_of(of[0])
    family, given = value[1].strip(), " ".join(filter(None, (value[2].strip(), value[3].strip())))
    return " ".join(filter(None, (family, given) if value[11] == "F" else (given, family)))


def _division(scope: Scope, _times: Times, of: list[Reference]) -> str:
    text = " ".join(_whole(scope, _times, of).split())
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f'<div xmlns="http://www.w3.org/1999/xhtml">{escaped}</div>' if escaped else ""


_FUNCTIONS: dict[str, Callable[[Scope, Times, list[Reference]], str]] = {
    "minutes": _minutes, "after": _moved(1), "before": _moved(-1), "weekday": _weekday, "whole": _whole,
    "base64": _encoded, "data": _data, "name": _name, "div": _division, "amount": _amount, "unit": _unit,
}  # fmt: skip
