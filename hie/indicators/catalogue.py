"""
The definitions, read from data: what each figure counts, where the definition is from, and whether that was checked.

Specification: region-1251 sections 3, 5 and 7.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any

from hie.indicators.indicator import Indicator


@cache
def catalogue() -> Mapping[str, Indicator]:
    """Every indicator by its id."""
    text = files("hie.indicators").joinpath("definitions", "indicators.json").read_text(encoding="utf-8")
    return {row["id"]: _indicator(row) for row in json.loads(text)["indicators"]}


def _indicator(row: Mapping[str, Any]) -> Indicator:
    return Indicator(
        row["id"],
        row["zh"],
        row["en"],
        row["numerator"]["zh"],
        row["numerator"]["en"],
        row["denominator"]["zh"],
        row["denominator"]["en"],
        row["kind"],
        Decimal(row["scale"]),
        row["unit"],
        row["places"],
        row["better"],
        row["version"],
        row["source"],
        row["verified"],
        Decimal(row["target"]) if "target" in row else None,
    )
