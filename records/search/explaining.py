"""
How the database answers a search: the shape of its condition without the values, the indexes, what was looked at.

https://www.mongodb.com/docs/manual/reference/explain-results/
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from records.collections import Collection
from records.search.key import Condition

# Parameter and kind; what stands behind them is the value. No parameter begins with a digit, as times do.
_KEY = re.compile(r"^\^?(?!\d)((?:\\?[\w\-.])+)(\\?[!=~:|^@\[\]+*<>%])")
HIDDEN = "…"
PATIENCE_MS = 30_000


@dataclass(frozen=True, slots=True)
class Explanation:
    """`stages` from the outermost to the innermost, an index scan with its index; `shape` holds no value."""

    shape: Any
    stages: tuple[str, ...] = ()
    indexes: tuple[str, ...] = ()
    keys: int = 0
    documents: int = 0
    found: int = 0
    milliseconds: int = 0


async def explain(
    collection: Collection, condition: Condition, order: Sequence[tuple[str, int]], limit: int, *, run: bool = True
) -> Explanation:
    """Ask the database; `run`: count what it looks at as well, which carries the search out."""
    command: dict[str, Any] = {
        "find": collection.name, "filter": condition, "sort": dict(order), "limit": limit, "maxTimeMS": PATIENCE_MS,
    }  # fmt: skip
    verbosity = "executionStats" if run else "queryPlanner"
    answer = await collection.database.command({"explain": command, "verbosity": verbosity})
    plans = list(_stages(answer["queryPlanner"]["winningPlan"]))
    indexes = tuple(dict.fromkeys(one["indexName"] for one in plans if "indexName" in one))
    stats = answer.get("executionStats", {})
    return Explanation(
        shape(condition), tuple(one["stage"] for one in plans), indexes,
        stats.get("totalKeysExamined", 0), stats.get("totalDocsExamined", 0), stats.get("nReturned", 0),
        stats.get("executionTimeMillis", 0),
    )  # fmt: skip


def _stages(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    plan = plan.get("queryPlan", plan)
    if "stage" in plan:
        yield plan
    for name in ("inputStage", "outerStage", "innerStage"):
        if name in plan:
            yield from _stages(plan[name])
    for inner in plan.get("inputStages", ()):
        yield from _stages(inner)


def shape(condition: Any) -> Any:
    """The same with the names of parameters and the kinds of keys alone: no value of a resource or of the search."""
    if isinstance(condition, Mapping):
        if "$expr" in condition:
            return {**shape({k: v for k, v in condition.items() if k != "$expr"}), "$expr": HIDDEN}
        return {name: shape(inner) for name, inner in condition.items()}
    if isinstance(condition, Sequence) and not isinstance(condition, str):
        inner = [shape(one) for one in condition]
        return inner if inner and isinstance(inner[0], Mapping) else [*dict.fromkeys(map(str, inner))]
    if isinstance(condition, bool):
        return condition
    if isinstance(condition, str) and (found := _KEY.match(condition)):
        return found[1].replace("\\", "") + found[2].replace("\\", "") + HIDDEN
    return HIDDEN
