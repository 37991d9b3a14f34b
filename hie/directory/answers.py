"""
Where a site hears what became of its messages: the section `answers` of its profile. docs/hl7v2/sites.md
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, cast

from yaml.nodes import Node

from adapters.mllp.address import host_and_port
from hie.directory.yaml_lines import Reader

When = Literal["asked", "failed"]
Accept = Literal["AL", "NE"]
_KEYS = frozenset({"address", "tls", "mllp", "timeout", "when", "accept"})
_FILES = frozenset({"ca", "certificate", "key"})
LONGEST = 600


@dataclass(frozen=True, slots=True)
class Answers:
    """
    `address` is HOST:PORT; `tls` has the files ca, certificate, key; `mllp` is the release of the transport.

    `when` asked: as MSH-16 says; failed: senders that say nothing there are told of failures, too. `accept` is the
    MSH-15 of the answers: AL, they are confirmed; NE, the site answers nothing to them.
    """

    address: str
    tls: Mapping[str, str] = field(default_factory=dict)
    mllp: int = 1
    timeout: int = 30
    when: When = "asked"
    accept: Accept = "AL"


def answers(reader: Reader, node: Node, key: str) -> Answers | None:
    """The section; None where it is wrong, which the reader has noted."""
    said = dict(reader.entries(node, key))
    for name in said.keys() - _KEYS:
        reader.wrong(said[name], f"{key}.{name}", f"No such key; there are {', '.join(sorted(_KEYS))}.")
    if "address" not in said:
        reader.wrong(node, key, "An address is wanted, HOST:PORT.")
        return None
    found = _Section(reader, said, key)
    return Answers(
        found.address(), found.tls(), found.number("mllp", 1, 2), found.number("timeout", 30, LONGEST),
        cast(When, found.word("when", ("asked", "failed"))), cast(Accept, found.word("accept", ("AL", "NE"))),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Section:
    reader: Reader
    said: Mapping[str, Node]
    key: str

    def address(self) -> str:
        node = self.said["address"]
        text = self.reader.text(node, f"{self.key}.address").strip()
        if host_and_port(text) is None:
            self.reader.wrong(node, f"{self.key}.address", "An address is HOST:PORT.")
        return text

    def tls(self) -> dict[str, str]:
        if "tls" not in self.said:
            return {}
        node, key = self.said["tls"], f"{self.key}.tls"
        files = {name: self.reader.text(value, f"{key}.{name}") for name, value in self.reader.entries(node, key)}
        if "ca" not in files or files.keys() - _FILES or ("certificate" in files) != ("key" in files):
            # A half-configured sender must not fall back to less.
            self.reader.wrong(node, key, "ca is wanted; certificate and key together or not at all.")
        return files

    def number(self, name: str, default: int, most: int) -> int:
        if name not in self.said:
            return default
        found = self.reader.number(self.said[name], f"{self.key}.{name}")
        if not (1 <= found <= most and found.is_integer()):
            self.reader.wrong(self.said[name], f"{self.key}.{name}", f"A number from 1 to {most} is wanted.")
        return int(found)

    def word(self, name: str, words: tuple[str, ...]) -> str:
        """One of the words; the first where none is said."""
        if name not in self.said:
            return words[0]
        text = self.reader.text(self.said[name], f"{self.key}.{name}").strip()
        if text not in words:
            self.reader.wrong(self.said[name], f"{self.key}.{name}", f"One of {', '.join(words)} is wanted.")
        return text
