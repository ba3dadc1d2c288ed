"""
Rule files: reading, checking and holding them. The only module of this package that touches the disk.

Reading is synchronous and bounded; an event loop calls `load` in a thread.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from monitor.durations import format_duration
from monitor.errors import ConfigError, ConfigErrors
from monitor.rules.build import RuleBuilder
from monitor.rules.document import Document, parse
from monitor.rules.rule import Rule, Subject
from monitor.rules.schema import FileModel, GroupModel, read_model

__all__ = ["MAX_FILE_BYTES", "RuleSet", "check_windows", "load"]

MAX_FILE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class RuleSet:
    """
    All loaded rules, in the order of files and lines.

    `digest` is the same for the same texts of files, wherever they lie and in whatever order they were named.
    """

    rules: tuple[Rule, ...]
    digest: str

    @property
    def names(self) -> frozenset[str]:
        """The names of all rules."""
        return frozenset(rule.name for rule in self.rules)

    def by_subject(self, subject: Subject) -> tuple[Rule, ...]:
        """Return the rules on `subject`, windows included."""
        return tuple(rule for rule in self.rules if rule.subject is subject)


def load(paths: Sequence[Path]) -> RuleSet:
    """Return the rules in the files `paths`; raise ConfigErrors with everything that is wrong with any of them."""
    loader = _Loader()
    texts = []
    for path in dict.fromkeys(paths):
        try:
            text = _read(path)
            texts.append(text)
            loader.add(parse(text, path))
        except ConfigError as error:
            loader.errors.append(error)
    if loader.errors:
        raise ConfigErrors(loader.errors)
    return RuleSet(tuple(loader.rules), _digest(texts))


def check_windows(rules: Iterable[Rule], sweep_interval: float) -> list[ConfigError]:
    """
    Return an error for each window that is shorter than the sweep that feeds it, `sweep_interval` seconds.

    A change found by a sweep is known only to have happened since the sweep before; it could never count.
    """
    sweep = format_duration(sweep_interval)
    return [
        ConfigError(
            f"{rule.name}: within {format_duration(rule.within)} is shorter than the {sweep} between two looks at a "
            "rating, so nothing would ever count; make it longer, or poll ratings more often",
            file=rule.file,
            line=rule.line,
        )
        for rule in rules
        if rule.within is not None and rule.within < sweep_interval
    ]


class _Loader:
    """Collects rules and errors over files: names must be unique in all of them."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []
        self.errors: list[ConfigError] = []
        self._places: dict[str, ConfigError] = {}

    def add(self, document: Document) -> None:
        """Add what a document holds."""
        model = read_model(document)
        errors = self._add_groups(document, model) if isinstance(model, FileModel) else model
        self.errors += sorted(errors, key=lambda error: (error.line, error.column))

    def _add_groups(self, document: Document, model: FileModel) -> list[ConfigError]:
        errors: list[ConfigError] = []
        names: set[str] = set()
        for index, group in enumerate(model.groups):
            if group.name in names:
                message = f"there are two groups {group.name} in this file"
                errors.append(document.value_error(("groups", index, "name"), message))
            names.add(group.name)
            errors += self._add_rules(document, index, group)
        return errors

    def _add_rules(self, document: Document, group_index: int, group: GroupModel) -> list[ConfigError]:
        errors: list[ConfigError] = []
        for index, model in enumerate(group.rules):
            trail = ("groups", group_index, "rules", index)
            builder = RuleBuilder(document, trail)
            rule = builder.build(model, group.name)
            if rule is not None:
                self.rules.append(rule)
            place = document.value_error((*trail, "alert"), "")
            first = self._places.setdefault(model.alert, place)
            if first is not place:
                message = f"there is another rule {model.alert} at {first.file}:{first.line}; a name is used once"
                errors.append(document.value_error((*trail, "alert"), message))
            errors += builder.errors
        return errors


def _read(path: Path) -> str:
    if path.is_dir():
        raise ConfigError("this is a directory; name the files in it, as in rules/*.yml", file=path)
    if not path.exists():
        raise ConfigError("there is no such file", file=path)
    if not path.is_file():
        raise ConfigError("this is no regular file", file=path)
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"this cannot be read: {error.strerror}", file=path) from None
    if len(content) > MAX_FILE_BYTES:
        raise ConfigError(f"this is larger than the {MAX_FILE_BYTES} bytes a rule file may have", file=path)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError("this is not UTF-8 text", file=path, line=line) from None


def _digest(texts: Iterable[str]) -> str:
    parts = sorted(hashlib.blake2b(text.encode(), digest_size=16).digest() for text in texts)
    return hashlib.blake2b(b"".join(parts), digest_size=16).hexdigest()
