"""Asking rules about one fact."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from monitor.rules.cel import Activation, Environment, Expression, Truth, Value
from monitor.rules.rule import Rule

__all__ = ["Evaluation", "evaluate", "evaluate_where"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """
    What one rule says about one fact.

    `failure` tells why the evaluation failed; then `truth` is unknown. `annotations` are rendered where `truth` is
    true.
    """

    rule: Rule
    truth: Truth
    failure: str | None = None
    annotations: Mapping[str, str] = field(default_factory=dict)


def evaluate(rules: Iterable[Rule], data: Mapping[str, Value]) -> list[Evaluation]:
    """
    Ask the `expr` of each rule about one fact, never raising.

    `data` is that of `run_variables` or `rating_variables` for rules about single facts, that of `window_variables`
    for window rules. A variable that `data` leaves out is unknown.
    """
    return [
        Evaluation(
            rule=rule,
            truth=verdict.truth,
            failure=verdict.failure,
            annotations=_annotations(rule, activation) if verdict.truth is Truth.TRUE else {},
        )
        for rule, expression, activation in _prepared(((rule, rule.expr) for rule in rules), data)
        for verdict in (expression.evaluate(activation),)
    ]


def evaluate_where(rules: Iterable[Rule], data: Mapping[str, Value]) -> list[Evaluation]:
    """
    Ask the `where` of each window rule whether one change counts in its windows; without `where` every change does.

    `data` is that of `rating_variables`. Rules that are no windows are left out.
    """
    windows = [rule for rule in rules if rule.is_window]
    asked = ((rule, rule.where) for rule in windows if rule.where)
    everything = [Evaluation(rule=rule, truth=Truth.TRUE) for rule in windows if rule.where is None]
    return everything + [
        Evaluation(rule=rule, truth=verdict.truth, failure=verdict.failure)
        for rule, expression, activation in _prepared(asked, data)
        for verdict in (expression.evaluate(activation),)
    ]


def _prepared(
    asked: Iterable[tuple[Rule, Expression]], data: Mapping[str, Value]
) -> Iterator[tuple[Rule, Expression, Activation]]:
    """Yield each rule with its expression and the data in the form it takes, converted once for each environment."""
    activations: dict[Environment, Activation] = {}
    for rule, expression in asked:
        environment = expression.environment
        if environment not in activations:
            activations[environment] = environment.activation(data)
        yield rule, expression, activations[environment]


def _annotations(rule: Rule, activation: Activation) -> dict[str, str]:
    return {name: template.render(activation) for name, template in rule.annotations.items()}
