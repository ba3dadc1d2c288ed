"""From one rule as written to a `Rule`, with every reason why it cannot be one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import timedelta

from monitor.errors import ConfigError
from monitor.model.builtin import Builtin
from monitor.rules.cel import Environment, Expression, InvalidExpression, Kind, Truth
from monitor.rules.diagnostics import did_you_mean
from monitor.rules.document import Document, Trail
from monitor.rules.lexer import Problem
from monitor.rules.rule import DEFAULT_RESOLVE_AFTER, Rule, Subject
from monitor.rules.schema import RuleModel
from monitor.rules.template import Template, parse_template
from monitor.rules.variables import EVENT_SUBJECTS, VARIABLES, WINDOW_VARIABLES, environment, window_environment

__all__ = ["RuleBuilder"]

MAX_NAME = 200

_LATER_SUBJECTS = frozenset({"conversation", "chat", "app", "project"})
_LATER_ACTIONS = frozenset({"categorize", "assign", "retitle", "triage"})
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)
_OWN_LABELS = frozenset({"alertname", "project", "app", "app_id", "conversation_id", "chat_id", "run_id", "action"})


class RuleBuilder:
    """Builds the rule that stands at `trail` of `document`; `errors` holds what is wrong with it."""

    def __init__(self, document: Document, trail: Trail) -> None:
        self.errors: list[ConfigError] = []
        self._document = document
        self._trail = trail

    def build(self, model: RuleModel, group: str) -> Rule | None:
        """Return the rule, or None when there are errors."""
        self._check_name(model.alert)
        self._check_labels(model)
        subject = self._subject(model.on)
        if subject is None:
            return None
        self._check_window(model, subject)
        by = self._by(model, subject)
        facts = environment(subject)
        is_window = model.within is not None and subject in EVENT_SUBJECTS
        scope = window_environment(subject, by) if is_window else facts
        expr = self._expression(("expr",), model.expr, scope, subject)
        where = None if model.where is None else self._expression(("where",), model.where, facts, subject)
        annotations = self._annotations(model, scope, subject)
        stops = self._stops(model, subject, expr)
        is_event = subject in EVENT_SUBJECTS and not is_window
        self._check_times(model, is_event=is_event)
        if expr is None or self.errors:
            return None
        return Rule(
            name=model.alert,
            group=group,
            subject=subject,
            expr=expr,
            where=where,
            within=model.within,
            by=by,
            for_=model.for_,
            keep_firing_for=model.keep_firing_for,
            resolve_after=(model.resolve_after or DEFAULT_RESOLVE_AFTER) if is_event else None,
            labels=model.labels,
            annotations=annotations,
            stops=stops,
            file=self._document.file,
            line=self._document.key_error((*self._trail, "alert"), "").line,
        )

    def _at_key(self, *key: str | int, message: str) -> None:
        self.errors.append(self._document.key_error((*self._trail, *key), message))

    def _at_value(self, *key: str | int, message: str, index: int = 0) -> None:
        self.errors.append(self._document.value_error((*self._trail, *key), message, index))

    def _check_name(self, name: str) -> None:
        if not name.strip() or len(name) > MAX_NAME or not name.isprintable():
            self._at_value("alert", message=f"a name is 1 to {MAX_NAME} printable characters")
        if name in set(Builtin):
            self._at_value("alert", message=f"{name} is the name of a built-in alert; choose another")

    def _check_labels(self, model: RuleModel) -> None:
        for section, names in (("labels", model.labels), ("annotations", model.annotations)):
            for name in names:
                if not _LABEL.fullmatch(name):
                    self._at_key(section, name, message=f"{name} is no name here: letters, digits and _ make one")
        for name, value in model.labels.items():
            if name in _OWN_LABELS:
                self._at_key("labels", name, message=f"the label {name} is set by the monitor; choose another name")
            if "{{" in value:
                message = "a label has no template: values that change belong into annotations"
                self._at_value("labels", name, message=message, index=value.index("{{"))

    def _subject(self, word: str) -> Subject | None:
        known = [subject.value for subject in Subject]
        if word in known:
            return Subject(word)
        if word in _LATER_SUBJECTS:
            self._at_value("on", message=f"on: {word} is not in this version; there are {', '.join(known)}")
        else:
            self._at_value("on", message=f"unknown subject {word}{did_you_mean(word, known)}")
        return None

    def _check_window(self, model: RuleModel, subject: Subject) -> None:
        if model.within is None:
            for key in sorted({"by", "where"} & model.model_fields_set):
                self._at_key(key, message=f"{key} is for windows: it needs within")
        elif subject not in EVENT_SUBJECTS:
            self._at_key("within", message=f"within counts what happens, such as a rating; a {subject} is a state")
        elif model.within == 0:
            self._at_value("within", message="a window must be longer than 0s")

    def _by(self, model: RuleModel, subject: Subject) -> tuple[str, ...]:
        kinds = {variable.name: variable.kind for variable in VARIABLES[subject]}
        for index, name in enumerate(model.by):
            if name not in kinds:
                self._at_value("by", index, message=f"unknown variable {name}{did_you_mean(name, kinds)}")
            elif kinds[name] is not Kind.STRING:
                self._at_value("by", index, message=f"windows are kept by names and ids; {name} is none")
            elif name in model.by[:index]:
                self._at_value("by", index, message=f"{name} is here twice")
        return tuple(model.by)

    def _expression(self, key: Trail, source: str, scope: Environment, subject: Subject) -> Expression | None:
        try:
            return scope.compile(source, condition=True)
        except InvalidExpression as error:
            self._report(key, error.problems, scope, subject)
            return None

    def _annotations(self, model: RuleModel, scope: Environment, subject: Subject) -> dict[str, Template]:
        templates = {}
        for name, text in model.annotations.items():
            try:
                templates[name] = parse_template(text, scope)
            except InvalidExpression as error:
                self._report(("annotations", name), error.problems, scope, subject)
        return templates

    def _report(self, key: Trail, problems: Iterable[Problem], scope: Environment, subject: Subject) -> None:
        for problem in problems:
            message = _out_of_scope(problem.unknown, scope, subject) or problem.message
            self._at_value(*key, message=message, index=problem.index)

    def _stops(self, model: RuleModel, subject: Subject, expr: Expression | None) -> bool:
        for index, action in enumerate(model.actions):
            self._check_action(index, action)
            if list(action) == ["stop"] and subject is not Subject.RUN:
                self._at_value("actions", index, message="only a run can be stopped: this needs on: run")
            elif list(action) == ["stop"] and index:
                self._at_value("actions", index, message="one action is enough")
        stops = bool(model.actions)
        if stops and subject is Subject.RUN and expr is not None:
            self._check_stop(expr)
        return stops

    def _check_action(self, index: int, action: dict[str, object]) -> None:
        if len(action) != 1:
            self._at_value("actions", index, message="an action is one key with its settings, such as stop: {}")
            return
        [(name, settings)] = action.items()
        if name in _LATER_ACTIONS:
            self._at_key("actions", index, name, message=f"the action {name} is not in this version; there is stop")
        elif name != "stop":
            self._at_key("actions", index, name, message=f"unknown action {name}{did_you_mean(name, ['stop'])}")
        elif settings != {}:
            self._at_value("actions", index, name, message="stop has no settings; write stop: {}")

    def _check_stop(self, expr: Expression) -> None:
        """
        Refuse a stop that anything but run.age could bring about.

        Asked with run.age at zero and all else unknown, except for a limit of an hour, only an expression that is
        false whatever the rest may be comes out false.
        """
        if "run.age" not in expr.variables:
            others = "run.age_estimate, run.age_at_most, run.busy and run.idle may only alert"
            self._at_value("expr", message=f"only run.age may stop a run, and this does not name it; {others}")
            return
        just_begun = {"run.age": timedelta(0), "run.limit": timedelta(hours=1)}
        if expr.evaluate(expr.environment.activation(just_begun)).truth is not Truth.FALSE:
            message = "only run.age may stop a run, and this could be true of a run whose run.age is zero; "
            self._at_value("expr", message=message + "demand more of run.age with &&")

    def _check_times(self, model: RuleModel, *, is_event: bool) -> None:
        if is_event:
            for key, field in (("for", "for_"), ("keep_firing_for", "keep_firing_for")):
                if field in model.model_fields_set:
                    self._at_key(key, message=f"a rule on single ratings fires at once: it has no {key}")
            if model.resolve_after == 0:
                self._at_value("resolve_after", message="an event must last longer than 0s")
        elif "resolve_after" in model.model_fields_set:
            message = "resolve_after is for events; this rule fires while its expr is true"
            self._at_key("resolve_after", message=message)


def _out_of_scope(name: str, scope: Environment, subject: Subject) -> str | None:
    """Return what to say about a variable that exists, but not in `scope`."""
    if name in {variable.name for variable in WINDOW_VARIABLES}:
        return f"{name} is about a window: it needs within"
    if name in {variable.name for variable in VARIABLES[subject]} - scope.variables.keys():
        return f"{name} is about a single {subject}, this is about a window: ask in where, or name it in by"
    others = [other for other in Subject if name in {variable.name for variable in VARIABLES[other]}]
    return f"{name} is a variable of on: {others[0]}, this is on: {subject}" if others else None
