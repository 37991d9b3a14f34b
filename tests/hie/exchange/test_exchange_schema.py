"""The schema of the stores: forward only, and an older release keeps away."""

from __future__ import annotations

import pytest

from hie.errors import Unavailable
from hie.exchange.database import Client
from hie.exchange.schema import Migration, Schema


class Steps:
    """Migrations that remember that they ran."""

    def __init__(self, newest: int) -> None:
        self.ran: list[int] = []
        self.all = tuple(Migration(number, f"step {number}", self._step(number)) for number in range(1, newest + 1))

    def _step(self, number: int):  # type: ignore[no-untyped-def]
        async def run(_client: Client, _prefix: str) -> None:
            self.ran.append(number)

        return run


class TestCheck:
    async def test_empty(self, mongo: Client, database_prefix: str) -> None:
        """An empty store becomes this release's without running anything."""
        steps = Steps(3)
        schema = Schema(mongo, database_prefix, migrations=steps.all)
        await schema.check()
        await schema.check()

        assert (await schema.version(), steps.ran) == (3, [])

    async def test_older_store(self, mongo: Client, database_prefix: str) -> None:
        """A store of an older release is not used before it was migrated."""
        await Schema(mongo, database_prefix, migrations=Steps(1).all).check()
        with pytest.raises(Unavailable, match="hie migrate"):
            await Schema(mongo, database_prefix, migrations=Steps(2).all).check()

    async def test_newer_store(self, mongo: Client, database_prefix: str) -> None:
        """A store of a newer release is not touched, whatever is asked."""
        await Schema(mongo, database_prefix, migrations=Steps(4).all).check()
        older = Schema(mongo, database_prefix, migrations=Steps(3).all)

        for ask in (older.check, older.migrate, older.waiting):
            with pytest.raises(Unavailable, match="newer"):
                await ask()
        assert await older.version() == 4


class TestMigrate:
    async def test_steps(self, mongo: Client, database_prefix: str) -> None:
        """Only what waits is run, in order, once."""
        await Schema(mongo, database_prefix, migrations=Steps(1).all).check()
        steps, said = Steps(3), list[str]()
        schema = Schema(mongo, database_prefix, migrations=steps.all)

        assert await schema.migrate(said.append) == 2
        assert await schema.migrate(said.append) == 0
        assert (steps.ran, said) == ([2, 3], ["Schema 2: step 2", "Schema 3: step 3"])
