"""
Page links: sealed, because a place in an order is a date or a name; bound to who searches, and to what for.

https://hl7.org/fhir/R4/http.html#paging (the link is opaque to the client)
"""

from __future__ import annotations

import base64
import hashlib
import os
from dataclasses import dataclass
from typing import Any

import bson
from bson.timestamp import Timestamp
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pymongo import ReturnDocument
from pymongo.asynchronous.collection import AsyncCollection

from records.errors import UnknownParameter
from records.search.request import Request

NONCE = 12


@dataclass(frozen=True, slots=True)
class Place:
    """
    Where a page ended: what its last row is sorted by, and the moment that all pages show.

    `back`: where a page began, by its first row, to read on towards the beginning.
    """

    values: tuple[Any, ...]
    at: Timestamp | None = None
    back: bool = False


class Cursors:
    """Seals places with a key that all processes over one database share; made when first needed."""

    def __init__(self, secrets: AsyncCollection[dict[str, Any]]) -> None:
        self._secrets = secrets
        self._cipher: AESGCM | None = None

    async def seal(self, place: Place, request: Request, owner: str) -> str:
        """The place as text for an address."""
        nonce = os.urandom(NONCE)
        content = bson.encode({"v": list(place.values), "a": place.at, "b": place.back})
        sealed = (await self._key()).encrypt(nonce, content, _bound(request, owner))
        return base64.urlsafe_b64encode(nonce + sealed).rstrip(b"=").decode()

    async def open(self, text: str, request: Request, owner: str) -> Place:
        """Back; UnknownParameter where it is of another search, of somebody else, or none of ours."""
        cipher = await self._key()
        try:
            raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            found = bson.decode(cipher.decrypt(raw[:NONCE], raw[NONCE:], _bound(request, owner)))
        except (ValueError, InvalidTag) as error:
            raise UnknownParameter("This page link is not one of this search; begin it again.") from error
        return Place(tuple(found["v"]), found["a"], found.get("b", False))

    async def _key(self) -> AESGCM:
        if self._cipher is None:
            found = await self._secrets.find_one_and_update(
                {"_id": "pages"}, {"$setOnInsert": {"key": os.urandom(32)}}, upsert=True,
                return_document=ReturnDocument.AFTER,
            )  # fmt: skip
            assert found is not None
            self._cipher = AESGCM(bytes(found["key"]))
        return self._cipher


def _bound(request: Request, owner: str) -> bytes:
    asked = (owner, request.type, request.filters, request.sort, request.within)
    return hashlib.sha256(repr(asked).encode()).digest()
