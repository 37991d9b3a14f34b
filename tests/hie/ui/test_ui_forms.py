"""Forms: what comes from elsewhere is not taken."""

from __future__ import annotations

import pytest
from ui_world import SECRET, browser

from hie.ui import forms


class TestRead:
    async def test_good(self) -> None:
        """A form of ours is taken, blanks at its ends go."""
        async with browser() as client:
            answer = await client.post("/form", data={"csrf": forms.token(SECRET), "name": " 王 "})

        assert answer.text == "王"

    @pytest.mark.parametrize(
        "token", ["", "nonsense", "YWJj", pytest.param(forms.token("cd" * 32), id="of another session")]
    )
    async def test_token(self, token: str) -> None:
        """Without the session's token the page says that it is not allowed."""
        async with browser() as client:
            answer = await client.post("/form", data={"csrf": token, "name": "x"})

        assert answer.status_code == 403

    @pytest.mark.parametrize(
        "headers",
        [{"origin": "https://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"},
         {"sec-fetch-site": "same-site"}],
    )  # fmt: skip
    async def test_origin(self, headers: dict[str, str]) -> None:
        """A browser that says the form comes from elsewhere is believed, even with a good token."""
        async with browser() as client:
            answer = await client.post("/form", data={"csrf": forms.token(SECRET), "name": "x"}, headers=headers)

        assert answer.status_code == 403

    async def test_same_origin(self) -> None:
        """A browser's own headers on our own form are fine."""
        headers = {"origin": "http://portal.example", "sec-fetch-site": "same-origin"}
        async with browser() as client:
            answer = await client.post("/form", data={"csrf": forms.token(SECRET), "name": "x"}, headers=headers)

        assert answer.status_code == 200


class TestForm:
    def test_repeated(self) -> None:
        """Ticked boxes of one name are all there; the last one stands for the name."""
        form = forms.Form((("a", "1"), ("a", "2"), ("b", "3")))

        assert form.all("a") == ("1", "2")
        assert form["a"] == "2"
        assert dict(form) == {"a": "2", "b": "3"}
