r"""
Encoding characters of a message, and its escape sequences.

`\F\ \S\ \T\ \R\ \E\ \P\` are separators as text, `\Xhh..\` bytes, `\.br\` and its kin line layout, `\H\ \N\`
highlighting, `\C..\ \M..\` character set switches. What is none of these stays as sent. HL7 v2 chapter 2.7
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from adapters.errors import NotUnderstood

_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_SEQUENCE = r"([FSTREPHN]|X(?:[0-9A-Fa-f]{2})+|C[0-9A-Fa-f]{4}|M(?:[0-9A-Fa-f]{2}){2,3}|\.[A-Za-z]{2}[+-]?\d{0,3})"
_BREAKS = {"br": "\n", "ce": "\n", "sp": "\n", "sk": " "}
_LAYOUT = frozenset({*_BREAKS, "in", "ti", "fi", "nf"})


@dataclass(frozen=True, slots=True)
class EncodingCharacters:
    """MSH-1 and MSH-2; "" for one that the sender does not use."""

    field: str = "|"
    component: str = "^"
    repetition: str = "~"
    escape: str = "\\"
    subcomponent: str = "&"
    truncation: str = ""

    @property
    def encoded(self) -> str:
        """MSH-2."""
        return self.component + self.repetition + self.escape + self.subcomponent + self.truncation


DEFAULT = EncodingCharacters()


def encoding_characters(text: str) -> EncodingCharacters:
    """
    Read from the beginning of an MSH, FHS or BHS segment, 4 or 5 characters in any version.

    Raises NotUnderstood where they cannot separate: anything but ASCII signs, or twice the same.
    """
    separator = text[3:4]
    end = text.find(separator, 4) if separator else -1
    given = (text[4:] if end < 0 else text[4:end])[:5]
    # Where MSH-2 is empty the usual ones are meant, and among those the separator cannot be.
    used = separator + (given or DEFAULT.encoded)
    if not separator or len(set(used)) != len(used) or any(c.isalnum() or not "!" <= c <= "~" for c in used):
        raise NotUnderstood("The encoding characters cannot separate.", location="MSH^1^2", condition="102")
    return EncodingCharacters(*(used[at : at + 1] for at in range(6)))


def without_controls(text: str) -> str:
    """Without NUL and its kin: FHIR text has none, and nothing stores them. Tabulators and line ends stay."""
    return _CONTROLS.sub("", text)


@lru_cache(maxsize=64)
def unescaper(characters: EncodingCharacters, codec: str) -> Callable[[str], str]:
    """A function that resolves the escape sequences of one piece of text."""
    if not characters.escape:
        return str
    mark = re.escape(characters.escape)
    pattern = re.compile(mark + _SEQUENCE + mark)
    plain = {
        "F": characters.field, "S": characters.component, "T": characters.subcomponent, "R": characters.repetition,
        "E": characters.escape, "P": characters.truncation or "#", "H": "", "N": "",
    }  # fmt: skip

    def resolve(found: re.Match[str]) -> str:
        sequence = found[1]
        if sequence in plain:
            return plain[sequence]
        if sequence[0] == ".":
            return _layout(sequence, found[0])
        return _bytes(sequence, codec, found[0]) if sequence[0] == "X" else ""

    return lambda text: pattern.sub(resolve, text)


def _layout(sequence: str, sent: str) -> str:
    command, count = sequence[1:3].lower(), sequence[3:].lstrip("+-")
    if command not in _LAYOUT:
        return sent
    return _BREAKS.get(command, "") * (int(count) if count else 1)


def _bytes(sequence: str, codec: str, sent: str) -> str:
    try:
        return without_controls(bytes.fromhex(sequence[1:]).decode(codec))
    except UnicodeDecodeError:
        return sent


def escape(text: str, characters: EncodingCharacters = DEFAULT) -> str:
    """Text for a message: separators as escape sequences, line ends as `\\.br\\`, control characters left out."""
    mark = characters.escape
    names = zip(
        (mark, characters.field, characters.component, characters.subcomponent, characters.repetition), "EFSTR",
        strict=True,
    )  # fmt: skip
    table = str.maketrans({sign: f"{mark}{name}{mark}" for sign, name in names if sign})
    return re.sub("\r\n|\r|\n", lambda _: f"{mark}.br{mark}", without_controls(text).translate(table))
