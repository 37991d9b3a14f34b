"""
The narrative after a patch: what it says may no longer be so.

https://hl7.org/fhir/R4/http.html#patch, https://hl7.org/fhir/R4/narrative.html
"""

from __future__ import annotations

from records.errors import Invalid
from records.stored import Json

# Neither is told by the narrative.
UNTOLD = frozenset({"text", "meta"})


def kept_safe(before: Json, after: Json) -> Json:
    """
    The patched resource without a narrative that tells of what was before.

    What was generated from the data goes, for it can be generated again. What a person added is not ours to throw
    away, nor to leave standing beside other data: Invalid, unless the patch sees to the narrative itself.
    """
    text = after.get("text")
    if text is None or text != before.get("text") or _told(before) == _told(after):
        return after
    if text.get("status") == "additional":
        raise Invalid("The narrative says more than the data: a patch of the data must change `text` as well.")
    return {name: value for name, value in after.items() if name != "text"}


def _told(resource: Json) -> Json:
    return {name: value for name, value in resource.items() if name not in UNTOLD}
