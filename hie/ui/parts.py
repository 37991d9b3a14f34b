"""What the macros take: small frozen values. Texts are shown through `_`, so give the Chinese source text."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Tone = Literal["", "good", "warn", "bad", "info"]


@dataclass(frozen=True, slots=True)
class NavItem:
    """A link of the main navigation."""

    href: str
    title: str
    count: int = 0


@dataclass(frozen=True, slots=True)
class Shell:
    """What stands around every page of one visitor. `idle_seconds` 0: nobody is signed in."""

    nav: tuple[NavItem, ...] = ()
    person: str = ""
    home: str = "/"
    sign_in: str = ""
    sign_out: str = ""
    help: str = ""
    accessibility: str = ""
    phone: str = ""
    csrf_secret: str = field(default="", repr=False)
    idle_seconds: int = 0
    warn_seconds: int = 120
    stay: str = ""


@dataclass(frozen=True, slots=True)
class Tag:
    """A short coloured word; the word alone carries the meaning."""

    text: str
    tone: Tone = ""


@dataclass(frozen=True, slots=True)
class Count:
    """A number that leads to the rows behind it."""

    number: int | str
    label: str
    href: str
    tone: Tone = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Option:
    """A choice of a select, of radios or of checkboxes."""

    value: str
    text: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """A table head. `sort` is the address that sorts by it; `direction` ascending, descending or empty."""

    title: str
    sort: str = ""
    direction: str = ""
    numeric: bool = False


@dataclass(frozen=True, slots=True)
class PatientBanner:
    """Who this page is about, on every page of one patient. `reason` says why the reader may look."""

    name: str
    sex: str = ""
    born: str = ""
    age: str = ""
    identifier: str = ""
    allergies: tuple[Tag, ...] = ()
    flags: tuple[Tag, ...] = ()
    consent: str = ""
    reason: str = ""
    href: str = ""
