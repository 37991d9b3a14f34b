"""HL7 times as FHIR times."""

from __future__ import annotations

import pytest

from adapters.hl7v2.to_fhir.times import Times, time_of_day


class TestTimes:
    """Precision and zone are kept; nothing is invented."""

    @pytest.mark.parametrize(
        ("sent", "fhir"),
        [
            ("2024", "2024"),
            ("202402", "2024-02"),
            ("20240229", "2024-02-29"),
            ("202402291530", "2024-02-29T15:30:00+08:00"),
            ("20240229153045.120", "2024-02-29T15:30:45.120+08:00"),
            ("20240229153045-0500", "2024-02-29T15:30:45-05:00"),
            ("2024-02-29 15:30:45", "2024-02-29T15:30:45+08:00"),
            ("2024/2/9", "2024-02-09"),
            ("20230229", ""),
            ("20241301", ""),
            ("上午", ""),
            ("00000000", ""),
        ],
    )
    def test_date_time(self, sent: str, fhir: str) -> None:
        """A DTM keeps its precision and gets the site's zone where it has a time and names none."""
        assert Times.of("", "Asia/Shanghai").date_time(sent) == fhir

    def test_message_zone_before_site_zone(self) -> None:
        """The offset of MSH-7 goes before the site's zone."""
        assert Times.of("20240101000000+0215", "Asia/Shanghai").date_time("202401011200") == "2024-01-01T12:00:00+02:15"

    def test_no_zone_at_all(self) -> None:
        """Without any zone only the date can be said."""
        times = Times.of("20240101", "")

        assert times.date_time("202401011200") == "2024-01-01"
        assert times.instant("202401011200") == ""

    def test_daylight_saving(self) -> None:
        """A site zone follows its summer time."""
        times = Times.of("", "Europe/Berlin")

        assert times.date_time("202401011200").endswith("+01:00")
        assert times.date_time("202407011200").endswith("+02:00")

    @pytest.mark.parametrize(
        ("sent", "fhir"), [("1530", "15:30:00"), ("153045.5", "15:30:45.5"), ("2575", ""), ("x", "")]
    )
    def test_time_of_day(self, sent: str, fhir: str) -> None:
        """A TM gets its seconds, which FHIR wants."""
        assert time_of_day(sent) == fhir
