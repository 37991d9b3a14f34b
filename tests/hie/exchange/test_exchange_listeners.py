"""The file of the listeners: what it may say, and how it is told what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from hie.errors import Unavailable
from hie.exchange.listeners import Listener, Tls, listeners, read
from hie.settings import Settings


class TestListeners:
    def test_settings(self, tmp_path: Path) -> None:
        """Without a file there is the one of the settings."""
        settings = Settings(data_dir=tmp_path, mllp_port=2600, mllp_release=2)
        assert listeners(settings) == (Listener(2600, settings.host, release=2),)

    def test_file(self, tmp_path: Path) -> None:
        """Several, each with its own habits; certificates are beside the file."""
        for name in ("server.pem", "server.key", "hospitals.pem"):
            (tmp_path / name).write_text("")
        (tmp_path / "listeners.yaml").write_text(
            "listeners:\n  - port: 2575\n  - port: 2576\n    host: 0.0.0.0\n    release: 2\n    sender: HIS|H01\n"
            "    charset: GBK\n    tls:\n      certificate: server.pem\n      key: server.key\n"
            "      client_ca: hospitals.pem\n"
        )
        plain, secure = listeners(Settings(data_dir=tmp_path))

        assert plain == Listener(2575, "127.0.0.1")
        assert (secure.host, secure.release, secure.sender, secure.charset) == ("0.0.0.0", 2, "HIS|H01", "GBK")
        assert secure.tls == Tls(*(tmp_path / one for one in ("server.pem", "server.key", "hospitals.pem")))

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("listeners: []", "At least one"),
            ("listeners:\n  - release: 2", "line 2, port: A port is wanted"),
            ("listeners:\n  - port: 2575\n    release: 3", "line 3, release"),
            ("listeners:\n  - port: 2575\n    tls:\n      key: k", "certificate and a key"),
            ("listeners:\n  - port: 2575\n  - port: 2575", "Two listeners have one port"),
            ("listeners:\n  - port: 2575\n    tsl: x", "No such key"),
            ("listeners:\n  - port: 2575\n    charset: EBCDIC", "table 0211"),
            ("listeners:\n  - port: 2575\n    sender: HIS", "MSH-3|MSH-4"),
        ],
    )
    def test_wrong(self, tmp_path: Path, text: str, said: str) -> None:
        """Each problem with its line; a listener that is half right does not start."""
        (tmp_path / "listeners.yaml").write_text(text)
        with pytest.raises(Unavailable) as caught:
            listeners(Settings(data_dir=tmp_path))
        assert said in caught.value.text

    def test_missing(self, tmp_path: Path) -> None:
        """A file that the settings name has to be there."""
        with pytest.raises(Unavailable, match="cannot be read"):
            listeners(Settings(data_dir=tmp_path, mllp_listeners=tmp_path / "none.yaml"))

    def test_port_0(self) -> None:
        """Any free port, for tests."""
        assert read("listeners:\n  - port: 0", folder=Path(), host="127.0.0.1")[0].port == 0
