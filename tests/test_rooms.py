"""The five rooms are ours: no foreign package of the same name stands before them on the path."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


class TestRooms:
    @pytest.mark.parametrize("room", ["hie", "adapters", "records", "portal", "terminology"])
    def test_home(self, room: str) -> None:
        """Each room is imported from beside this folder."""
        module = importlib.import_module(room)

        assert module.__file__ is not None
        assert Path(module.__file__).parent == ROOT / room
