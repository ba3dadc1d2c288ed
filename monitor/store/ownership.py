"""Who has a database to itself: an advisory lock beside its file."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from monitor.errors import StartError

__all__ = ["Lock"]


class Lock:
    """
    Held for as long as this process uses the database alone; StartError when another does, saying `otherwise`.

    `used_before` is whether an alli-monitor ever brought a database to work at this place.
    """

    def __init__(self, database: Path, *, otherwise: str) -> None:
        self._path = Path(f"{database}.lock")
        self._otherwise = otherwise
        self._descriptor = -1
        self.used_before = False

    def __enter__(self) -> Self:
        try:
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StartError(
                f"cannot write {self._path}: {error.strerror}; "
                "storage.url must point into a directory that this user may write"
            ) from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._descriptor)
            raise StartError(
                f"another alli-monitor is running on {self._path.with_suffix('')}; {self._otherwise}"
            ) from error
        self.used_before = os.fstat(self._descriptor).st_size > 0
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._descriptor)

    def sign(self) -> None:
        """Note which process brought the database to work."""
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)
