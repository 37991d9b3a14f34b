"""The section `answers` of a site's profile."""

from __future__ import annotations

import pytest

from hie.directory.answers import Answers
from hie.directory.profile import read
from hie.directory.yaml_lines import Invalid


class TestAnswers:
    def test_read(self) -> None:
        """An address alone is enough; everything else can be said."""
        assert read("answers: {address: '10.1.2.3:2576'}").answers == Answers("10.1.2.3:2576")
        text = (
            "answers:\n  address: his.h01:2576\n  mllp: 2\n  timeout: 10\n  when: failed\n  accept: NE\n"
            "  tls: {ca: ca.pem, certificate: hie.pem, key: hie.key}\n"
        )
        files = {"ca": "ca.pem", "certificate": "hie.pem", "key": "hie.key"}
        assert read(text).answers == Answers("his.h01:2576", files, 2, 10, "failed", "NE")
        assert read("sender: HIS|H01").answers is None

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("{mllp: 2}", "An address is wanted"), ("{address: h01}", "HOST:PORT"), ("{address: 'h01:0'}", "HOST:PORT"),
            ("{address: 'h:1', mllp: 3}", "from 1 to 2"), ("{address: 'h:1', when: never}", "asked, failed"),
            ("{address: 'h:1', accept: ER}", "AL, NE"), ("{address: 'h:1', tls: {}}", "ca is wanted"),
            ("{address: 'h:1', tls: {ca: a, key: b}}", "together"), ("{address: 'h:1', adress: x}", "No such key"),
            ("[a]", "Keys and values"),
        ],
    )  # fmt: skip
    def test_wrong(self, text: str, said: str) -> None:
        """What is wrong is said with its line, and the profile is not loaded."""
        with pytest.raises(Invalid) as caught:
            read(f"sender: HIS|H01\nanswers: {text}\n")
        assert caught.value.problems[0].line == 2
        assert said in caught.value.text
