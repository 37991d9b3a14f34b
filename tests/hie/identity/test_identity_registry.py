"""The client registry against a real database: who is who, and how that changes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pymongo import AsyncMongoClient

from hie.errors import Unprocessable
from hie.identity.id_number import SYSTEM, check_character
from hie.identity.registry import ClientRegistry, Match
from records.resource_store import ResourceStore

Json = dict[str, Any]
WOMAN = "37030319850612042" + check_character("37030319850612042")
OTHER = "37030319900101123" + check_character("37030319900101123")


def patient(key: str, name: str = "王晓梅", birth: str = "1985-06-12", number: str = "", **more: Any) -> Json:
    """A source's record."""
    identifiers = [{"system": "urn:hie:authority:H1", "value": key}]
    if number:
        identifiers.append({"system": SYSTEM, "value": number})
    return {
        "resourceType": "Patient", "id": key, "identifier": identifiers, "name": [{"text": name}],
        "birthDate": birth, "gender": "female", **more,
    }  # fmt: skip


class World:
    """A registry and a store of its own."""

    def __init__(self, client: AsyncMongoClient[dict[str, Any]], prefix: str) -> None:
        self.store = ResourceStore(client, prefix)
        self.registry = ClientRegistry(client, prefix, self.store)

    async def start(self) -> World:
        await self.store.ensure_indexes()
        await self.registry.ensure_indexes()
        return self

    async def resolve(self, resource: Json) -> Match:
        found: Match = await self.store.in_transaction(
            lambda session: self.registry.resolve(resource, source="site-a", session=session)
        )
        return found

    async def person(self, person_id: str) -> Json:
        found: Json = (await self.store.read("Person", person_id)).resource()
        return found

    async def merge(self, survivor: str, subsumed: str) -> None:
        await self.store.in_transaction(
            lambda session: self.registry.merge(survivor, subsumed, session=session, by="steward")
        )

    async def unmerge(self, *patients: str) -> str:
        found: str = await self.store.in_transaction(
            lambda session: self.registry.unmerge(patients, session=session, by="steward")
        )
        return found


@pytest.fixture
async def world(mongo: AsyncMongoClient[dict[str, Any]], database_prefix: str) -> World:
    """Nobody is known yet."""
    return await World(mongo, database_prefix).start()


class TestResolve:
    async def test_two_sources(self, world: World) -> None:
        """Two sources' records of one resident are one person, whose Person resource links both."""
        one = await world.resolve(patient("a", number=WOMAN))
        two = await world.resolve(patient("b", number=WOMAN))

        assert one.person_id == two.person_id
        person = await world.person(one.person_id)
        assert [link["target"]["reference"] for link in person["link"]] == ["Patient/a", "Patient/b"]
        assert await world.registry.expand(one.person_id) == ("a", "b")
        assert await world.registry.find_person(SYSTEM, WOMAN) == one.person_id
        assert await world.registry.person_of("b") == one.person_id

    async def test_again(self, world: World) -> None:
        """The same record again changes nothing, not even a version."""
        found = await world.resolve(patient("a", number=WOMAN))
        again = await world.resolve(patient("a", number=WOMAN))

        assert again == found
        assert (await world.store.read("Person", found.person_id)).version == 1

    async def test_lookalike(self, world: World) -> None:
        """A lookalike is never merged: the newcomer stands alone and a steward is asked."""
        one = await world.resolve(patient("a", number=WOMAN))
        two = await world.resolve(patient("b", name="赵铁柱", birth="1960-02-03", number=WOMAN))

        assert two.person_id != one.person_id
        assert two.rival == one.person_id
        asked = await world.registry.reviews()
        assert [(review.patient, review.reason) for review in asked] == [("b", "shared-card")]

    async def test_sixteen_at_once(self, world: World) -> None:
        """Sixteen senders of one new resident at the same moment make exactly one person."""
        found = await asyncio.gather(*(world.resolve(patient(f"p{n:02}", number=WOMAN)) for n in range(16)))

        assert len({match.person_id for match in found}) == 1
        assert len(await world.registry.expand(found[0].person_id)) == 16

    async def test_sixteen_without_number(self, world: World) -> None:
        """Also where only name, birth date and telephone say who it is."""
        phone = [{"system": "phone", "value": "13805330001"}]
        found = await asyncio.gather(*(world.resolve(patient(f"p{n:02}", telecom=phone)) for n in range(16)))

        assert len({match.person_id for match in found}) == 1

    async def test_identified_later(self, world: World) -> None:
        """An unidentified patient stands alone until told who it is; then it joins, and the old id redirects."""
        known = await world.resolve(patient("a", number=WOMAN))
        unknown = await world.resolve(patient("b", name="无名氏", birth=""))
        assert unknown.person_id != known.person_id

        named = await world.resolve(patient("b", number=WOMAN))

        assert named.person_id == known.person_id
        assert await world.registry.expand(unknown.person_id) == ("a", "b")
        assert (await world.person(unknown.person_id))["active"] is False

    async def test_number_given_to_another(self, world: World) -> None:
        """A record number that suddenly names somebody else leaves the first one's record, and is asked about."""
        first = await world.resolve(patient("a", number=WOMAN))
        await world.resolve(patient("b", number=WOMAN))

        moved = await world.resolve(patient("a", name="赵铁柱", birth="1960-02-03", number=OTHER))

        assert moved.person_id != first.person_id
        assert await world.registry.expand(first.person_id) == ("b",)
        assert [review.reason for review in await world.registry.reviews()] == ["identifier-reuse"]

    async def test_match_changes_nothing(self, world: World) -> None:
        """Asking who somebody could be stores nothing."""
        one = await world.resolve(patient("a", number=WOMAN))

        found = await world.registry.match(patient("x", number=WOMAN))

        assert [(candidate.person, candidate.grade) for candidate in found] == [(one.person_id, "certain")]
        assert await world.registry.person_of("x") is None


