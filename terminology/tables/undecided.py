"""
Why a question about codes has no answer here; never taken for no.

* Undecided
  + UnknownSystem      a code system that is not held here
  + UnknownValueSet    a value set that is not held here
  + Fragment           a code system of which only a part is held
  + Endless            codes without end, or more than are listed at once
  + NotOffered         a filter that is not evaluated, a circle of value sets
  + Contradicted       a version that the request itself forbids
"""

from __future__ import annotations


class Undecided(Exception):
    """`subject` is the canonical address, or the filter, that it is about."""

    def __init__(self, subject: str) -> None:
        super().__init__(subject)
        self.subject = subject


class UnknownSystem(Undecided):
    """A code system that is not held here."""


class UnknownValueSet(Undecided):
    """A value set that is not held here."""


class Fragment(Undecided):
    """Only a part of the code system is held, and the code is not in it."""


class Endless(Undecided):
    """The codes are a grammar, or too many to be listed."""


class NotOffered(Undecided):
    """What the definition asks for is not evaluated."""


class Contradicted(Undecided):
    """A version that `check-system-version` does not allow."""
