"""`hie feed`: what an operator says and sees."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from feed_world import FeedWorld, adt, profile
from typer.testing import CliRunner

from hie.cli import app
from hie.errors import Unprocessable
from hie.feeds.profile import read
from hie.settings import Settings


def ask(settings: Settings, *words: str) -> tuple[int, str]:
    """One command; a refusal is its sentence and exit code 1, as `main` has it."""
    environment = {"HIE_MONGO_URI": settings.database_uri, "HIE_DATABASE_PREFIX": settings.database_prefix}
    done = CliRunner().invoke(app, ["feed", *words], env=environment)
    if isinstance(done.exception, Unprocessable):
        return 1, done.exception.text
    return done.exit_code, done.output


@pytest.fixture
def file(tmp_path: Path) -> Path:
    found = tmp_path / "h02.yaml"
    found.write_text(yaml.safe_dump(profile(2575)), "utf-8")
    return found


class TestCommands:
    def test_load_and_show(self, settings: Settings, file: Path) -> None:
        """A profile is loaded, listed, shown as it was written, paused and resumed."""
        assert ask(settings, "load", str(file)) == (0, "h02: ADT to 127.0.0.1:2575\n")
        assert ask(settings, "list")[1].startswith("h02: 0 waiting, 0 sent")
        code, shown = ask(settings, "show", "h02")
        assert code == 0
        assert "organization: urn:hie:organization|370303-H02" in shown
        assert ask(settings, "pause", "h02")[0] == 0
        assert "h02 (paused)" in ask(settings, "list")[1]
        assert ask(settings, "resume", "h02")[0] == 0
        assert "paused" not in ask(settings, "list")[1]

    def test_unknown(self, settings: Settings) -> None:
        """A feed that is not there: a sentence, exit code 1."""
        for words in (("show",), ("pause",), ("resume",), ("dead",), ("replay", "--dead")):
            assert ask(settings, words[0], "nobody", *words[1:]) == (1, "There is no feed nobody.")

    def test_wrong_file(self, settings: Settings, tmp_path: Path) -> None:
        """One wrong profile: nothing of the file is loaded."""
        found = tmp_path / "feeds.yaml"
        found.write_text(yaml.safe_dump_all([profile(1), profile(2, feed="b", version="9")]), "utf-8")
        code, said = ask(settings, "load", str(found))

        assert (code, said[:8]) == (1, "version:")
        assert ask(settings, "list") == (0, "")

    async def test_dead(self, world: FeedWorld) -> None:
        """Dead letters are shown in ids, without the person, and can be sent again."""
        import asyncio

        world.hospital.script.append("AE")
        await world.feed(messages=["ADT^A01"])
        await world.send(adt("1"))
        await world.quiet()
        settings = world.services.settings
        code, shown = await asyncio.to_thread(ask, settings, "dead", "h02")
        assert (code, "AE" in shown, "ADT^A01" in shown, "王" in shown) == (0, True, True, False)
        assert (await asyncio.to_thread(ask, settings, "replay", "h02", shown.split()[0]))[0] == 0
        await world.quiet()

        assert world.hospital.kinds == ["ADT^A01"] * 2
        assert await asyncio.to_thread(ask, settings, "dead", "h02") == (0, "")


class TestProfile:
    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"feed": ""}, "feed:"), ({"adress": "x"}, "A feed has no adress"), ({"address": "x"}, "address:"),
            ({"address": "x:0"}, "address:"), ({"receiver": {"application": "A"}}, "receiver:"),
            ({"charset": "UTF-99"}, "charset:"), ({"encoding": "|^^&"}, "encoding:"), ({"version": "2.1"}, "version:"),
            ({"messages": ["XXX"]}, "messages:"),
            ({"messages": []}, "messages:"), ({"account": {}}, "account:"), ({"order": "any"}, "order:"),
            ({"account": {"organization": "a|b", "role": "resident"}}, "account:"),
            ({"account": {"organization": "a|b", "purpose": "HMARKT"}}, "account:"),
            ({"connections": 0}, "connections:"), ({"mllp": 3}, "mllp:"), ({"tls": {"certificate": "c"}}, "tls:"),
            ({"filter": ["Patient?colour=red"]}, "filter:"), ({"filter": ["Patient"]}, "filter:"),
            ({"acknowledgement": {"accept": "NE"}}, "acknowledgement:"),
            ({"acknowledgement": {"accept": "X"}}, "acknowledgement:"),
        ],
    )  # fmt: skip
    def test_refused(self, changes: dict[str, Any], said: str) -> None:
        """What is wrong with a profile is said, before anything is loaded."""
        with pytest.raises(Unprocessable) as refused:
            read(profile(1, **changes))

        assert refused.value.text.startswith(said)

    def test_of_an_old_receiver(self) -> None:
        """Version, character set and separators of the receiver."""
        found = read(profile(1, version="2.3.1", charset="GBK", encoding="$%*!@", declare_charset=False))

        assert (found.receiver.version, found.receiver.codec, found.receiver.characters.encoded) == (
            "2.3.1", "gb18030", "%*!@",
        )  # fmt: skip

    async def test_order_is_kept(self, resting: FeedWorld) -> None:
        """While messages wait their order cannot be changed."""
        await resting.feed()
        await resting.services.feeds.messages.insert_one({"_id": "h02/x", "feed": "h02", "state": "waiting"})
        with pytest.raises(Unprocessable, match="order"):
            await resting.feed(order="receiver")