class TestMergeAndBack:
    async def test_merge_unmerge_merge(self, world: World) -> None:
        """Merge, unmerge, merge again: links are as they were, and old ids lead to the survivor."""
        one = await world.resolve(patient("a", number=WOMAN))
        two = await world.resolve(patient("b", name="赵铁柱", birth="1960-02-03"))

        await world.merge("a", "b")
        assert await world.registry.expand(two.person_id) == ("a", "b")
        assert await world.unmerge("b") == two.person_id
        assert await world.registry.expand(one.person_id) == ("a",)
        assert await world.registry.expand(two.person_id) == ("b",)
        await world.merge("a", "b")
        assert await world.registry.expand(one.person_id) == ("a", "b")

    async def test_apart_for_ever(self, world: World) -> None:
        """What a steward took apart stays apart through later updates, and is not asked again."""
        one = await world.resolve(patient("a", number=WOMAN))
        await world.resolve(patient("b", number=WOMAN))
        two = await world.unmerge("b")

        for turn in range(20):
            for key in ("a", "b"):
                phone = [{"system": "phone", "value": f"1380533{turn:04}"}]
                await world.resolve(patient(key, number=WOMAN, telecom=phone))

        assert await world.registry.expand(one.person_id) == ("a",)
        assert await world.registry.expand(two) == ("b",)
        assert await world.registry.reviews() == []

    async def test_alone(self, world: World) -> None:
        """A person of one record cannot be taken apart."""
        await world.resolve(patient("a"))
        with pytest.raises(Unprocessable):
            await world.unmerge("a")


class TestDecide:
    @pytest.mark.parametrize("same", [True, False])
    async def test_answer(self, world: World, same: bool) -> None:
        """A steward's answer joins, or keeps apart; a question is answered once."""
        one = await world.resolve(patient("a", number=WOMAN))
        two = await world.resolve(patient("b", name="赵铁柱", birth="1960-02-03", number=WOMAN))
        question = (await world.registry.reviews())[0]

        await world.registry.decide(question.id, same, by="steward")

        assert await world.registry.expand(two.person_id) == (("a", "b") if same else ("b",))
        assert await world.registry.person_of("a") == one.person_id
        with pytest.raises(Unprocessable):
            await world.registry.decide(question.id, same, by="steward")
        await world.resolve(
            patient("b", name="赵铁柱", birth="1960-02-03", number=WOMAN, telecom=[{"value": "13805330001"}])
        )
        assert await world.registry.reviews() == []


class TestSourceMerge:
    async def test_records_follow(self, world: World) -> None:
        """A40: the subsumed record goes to the survivor's person, though they look nothing alike."""
        await world.resolve(patient("a", number=WOMAN))
        await world.resolve(patient("b", name="赵铁柱", birth="1960-02-03"))

        async def merge(session: Any) -> None:
            writes = await world.registry.identify([], source="site-a", session=session, merges=[("a", "b")])
            await world.store.apply(writes, session=session)

        await world.store.in_transaction(merge)
        assert await world.registry.person_of("a") == await world.registry.person_of("b")

    async def test_unknown_subsumed(self, world: World) -> None:
        """A merge that names a record nobody has seen makes no second person."""
        survivor, old = patient("a", number=WOMAN), {"resourceType": "Patient", "id": "b", "active": False}

        async def merge(session: Any) -> list[Any]:
            writes: list[Any] = await world.registry.identify(
                [old, survivor], source="site-a", session=session, merges=[("a", "b")]
            )
            return writes

        writes = await world.store.in_transaction(merge)
        assert len(writes) == 1
        assert await world.registry.person_of("a") == await world.registry.person_of("b")
