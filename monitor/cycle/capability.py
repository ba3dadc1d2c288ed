"""The cycle of the capability probe: ask the server what it can do, remember it, and let the client act on it."""

from __future__ import annotations

import structlog

from monitor.cycle.project import Project
from monitor.model.capabilities import Capabilities, Proof
from monitor.model.evidence import Evidence
from monitor.settings import Project as ProjectSettings
from monitor.tracking.capabilities import judge, remember
from monitor.tracking.capability_report import changes
from monitor.watch.probe import probe

__all__ = ["CapabilityCycle"]

log = structlog.get_logger()

_EVERY = 86400.0
_AFTER_DRIFT = 600.0  # seconds between two probes that drift asks for
_AFTER_FAILURE = 60.0
_AFTER_HALF_A_PROBE = 3600.0
_AFTER_NOTHING = 600.0
_MAY_REFUSE = {"missing id", "daily count"}  # asking again does not help with these


class CapabilityCycle:
    """
    Keeps `project.capabilities` true: at the start, daily, and soon after answers stopped fitting.

    Due are, by the clock's monotonic time: the first probe at once, one that failed after a minute, one that left
    something out for a failure after an hour, one that had nothing to try time filters on after ten minutes, and one
    that drift asks for ten minutes after the last, once a day for each kind of drift.
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        self._clock = project.clock
        self._due_at = self._clock.monotonic()
        self._tried_at = self._forgot_at = float("-inf")
        self._known: set[str] = set()  # kinds of drift that asked for a probe already, since `_forgot_at`

    async def load(self) -> None:
        """Act on what the last daemon found, until the first probe. Raises StorageError."""
        async with self._project.commits.store.snapshot() as tx:
            stored = await tx.capabilities.get(self._project.name, self._settings.base_url)
        if stored is not None:
            self._apply(stored)

    def drifted(self, kind: str) -> None:
        """Note that an answer did not fit; the first of each kind asks for a probe."""
        if kind not in self._known:
            self._known.add(kind)
            self._due_at = min(self._due_at, self._tried_at + _AFTER_DRIFT)

    def due(self) -> bool:
        """Return whether it is time to probe."""
        return self._clock.monotonic() >= self._due_at

    async def probe(self) -> None:
        """Probe now, write what was found and act on it. Raises what the client raises, and StorageError."""
        self._tried_at = self._clock.monotonic()
        self._due_at = self._tried_at + _AFTER_FAILURE
        if self._tried_at - self._forgot_at >= _EVERY:
            self._forgot_at = self._tried_at
            self._known.clear()
        evidence = await probe(self._project.client)
        before = self._project.capabilities
        found = remember(judge(evidence, configured_unit=self._settings.time_unit), before)
        async with self._project.commits.begin() as commit:
            own_at = self._project.moment().own
            await commit.tx.capabilities.put(self._project.name, self._settings.base_url, found, own_at=own_at)
        self._apply(found)
        self._tell(before, found)
        self._due_at = self._tried_at + _until_next(evidence, found)

    @property
    def _settings(self) -> ProjectSettings:
        return self._project.settings.projects[self._project.name]

    def _apply(self, found: Capabilities) -> None:
        self._project.capabilities = found
        self._project.client.adapt(found)

    def _tell(self, before: Capabilities, found: Capabilities) -> None:
        """Log the whole report the first time, and later what changed."""
        if lines := changes(before, found):
            words = {line.name.replace(" ", "_"): f"{line.verdict}: {line.seen}" for line in lines}
            log.info("capabilities", project=self._project.name, **words)


def _until_next(evidence: Evidence, found: Capabilities) -> float:
    if found.time_filter is Proof.UNPROVEN:
        return _AFTER_NOTHING  # in a wrong unit time filters hide everything
    return _AFTER_HALF_A_PROBE if _is_partial(evidence) else _EVERY


def _is_partial(evidence: Evidence) -> bool:
    return not evidence.failures.keys() <= _MAY_REFUSE
