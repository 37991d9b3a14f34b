"""
HAPI HL7v2 sends to the listener and receives a feed, in one Java process. https://hapifhir.github.io/hapi-hl7v2/

The steps are in `java/HapiHl7Trial.java`.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from free_ports import free_port
from outside import Absent, java_program
from peer_world import Peered

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
STEPS = ("original", "inOrder", "again", "enhanced", "refused", "gb18030", "batch", "tls", "feed")


class TestHapi:
    async def test_hospital(self, exchange: Peered) -> None:
        """Original and enhanced mode, batch, GB18030, TLS and refusals; what was sent comes back by a feed."""
        try:
            command = java_program("HapiHl7Trial.java", Path(__file__).parent / "java", "java-hl7v2")
        except Absent as reason:
            pytest.skip(str(reason))
        own = free_port()
        profile = {
            "feed": "h02", "receiver": {"application": "HIS", "facility": "H02"}, "address": f"127.0.0.1:{own}",
            "messages": ["ADT"], "timeout": 5, "account": {"organization": "urn:hie:organization|370303-H02"},
        }  # fmt: skip
        await exchange.services.feeds.load(profile, by="test", settling=0)
        await exchange.services.feed_interest.look()

        assert await exchange.run(command, HL7_OWN=str(own)) == dict.fromkeys(STEPS, "")
        counts = await exchange.drain()
        assert (counts["rejected"], counts.get("dead", 0)) == (2, 0)
