"""The sender's bytes stay as they came, but for id and meta."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from records.errors import NotUnderstood
from records.splice import splice

META = b'{"versionId":"1"}'


class TestSplice:
    def test_put_in(self) -> None:
        """What is missing follows resourceType."""
        text = b'{ "resourceType" : "Patient",\n "name": [ {"text": "x"} ] }'

        assert splice(text, "a", META) == (
            b'{ "resourceType" : "Patient","id":"a","meta":{"versionId":"1"},\n "name": [ {"text": "x"} ] }'
        )

    def test_replaced_in_place(self) -> None:
        """What is there is replaced where it stands; decimals, blanks and the order of the rest stay."""
        text = b'{"meta":{"tag":[]},"resourceType":"Observation", "id" :"old","valueQuantity":{"value":1.50}}\n'

        assert splice(text, "new", META) == (
            b'{"meta":{"versionId":"1"},"resourceType":"Observation", "id" :"new","valueQuantity":{"value":1.50}}'
        )

    def test_names_inside_values(self) -> None:
        """An id or meta inside other members is not touched."""
        text = b'{"resourceType":"Patient","contact":[{"id":"c1"}],"text":{"id":"\\"meta\\":"},"id":"p"}'

        assert json.loads(splice(text, "q", META)) == {
            "resourceType": "Patient",
            "contact": [{"id": "c1"}],
            "text": {"id": '"meta":'},
            "id": "q",
            "meta": {"versionId": "1"},
        }

    @pytest.mark.parametrize("name", [b"\\u0069d", b"i\\u0064"])
    def test_escaped_names(self, name: bytes) -> None:
        """A name with escapes is the same name, and the others are found as well."""
        text = b'{"resource\\u0054ype":"Patient","a\\"b":{"id":"x"},"%s" : "old" , "active":true}' % name

        assert splice(text, "new", META) == text.replace(b'"old"', b'"new"').replace(
            b'"Patient"', b'"Patient","meta":{"versionId":"1"}'
        )

    @given(
        st.dictionaries(st.from_regex(r"[a-z]{1,4}", fullmatch=True), st.text() | st.integers() | st.lists(st.text()))
    )
    def test_any_members(self, members: dict[str, object]) -> None:
        """Whatever the other members are, they are read back as they were."""
        resource = {"resourceType": "Basic", **members}
        spliced = json.loads(splice(json.dumps(resource, ensure_ascii=False).encode(), "x", META))

        assert spliced == {**resource, "id": "x", "meta": {"versionId": "1"}}

    def test_no_object(self) -> None:
        """A list is no resource."""
        with pytest.raises(NotUnderstood):
            splice(b"[]", "a", META)
