"""
Objects put together: what was said first stays, primitives and extensions are taken apart, what says nothing goes.

https://hl7.org/fhir/R4/json.html#primitive
"""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

# What these are without is no value: an extension of nothing, a number without the number.
_NEEDED = {
    "Identifier": ("value", "extension"), "ContactPoint": ("value",), "Coding": ("code", "display"),
    "Reference": ("reference", "identifier", "display", "extension"),
}  # fmt: skip



def primitive(name: str, value: Any) -> Json:
    """A primitive, or a list of them: where one has extensions, they stand beside it, under an underscore."""
    values = value if isinstance(value, list) else [value]
    if not any(isinstance(one, dict) for one in values):
        return {name: value}
    plain = [one.get(TEXT) if isinstance(one, dict) else one for one in values]
    beside = [_without_text(one) if isinstance(one, dict) else None for one in values]
    if not isinstance(value, list):
        return {key: one for key, one in ((name, plain[0]), (f"_{name}", beside[0])) if one}
    return ({name: plain} if any(plain) else {}) | ({f"_{name}": beside} if any(beside) else {})


def _without_text(value: Json) -> Json:
    return {key: inner for key, inner in value.items() if key != TEXT}


# Under this name an object holds the value of a primitive until it is taken apart.
TEXT = "\x00"


def merged(value: Any, more: Any) -> Any:
    """What was said first stays; objects are filled, element by element."""
    if value is None or more is None:
        return more if value is None else value
    if isinstance(value, dict) and isinstance(more, dict):
        return {**more, **{key: merged(inner, more.get(key)) for key, inner in value.items()}}
    if isinstance(value, list) and isinstance(more, list):
        longer = value[len(more) :] or more[len(value) :]
        return [*(merged(one, other) for one, other in zip(value, more, strict=False)), *longer]
    if isinstance(more, dict):
        return {TEXT: value, **more}
    if isinstance(value, dict):
        return value if TEXT in value else {TEXT: more, **value}
    return value


def is_reference(value: Any) -> bool:
    return isinstance(value, dict) and ("reference" in value or "display" in value)


def useful(kind: str, resource: str, value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if kind == "Extension":
        says = any(name == "extension" or name.lstrip("_").startswith("value") for name in value)
        return value if says and value.get("url") else None
    needed = _NEEDED.get("Reference" if resource else kind)
    return value if value and (needed is None or any(name in value for name in needed)) else None
