"""Strict JSON: what two readers could understand differently never enters."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from records.errors import NotUnderstood
from records.validation import parse, read_json


class TestReadJson:
    def test_decimals_keep_their_digits(self) -> None:
        """1.50 is not 1.5."""
        assert str(read_json(b'{"value":1.50}')["value"]) == "1.50"
        assert read_json(b"[1E5,-1.0e-7]") == [Decimal("1E5"), Decimal("-1.0E-7")]

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"{",
            b'{"a":1} x',
            b"{'a':1}",
            b'{"a":1,}',
            b"[01]",
            b"[NaN]",
            b"[Infinity]",
            b'"\x01"',
            b"//",
            b"[+1]",
            b'"\\ud800"',
            b'"\\udc00"',
            b'"\\x"',
        ],
    )
    def test_not_json(self, body: bytes) -> None:
        """Anything that is nearly JSON."""
        with pytest.raises(NotUnderstood):
            read_json(body)

    @pytest.mark.parametrize("body", [b'{"a":"\xff"}', "{}".encode("utf-16"), b'"\xed\xa0\x80"', "张".encode("gbk")])
    def test_not_utf_8(self, body: bytes) -> None:
        """Another encoding."""
        with pytest.raises(NotUnderstood):
            read_json(body)

    def test_byte_order_mark(self) -> None:
        """A mark before the text, said in its own words."""
        with pytest.raises(NotUnderstood, match="byte order mark"):
            read_json(b"\xef\xbb\xbf{}")

    @pytest.mark.parametrize(
        "body",
        [
            b'{"a":1,"a":1}',
            b'{"a" :1,"a":2}',
            b'{"a":1,"\\u0061":2}',
            b'{ "x": [ {"b": {}, "b": []} ] }',
            b'{"t":"\\\\\\"a\\":","a":1, "a":1}',
            b'{"n":1e5,"m":1e5,"aaa":1,"aaa":1}',
        ],
    )
    def test_repeated_key(self, body: bytes) -> None:
        """A property twice in one object, however it is written."""
        with pytest.raises(NotUnderstood, match="twice"):
            read_json(body)

    @pytest.mark.parametrize("body", [b'[{"a":1},{"a":1}]', b'{"a":{"a":1}}', b'{"a":"\\"a\\":1,\\"a\\":1"}'])
    def test_same_name_elsewhere(self, body: bytes) -> None:
        """The same name in different objects, or in a text."""
        assert read_json(body) == json.loads(body)

    def test_depth(self) -> None:
        """A hundred levels are enough for any resource; thousands do not break the reader either."""
        assert read_json(b"[" * 100 + b"]" * 100)
        for levels in (101, 900, 100_000):
            with pytest.raises(NotUnderstood, match="deeper"):
                read_json(b'{"a":' * levels + b"1" + b"}" * levels)

    def test_many_is_not_deep(self) -> None:
        """A long list is not a deep one."""
        assert len(read_json(b"[" + b"[]," * 5000 + b"[]]")) == 5001

    @pytest.mark.parametrize("number", ["1" * 1001 + ".0", "9" * 6000, "1e401", "1e-401", "1e99999999999999999999"])
    def test_absurd_number(self, number: str) -> None:
        """Numbers that no instrument shows, and that cost whoever computes with them."""
        with pytest.raises(NotUnderstood):
            read_json(f'{{"value":{number}}}'.encode())

    def test_long_number(self) -> None:
        """Precision is kept, whatever it is good for."""
        assert str(read_json(b"[123456789012345678.123456789012345678]")[0]) == "123456789012345678.123456789012345678"

    @pytest.mark.parametrize("escape", ["\\u0000", "\\b", "\\f", "\\u001F", "\\\\\\u000b"])
    def test_control_character(self, escape: str) -> None:
        """FHIR's texts hold no control characters."""
        with pytest.raises(NotUnderstood, match="control"):
            read_json(f'{{"a":"{escape}"}}'.encode())

    @pytest.mark.parametrize("escape", ["\\n\\r\\t", "\\\\b", "\\\\u0000", "\\/", "\\u5f20", "\\\\\\\\f"])
    def test_other_escapes(self, escape: str) -> None:
        """Line ends, tabs, and whatever only looks like a control character."""
        body = f'{{"a":"{escape}"}}'.encode()

        assert read_json(body) == json.loads(body)

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(st.characters(exclude_categories=["C"])),
            lambda inner: (
                st.lists(inner, max_size=4)
                | st.dictionaries(st.text(st.characters(exclude_categories=["C"])), inner, max_size=4)
            ),
            max_leaves=20,
        ),
        st.sampled_from([None, 2]),
        st.booleans(),
    )
    def test_any_writer(self, value: Any, indent: int | None, ascii_only: bool) -> None:
        """Whatever style a sender writes in, valid JSON is read as it was meant."""
        body = json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode()

        assert read_json(body) == value == read_json(msgspec.json.format(body, indent=-1))


class TestParse:
    @pytest.mark.parametrize(
        "body", [b"[]", b'"Patient"', b"null", b"{}", b'{"resourceType":1}', b'{"resourceType":null}']
    )
    def test_no_resource(self, body: bytes) -> None:
        """JSON that is no resource."""
        with pytest.raises(NotUnderstood):
            parse(body)

    def test_resource(self) -> None:
        """A resource, of whatever type: validation speaks about that."""
        assert parse(b'{"resourceType":"Anything"}') == {"resourceType": "Anything"}

    def test_nothing_of_the_body_in_the_text(self) -> None:
        """What was refused is not repeated."""
        with pytest.raises(NotUnderstood) as refused:
            parse('{"name":"张伟" "x"}'.encode())

        assert "张" not in refused.value.text
        assert "name" not in refused.value.text
