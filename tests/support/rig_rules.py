"""Rules that the tests on virtual time share, each the YAML of one rule."""

from __future__ import annotations

__all__ = ["BURST", "NEGATIVE", "NEGATIVE_BY_AGENT", "OVER_LIMIT", "tell"]

OVER_LIMIT = """
- alert: RunOverLimit
  on: run
  expr: run.age > run.limit
  labels: {severity: critical}
  annotations: {summary: "a run is {{ humanize(run.age) }} old"}
  actions:
    - stop: {}
"""

NEGATIVE = """
- alert: NegativeRating
  on: rating
  expr: rating.value == "negative" && rating.by == "user"
  labels: {severity: info}
  annotations: {summary: "it was {{ rating.previous }}"}
"""

NEGATIVE_BY_AGENT = """
- alert: OperatorNegative
  on: rating
  expr: rating.value == "negative" && rating.by == "agent"
  labels: {severity: warning}
  annotations: {summary: "it was {{ rating.previous }}"}
"""

BURST = """
- alert: NegativeRatingBurst
  on: rating
  where: rating.value == "negative"
  within: 30m
  by: [app.id]
  expr: count >= 5 && distinct.user >= 3
  labels: {severity: critical}
  annotations: {summary: "{{ count }} negative ratings"}
"""


def tell(expr: str, *, name: str = "Told", **keys: str) -> str:
    """Return a rule on runs that only tells; `keys` are further keys of the rule, `for_` for `for`."""
    more = "".join(f"  {key.rstrip('_')}: {value}\n" for key, value in keys.items())
    return (
        f"- alert: {name}\n  on: run\n  expr: {expr}\n  labels: {{severity: warning}}\n"
        f"  annotations: {{summary: a run}}\n{more}"
    )
