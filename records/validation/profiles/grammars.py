"""
Code systems that are a grammar, or a list of others: media types, languages, currencies, units.

https://hl7.org/fhir/R4/terminologies-systems.html
"""

from __future__ import annotations

import re

from records.search.units import canonical

FHIR = "http://hl7.org/fhir/ValueSet/"
_NAME = r"[A-Za-z0-9][\w!#$&^.+-]*"
# `xml`, `json` and `ttl` are what R4's own examples write for a media type of FHIR.
_MEDIA_TYPE = re.compile(rf"{_NAME}/{_NAME}(?:\s*;.*)?|xml|json|ttl", re.ASCII)
_LANGUAGE = re.compile(r"(?:[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*|[xi](?:-[A-Za-z0-9]{1,8})+)", re.ASCII)
# https://www.iso.org/iso-4217-currency-codes.html: those in use, and the funds and metals.
_CODES = """
AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF
CHE CHF CHW CLF CLP CNY COP COU CRC CUC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD
GNF GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP
LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN
PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SLL SOS SRD SSP STN SVC SYP SZL THB TJS
TMT TND TOP TRY TTD TWD TZS UAH UGX USD USN UYI UYU UYW UZS VED VES VND VUV WST XAF XAG XAU XBA XBB XBC XBD XCD
XDR XOF XPD XPF XPT XSU XTS XUA XXX YER ZAR ZMW ZWL
"""
_CURRENCIES = frozenset(_CODES.split())


def by_grammar(value_set: str, code: str) -> bool | None:
    """What the grammar of a code system says; None where there is none, or it cannot decide."""
    match value_set.partition("|")[0].removeprefix(FHIR):
        case "mimetypes":
            return _MEDIA_TYPE.fullmatch(code) is not None
        case "all-languages":
            return _LANGUAGE.fullmatch(code) is not None
        case "currencies":
            return code in _CURRENCIES
        case "ucum-units":
            # A scale with an offset is a unit as well, though it has no factor.
            return True if canonical(code) is not None else None
    return None
