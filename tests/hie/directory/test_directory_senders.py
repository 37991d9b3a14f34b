"""Who a sender is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hie.directory.profile import Profile
from hie.directory.senders import authority_of, provisional, registered, senders_of, slug

PARTS = st.text("AB|-_ .ab淄", max_size=8)


class TestSlug:
    def test_readable(self) -> None:
        """A usual sender can be read in its site's id."""
        assert slug("HIS|H01") == "his-h01"

    @given(PARTS, PARTS)
    def test_own(self, one: str, other: str) -> None:
        """Two senders never share a site id, and an id is fit for FHIR."""
        assert (slug(one) == slug(other)) == (one == other)
        assert all(character.isascii() and (character.isalnum() or character == "-") for character in slug(one))


class TestProfiles:
    def test_onboarding_renames_nothing(self) -> None:
        """Site id and authority stay when a provisional sender is registered: nothing is filed twice."""
        before = provisional("HIS|H01", charset="UTF-8", zone="Asia/Shanghai")
        after = registered("HIS|H01", {"id": "o1", "name": "医院"}, Profile(), charset="UTF-8", zone="Asia/Shanghai")

        assert (after.id, after.authority) == (before.id, before.authority) == ("site-his-h01", "urn:hie:authority:H01")
        assert before.provisional
        assert not after.provisional
        assert after.organization == "o1"

    def test_code_maps(self) -> None:
        """A site's code map is looked up by table and local code."""
        profile = Profile(code_maps={"0001": {"女": ("s", "F", "Female")}})
        site = registered("A|B", {}, profile, charset="", zone="")

        assert site.code_maps["0001"]["女"] == ("s", "F", "Female")

    def test_inactive(self) -> None:
        """An inactive organization answers for no sender."""
        identifiers = [{"system": "urn:hie:hl7v2-sender", "value": "HIS|H01"}, {"system": "other", "value": "x"}]

        assert senders_of({"identifier": identifiers}) == ("HIS|H01",)
        assert senders_of({"identifier": identifiers, "active": False}) == ()

    def test_authority(self) -> None:
        """The facility is the authority; where it is silent, the application."""
        assert authority_of("HIS|Zibo Central") == "urn:hie:authority:Zibo-Central"
        assert authority_of("HIS|") == "urn:hie:authority:HIS"
