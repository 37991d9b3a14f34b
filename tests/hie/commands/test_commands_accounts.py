"""An account becomes a resident's own once somebody has checked it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pymongo import AsyncMongoClient

from hie.access.accounts import Accounts
from hie.commands.accounts import bind
from hie.errors import Unprocessable
from hie.settings import Settings

pytestmark = pytest.mark.anyio


class TestBind:
    async def test_bound(
        self, mongo: AsyncMongoClient[dict[str, Any]], mongo_uri: str, database_prefix: str, tmp_path: Path
    ) -> None:
        """The binding names the identifier and who made it; without a value there is none."""
        settings = Settings(mongo_uri=mongo_uri, database_prefix=database_prefix, data_dir=tmp_path)
        await bind(settings, "s-1", "urn:id", "370", "desk 3")
        found = await Accounts(mongo, database_prefix).binding("s-1")

        assert found is not None
        assert (found.system, found.value, found.by) == ("urn:id", "370", "desk 3")
        with pytest.raises(Unprocessable):
            await bind(settings, "s-2", "urn:id", "", "desk 3")
