"""
Asks an invariant of an element, by the FHIRPath engine; None where the engine cannot say.

Never a value of the resource leaves: no trace is written, and what the engine raises is not told.
https://hl7.org/fhir/R4/fhirpath.html
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from antlr4.CommonTokenStream import CommonTokenStream
from antlr4.InputStream import InputStream
from antlr4.Token import Token
from antlr4.tree.Tree import ParseTreeWalker
from fhirpathpy import apply_parsed_path
from fhirpathpy.engine.nodes import ResourceNode
from fhirpathpy.models import models
from fhirpathpy.parser.ASTPathListener import ASTPathListener
from fhirpathpy.parser.generated.FHIRPathLexer import FHIRPathLexer
from fhirpathpy.parser.generated.FHIRPathParser import FHIRPathParser

from records.validation.profiles.items import Item

LONGEST = 8_000
MODEL = models["r4"]
Ask = Callable[..., list[Any]]
# The libraries have no types.
_evaluate: Callable[..., Any] = apply_parsed_path
_listener: Callable[..., Any] = ASTPathListener
_node: Callable[..., Any] = ResourceNode


def _has_value(found: list[Any]) -> bool:
    """`hasValue()`: one primitive that is there itself, not only by its extensions; the engine lacks it."""
    value = getattr(found[0], "data", found[0]) if len(found) == 1 else None
    return value is not None and not isinstance(value, dict)


OWN_FUNCTIONS = {
    "hasValue": {"fn": _has_value, "arity": {0: []}, "nullable": False},
    "trace": {"fn": lambda found, *_: found, "arity": {1: ["String"], 2: ["String", "Expr"]}},
}


@lru_cache(maxsize=4_096)
def compiled(expression: str) -> Ask | None:
    """The expression ready to be asked; None where the engine cannot read it."""
    if len(expression) > LONGEST:
        return None
    try:
        tree = _parsed(expression)
    except Exception:
        return None
    options = {"userInvocationTable": OWN_FUNCTIONS}
    return lambda node, names: list(_evaluate(node, tree, names, MODEL, options))


class _Refusing:
    """The engine's own reader mends what it does not understand, or passes over it: here it is refused."""

    def syntaxError(self, _recognizer: Any, _symbol: Any, line: int, column: int, *_: Any) -> None:  # noqa: N802
        raise ValueError(f"line {line}, column {column}")

    def __getattr__(self, _name: str) -> Callable[..., None]:
        """How the reader looks ahead is its own affair."""
        return lambda *_: None


def _parsed(expression: str) -> Any:
    """The whole expression as the engine's tree."""
    lexer = FHIRPathLexer(InputStream(expression))
    parser = FHIRPathParser(CommonTokenStream(lexer))
    for one in (lexer, parser):
        one.removeErrorListeners()
        one.addErrorListener(_Refusing())
    listener = _listener()
    ParseTreeWalker().walk(listener, parser.expression())
    if parser.getCurrentToken().type != Token.EOF:
        raise ValueError("something follows the expression")
    return listener.parentStack[0]


def holds(expression: str, item: Item, *, empty: bool = False) -> bool | None:
    """
    Whether the invariant holds of this element; None where that cannot be said.

    `empty` is what it means that nothing comes out: as the reference implementation has it, that it does not hold.
    """
    asked = compiled(expression)
    if asked is None:
        return None
    here = _node(item.value, _path(item), item.shadow)
    names = {"resource": item.resource, "rootResource": item.root, "context": here}
    try:
        found = asked(here, names)
    except Exception:
        return None
    return not any(one is False for one in found) if found else empty


def _path(item: Item) -> str:
    return item.type if item.path.endswith("[x]") or "." not in item.path else item.path
