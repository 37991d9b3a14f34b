"""
MFN^M02 and M05: master files of staff and of places. They name no patient; the facility's own lane keeps their order.

HL7 v2 chapter 8
"""

from __future__ import annotations

from adapters.hl7v2.to_fhir.draft import Draft
from adapters.hl7v2.to_fhir.resources.location_master import location_entry
from adapters.hl7v2.to_fhir.resources.master_entry import entries
from adapters.hl7v2.to_fhir.resources.practitioner_master import practitioner_entry

READS = frozenset({"MFI", "MFE", "STF", "PRA", "LAN", "LOC", "LDP", "LCH", "LRL"})


def staff(draft: Draft) -> bool:
    """M02: every entry of a staff file."""
    _whole_file(draft)
    done = [practitioner_entry(draft, found) for found in entries(draft)]
    return any(done)


def places(draft: Draft) -> bool:
    """M05: every entry of a location file."""
    _whole_file(draft)
    done = [location_entry(draft, found) for found in entries(draft)]
    return any(done)


def _whole_file(draft: Draft) -> None:
    """REP replaces the whole file; a message knows nothing of entries that it leaves out."""
    if draft.message.first("MFI").text(3).strip().upper() == "REP":
        draft.remark("MFI-3 REP: entries that the file no longer lists stay as they are")
