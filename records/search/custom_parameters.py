"""
A SearchParameter resource as this server's own parameters, one a base type; every reason why it cannot be is named.

https://hl7.org/fhir/R4/searchparameter.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from records.definitions import Component, Definitions, Path, SearchParameter
from records.definitions.fhirpath import Alternative, NotCompiled, parse
from records.definitions.walks import ANY_RESOURCE, Walk, Walker, to_path
from records.errors import Issue
from records.stored import Json

# What the trail writes is chained by hash and indexed by the trail itself, in every process at once.
NOT_EXTENDED = frozenset({"AuditEvent"})
CODE = re.compile(r"^[A-Za-z][A-Za-z0-9_\-]{0,63}$")
MOST_COMPONENTS = 8
STANDARD = "http://hl7.org/fhir/SearchParameter/"
ADDRESSES = frozenset({"uri", "url", "canonical", "oid", "uuid"})
WHOLE = frozenset({"integer", "positiveInt", "unsignedInt"})
COMPARED: Mapping[str, frozenset[str]] = {
    "string": frozenset({
        "string", "markdown", "code", "id", "HumanName", "Address", "CodeableConcept", "Coding", "ContactPoint",
        "Identifier", "Annotation", "Reference",
    }) | ADDRESSES,
    "token": frozenset({"code", "Coding", "CodeableConcept", "Identifier", "ContactPoint", "boolean", "string", "id"})
    | ADDRESSES | WHOLE,
    "date": frozenset({"date", "dateTime", "instant", "Period", "Timing"}),
    "number": frozenset({"decimal"}) | WHOLE,
    "quantity": frozenset({"Quantity", "Age", "Duration", "Distance", "Count", "Money", "Range"}),
    "reference": frozenset({"Reference", "canonical", "uri"}),
    "uri": ADDRESSES,
}  # fmt: skip
# By the url of a component's definition: its code and type, where this server knows it.
Known = Callable[[str], tuple[str, str] | None]


@dataclass(frozen=True, slots=True)
class Compiled:
    """What became of a resource: parameters by type, or the issues; `parts` are definitions that components name."""

    parameters: Mapping[str, SearchParameter] = field(default_factory=dict)
    issues: tuple[Issue, ...] = ()
    parts: Mapping[str, tuple[str, str]] = field(default_factory=dict)


def compile_resource(resource: Json, known: Definitions, definition: Known) -> Compiled:
    """Compile an active SearchParameter; `known` are the standard definitions, `definition` finds other parameters."""
    compiler = _Compiler(resource, known, Walker(known), definition)
    types = compiler.types()
    found = {name: one for name in types if (one := compiler.of(name)) is not None}
    compiler.head()
    if compiler.issues:
        return Compiled(issues=tuple(dict.fromkeys(compiler.issues)))
    return Compiled(found, parts=compiler.parts)


@dataclass(slots=True)
class _Compiler:
    """Collects parameters and issues."""

    resource: Json
    known: Definitions
    walker: Walker
    definition: Known
    issues: list[Issue] = field(default_factory=list)
    parts: dict[str, tuple[str, str]] = field(default_factory=dict)

    def refuse(self, where: str, text: str, code: str = "not-supported") -> None:
        """One finding."""
        self.issues.append(Issue(f"SearchParameter.{where}" if where else "SearchParameter", text, code))

    def types(self) -> list[str]:
        """The base types; `Resource` and `DomainResource` mean every type that can have parameters of its own."""
        offered = self.known.resource_types
        named = [str(one) for one in self.resource.get("base", ())]
        for number, one in enumerate(named):
            if one not in {*offered, *ANY_RESOURCE} - NOT_EXTENDED:
                self.refuse(f"base[{number}]", f"This server has no custom search parameters of {one[:64]}.")
        if ANY_RESOURCE.intersection(named):
            return sorted(offered - NOT_EXTENDED)
        return [one for one in dict.fromkeys(named) if one in offered]

    def head(self) -> None:
        """What is about the parameter as a whole."""
        code, kind = str(self.resource.get("code", "")), self.resource.get("type")
        if not CODE.match(code):
            self.refuse("code", "A code is letters, digits, - and _, and begins with a letter; 64 characters at most.")
        if kind not in COMPARED and kind != "composite":
            self.refuse("type", f"Parameters of the type {str(kind)[:32]} are answered by no custom definition.")
        if not self.resource.get("expression"):
            self.refuse("", "There is no expression: an XPath alone is not compiled.", "required")
        if self.resource.get("xpathUsage", "normal") != "normal":
            self.refuse("xpathUsage", "Only the usage normal is indexed.")
        if str(self.resource.get("url", "")).startswith(STANDARD):
            self.refuse("url", "Addresses below hl7.org/fhir/SearchParameter are those of the standard.", "invalid")
        for number, target in enumerate(self.resource.get("target", ())):
            if target not in self.known.resource_types:
                self.refuse(f"target[{number}]", f"{str(target)[:64]} is no resource type of this server.")
        if (kind == "composite") != bool(self.resource.get("component")):
            self.refuse("component", "A composite has components, and nothing else has.", "invalid")

    def of(self, name: str) -> SearchParameter | None:
        """The parameter of one base type; None where something is in the way."""
        code, kind = str(self.resource.get("code", "")), str(self.resource.get("type"))
        if code in self.known.search_parameters(name):
            self.refuse("code", f"{name} has a standard search parameter of this code.", "duplicate")
            return None
        if kind == "composite":
            return self._composite(name, code)
        if kind not in COMPARED:
            return None
        walks = [
            walk for one in self._spoken(name, "expression", str(self.resource.get("expression", "")))
            if (walk := self._walk((name,), one, "expression", COMPARED[kind])) is not None
        ]  # fmt: skip
        paths = tuple(map(to_path, walks))
        targets = self._targets(walks) if kind == "reference" else ()
        return SearchParameter(code, kind, str(self.resource.get("url", "")), paths, targets) if paths else None

    # Expressions

    def _spoken(self, name: str, where: str, expression: str) -> Iterator[Alternative]:
        """The alternatives that speak of a type; each must speak of a base type."""
        if not expression:
            return
        try:
            found = parse(expression)
        except NotCompiled as error:
            self._not_compiled(where, error)
            return
        bases = {*map(str, self.resource.get("base", ())), *ANY_RESOURCE}
        for one in found:
            if one.root and one.root not in bases and not ANY_RESOURCE.intersection(self.resource.get("base", ())):
                self.refuse(where, f"At character {one.at + 1}: {one.root} is none of the base types.", "invalid")
        own = [one for one in found if one.root in ("", name, *ANY_RESOURCE)]
        if not own:
            self.refuse(where, f"The expression says nothing of {name}.", "invalid")
        yield from own

    def _walk(
        self, nodes: Sequence[str], one: Alternative, where: str, allowed: frozenset[str] | None
    ) -> Walk | None:
        try:
            walk = self.walker.walk(nodes, one)
            return walk if allowed is None else self.walker.valued(walk, allowed, one.at)
        except NotCompiled as error:
            self._not_compiled(where, error)
            return None

    def _not_compiled(self, where: str, error: NotCompiled) -> None:
        self.refuse(where, f"At character {error.at + 1}: {error.text}.")

    def _targets(self, walks: Iterable[Walk]) -> tuple[str, ...]:
        """What the elements may point at, of what the definition declares."""
        ends = [place.targets for walk in walks for place in walk.places]
        possible = None if any(not one for one in ends) else frozenset[str]().union(*ends)
        declared = [str(one) for one in self.resource.get("target", ())]
        if not declared:
            return tuple(sorted((possible or frozenset()) & self.known.resource_types))
        if possible is not None and not possible.intersection(declared):
            self.refuse("target", "What the expression finds points at none of these types.", "invalid")
        return tuple(one for one in declared if possible is None or one in possible)

    # Composites

    def _composite(self, name: str, code: str) -> SearchParameter | None:
        spoken = list(self._spoken(name, "expression", str(self.resource.get("expression", ""))))
        bases = [walk for one in spoken if (walk := self._walk((name,), one, "expression", None)) is not None]
        given = self.resource.get("component", ())
        if len(given) > MOST_COMPONENTS:
            self.refuse("component", f"A composite may have {MOST_COMPONENTS} components.", "too-costly")
        nodes = tuple(dict.fromkeys(node for walk in bases for node in walk.nodes))
        parts = [self._component(nodes, number, part) for number, part in enumerate(given[:MOST_COMPONENTS])]
        components = tuple(one for one in parts if one is not None)
        if not bases or not components or len(components) < len(given):
            return None
        # An empty walk is the resource itself.
        paths = tuple(to_path(walk) if walk.steps else Path(()) for walk in bases)
        return SearchParameter(code, "composite", str(self.resource.get("url", "")), paths, (), components)

    def _component(self, nodes: Sequence[str], number: int, part: Json) -> Component | None:
        where = f"component[{number}]"
        url = str(part.get("definition", "")).partition("|")[0]
        found = self.definition(url)
        if found is None:
            self.refuse(f"{where}.definition", "This server knows no search parameter of this address.", "not-found")
            return None
        code, kind = self.parts[url] = found
        if kind not in COMPARED:
            self.refuse(f"{where}.definition", f"A {kind} parameter cannot be a part of a composite.")
            return None
        paths = self._part_paths(nodes, f"{where}.expression", str(part.get("expression", "")), COMPARED[kind])
        return Component(url, code, kind, paths) if paths else None

    def _part_paths(
        self, nodes: Sequence[str], where: str, expression: str, allowed: frozenset[str]
    ) -> tuple[Path, ...]:
        """Where a part is, from the composite's own elements: an alternative holds for those that have it."""
        try:
            alternatives = parse(expression)
        except NotCompiled as error:
            self._not_compiled(where, error)
            return ()
        if rooted := [one for one in alternatives if one.root]:
            self.refuse(where, f"At character {rooted[0].at + 1}: a part begins at the composite's element.", "invalid")
            return ()
        walks = [self._walk(nodes, one, where, allowed) for one in alternatives]
        return tuple(to_path(walk) for walk in walks if walk is not None)
