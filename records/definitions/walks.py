"""
From an expression as written to a walk through JSON: every step is checked against the structure that it goes through.

https://hl7.org/fhir/R4/fhirpath.html
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from records.definitions.fhirpath import Alternative, NotCompiled, Said, Test
from records.definitions.load import Definitions
from records.definitions.model import Check, Element, Path, Step

ANY_RESOURCE = frozenset({"Resource", "DomainResource"})


@dataclass(frozen=True, slots=True)
class Place:
    """Where a walk can be: the type of the value, the structure that it is shaped like, what a reference may be to."""

    type: str
    node: str
    targets: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Walk:
    """The steps so far, and where they lead."""

    steps: tuple[Step, ...]
    places: tuple[Place, ...]

    @property
    def types(self) -> tuple[str, ...]:
        """Every type that can be found."""
        return tuple(dict.fromkeys(one.type for one in self.places))

    @property
    def nodes(self) -> tuple[str, ...]:
        """Every structure that can be found."""
        return tuple(dict.fromkeys(one.node for one in self.places))

    def then(self, step: Step, places: Iterable[Place]) -> Walk:
        """One step further."""
        return Walk((*self.steps, step), tuple(dict.fromkeys(places)))


@dataclass(frozen=True, slots=True)
class Walker:
    """Compiles walks by these definitions."""

    known: Definitions

    def walk(self, nodes: Sequence[str], alternative: Alternative) -> Walk:
        """The walk of one alternative, from one of these nodes; NotCompiled where it leads nowhere."""
        return self._along(Walk((), tuple(Place(one, one) for one in nodes)), alternative.steps)

    def valued(self, walk: Walk, allowed: frozenset[str], at: int) -> Walk:
        """The same, ending in values of these types alone; NotCompiled where it can find none of them."""
        if walk.types == ("Extension",):
            walk = self._child(walk, Said("child", "value", at=at))
        places = tuple(one for one in walk.places if one.type in allowed)
        if not places:
            raise NotCompiled(f"it finds {', '.join(walk.types[:5])}, which this type of parameter cannot compare", at)
        if len(places) == len(walk.places):
            return walk
        kept = replace(walk, places=places)
        return kept.then(Step("only", types=kept.types), places)

    def _along(self, walk: Walk, steps: Iterable[Said]) -> Walk:
        for said in steps:
            if walk.steps and walk.steps[-1].kind == "exists":
                raise NotCompiled("nothing may follow exists()", said.at)
            walk = self._step(walk, said)
        return walk

    def _step(self, walk: Walk, said: Said) -> Walk:
        match said.kind:
            case "child":
                return self._child(walk, said)
            case "extension":
                return self._extension(walk, said)
            case "only":
                return _only(walk, said)
            case "at":
                return walk.then(Step("at", position=int(said.name)), walk.places)
            case "where":
                return self._where(walk, said)
            case _:
                asked = self._where(walk, said) if said.test is not None else walk
                return asked.then(Step("exists"), [Place("boolean", "boolean")])

    def _where(self, walk: Walk, said: Said) -> Walk:
        assert said.test is not None
        return walk.then(Step("where", check=self._check(walk, said.test, said.at)), walk.places)

    def _child(self, walk: Walk, said: Said) -> Walk:
        found = [(name, place) for node in walk.nodes for name, place in self._members(node, said.name)]
        if not found:
            raise NotCompiled(f"{' or '.join(walk.nodes[:3])} has no element {said.name}", said.at)
        members = dict.fromkeys((name, place.type) for name, place in found)
        return walk.then(Step("child", members=tuple(members)), (place for _, place in found))

    def _members(self, node: str, name: str) -> Iterable[tuple[str, Place]]:
        try:
            elements = self.known.structure(node).elements
        except KeyError:
            return
        for json, element in elements.items():
            if element.name == name:
                yield json, _place(json, element)

    def _extension(self, walk: Walk, said: Said) -> Walk:
        """An extension of an element, or of a primitive value: that one is in the member with a _ in front."""
        step = Step("extension", url=said.name)
        if any(self._is_primitive(one) for one in walk.nodes):
            if not walk.steps or walk.steps[-1].kind != "child":
                raise NotCompiled("an extension of a value stands right behind the element's name", said.at)
            last = walk.steps[-1]
            beside = replace(last, members=tuple((f"_{name}", "Element") for name, _ in last.members))
            walk = replace(walk, steps=(*walk.steps[:-1], beside))
        return walk.then(step, [Place("Extension", "Extension")])

    def _is_primitive(self, node: str) -> bool:
        return node[:1].islower()

    # Conditions

    def _check(self, walk: Walk, test: Test, at: int) -> Check:
        if test.parts:
            return Check(test.kind, parts=tuple(self._check(walk, one, at) for one in test.parts))
        if test.kind == "refers":
            return self._refers(walk, test, at)
        inner = self._along(Walk((), walk.places), test.steps)
        if test.kind == "exists":
            return Check("exists", inner.steps[:-1])
        if test.kind == "is" and test.value not in inner.types:
            raise NotCompiled(f"that is never a {test.value}", at)
        if test.kind in ("equals", "differs") and not any(map(self._is_primitive, inner.nodes)):
            raise NotCompiled(f"a {inner.types[0]} cannot be compared with a text", at)
        return Check(test.kind, inner.steps, test.value)

    def _refers(self, walk: Walk, test: Test, at: int) -> Check:
        if not {"Reference", "canonical"} & set(walk.types):
            raise NotCompiled("resolve() is asked of what is no reference", at)
        if not self.known.is_resource(str(test.value)):
            raise NotCompiled(f"{test.value} is no resource type", at)
        return Check("refers", value=test.value)


def _place(json: str, element: Element) -> Place:
    if element.choice:
        kind = element.type_of(json)
        named = next((one for one in element.types if one.code == kind), None)
    else:
        named = element.types[0] if element.types else None
        kind = named.code if named else "BackboneElement"
    return Place(kind, element.node or element.reference or kind, named.targets if named else frozenset())


def _only(walk: Walk, said: Said) -> Walk:
    # One expression of R4 itself writes DateTime for dateTime.
    found = [one for one in walk.places if one.type.lower() == said.name.lower()]
    if not found:
        raise NotCompiled(f"it is never a {said.name}", said.at)
    return replace(walk, places=tuple(found)).then(Step("only", types=(found[0].type,)), found)


def to_path(walk: Walk) -> Path:
    """The walk as a path of a search parameter; `steps` says only in which member it begins."""
    return Path(_first(walk), datatypes=walk.types, walk=walk.steps)


def _first(walk: Walk) -> tuple[str, ...]:
    first = walk.steps[0] if walk.steps else Step("")
    if first.kind == "extension":
        return ("extension",)
    return (first.members[0][0],) if len(first.members) == 1 else ()
