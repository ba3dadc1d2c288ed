"""A process in a file system of its own, by bubblewrap: what a container or a sandboxed service may see and write."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["COMMAND", "Process", "Sandbox"]

COMMAND = Path(sys.prefix) / "bin" / "alli-monitor"
"""The installed command."""

_ROOT = Path(__file__).parents[2]
_SYSTEM = ("usr", "bin", "sbin", "lib", "lib64")
_ETC = ("hosts", "nsswitch.conf", "resolv.conf", "ld.so.cache", "ssl", "localtime")
_ENDS_WITHIN = 20.0  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """
    Where a process runs: a root file system that cannot be written, without capabilities, as `uid`.

    `readable` and `writable` are mounted, by the path inside. `temporary` are empty directories of memory. `seccomp`
    is a filter of system calls as the kernel knows it. `is_container` is whether it sees no other processes and is
    the first, which the kernel lets ignore every signal that it does not handle.
    """

    uid: int
    cwd: str
    umask: int = 0o022
    readable: Mapping[str, Path] = field(default_factory=dict)
    writable: Mapping[str, Path] = field(default_factory=dict)
    temporary: Sequence[str] = ()
    seccomp: bytes | None = None
    is_container: bool = False

    def arguments(self) -> list[str]:
        """Return what bwrap is told."""
        system = [Path("/") / name for name in _SYSTEM] + [Path("/etc") / name for name in _ETC]
        python = [Path(sys.base_prefix), Path(sys.prefix), _ROOT]
        told = ["--unshare-user", "--unshare-ipc", "--uid", str(self.uid), "--gid", str(self.uid)]
        told += (
            ["--unshare-pid", "--as-pid-1", "--proc", "/proc"] if self.is_container else ["--bind", "/proc", "/proc"]
        )
        told += ["--die-with-parent", "--cap-drop", "ALL", "--dev", "/dev"]
        for path in (path for path in system if path.exists()):
            is_link = path.is_symlink() and path.name in _SYSTEM
            told += ["--symlink", str(path.readlink()), str(path)] if is_link else ["--ro-bind", str(path), str(path)]
        for inside in self.temporary:
            told += ["--tmpfs", inside]
        for path in python:  # after what is temporary: a clone may be in there
            told += ["--ro-bind", str(path), str(path)]
        for inside, path in self.readable.items():
            told += ["--ro-bind", str(path), inside]
        for inside, path in self.writable.items():
            told += ["--bind", str(path), inside]
        return [*told, "--remount-ro", "/", "--chdir", self.cwd]

    @asynccontextmanager
    async def running(self, arguments: Sequence[str], environ: Mapping[str, str]) -> AsyncIterator[Process]:
        """Run a program, named by its path inside, with nothing else in its environment; it is killed at the end."""
        told, told_by = os.pipe()
        options = ["--info-fd", str(told_by), "--clearenv"]
        passed = [told_by]
        if self.seccomp is not None:
            program = os.memfd_create("seccomp")
            os.write(program, self.seccomp)
            os.lseek(program, 0, os.SEEK_SET)
            options += ["--seccomp", str(program)]
            passed.append(program)
        for name, value in environ.items():
            options += ["--setenv", name, value]
        process = await asyncio.create_subprocess_exec(
            "bwrap",
            *self.arguments(),
            *options,
            *arguments,
            pass_fds=passed,
            umask=self.umask,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        for descriptor in passed:
            os.close(descriptor)
        with os.fdopen(told) as info:
            about = await asyncio.to_thread(info.read)
        try:
            yield Process(process, pid=json.loads(about)["child-pid"] if about else 0)
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


class Process:
    """A program in a sandbox; `log` is what it wrote so far, `pid` its number outside."""

    def __init__(self, process: asyncio.subprocess.Process, *, pid: int) -> None:
        self.log: list[str] = []
        self.pid = pid
        self._process = process
        self._reading = asyncio.create_task(self._read())

    def signal(self, number: int) -> None:
        """Send a signal to the program itself."""
        os.kill(self.pid, number)

    async def ended(self) -> int:
        """Wait for its end, and return its exit code: as of a shell, 128 and the signal where one ended it."""
        async with asyncio.timeout(_ENDS_WITHIN):
            code = await self._process.wait()
            await self._reading
        return code

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            self.log.append(line.decode("utf-8", "replace").rstrip())
