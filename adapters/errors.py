"""
What can be wrong with what a sender sent, in the words of HL7 table 0357.

* AdapterError
  + NotUnderstood    the bytes are not the format they claim     AE  207 or as given
  + Unsupported      a type, version or processing id not taken  AR  200..203
  + TooLarge         more than the listener takes                AR  207

https://hl7-definition.caristix.com/v2/HL7v2.5.1/Tables/0357
"""

from __future__ import annotations


class AdapterError(Exception):
    """
    A message that cannot be taken as it is.

    `text` is for the sender and holds no health data. `location` is an ERR-2 location such as `MSH^1^9^3`.
    """

    acknowledgement = "AE"
    condition = "207"

    def __init__(self, text: str, *, location: str = "", condition: str | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.location = location
        self.condition = condition or self.condition


class NotUnderstood(AdapterError):
    """The content must be corrected before it is sent again."""


class Unsupported(AdapterError):
    """A message type, version or processing id that this listener does not take."""

    acknowledgement = "AR"
    condition = "200"


class TooLarge(AdapterError):
    """More bytes than the listener takes."""

    acknowledgement = "AR"
