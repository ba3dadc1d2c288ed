"""A service's unit file, and its filter of system calls as systemd would make it."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyseccomp

__all__ = ["read_unit", "system_call_filter"]

_PROT_WRITE, _PROT_EXEC, _SHM_EXEC = 0x2, 0x4, 0o100000


def read_unit(file: Path) -> dict[str, list[str]]:
    """Return the values of each key, in their order; keys of different sections are different here."""
    found: dict[str, list[str]] = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.startswith(("#", ";")):
            found.setdefault(key, []).append(value)
    return found


def system_call_filter(unit: Mapping[str, Sequence[str]]) -> bytes:
    """
    Return the program that SystemCallFilter, RestrictAddressFamilies and MemoryDenyWriteExecute make together.

    What they forbid fails with EPERM. systemd answers other families with EAFNOSUPPORT; both are an OSError.
    """
    allowed = _allowed(unit["SystemCallFilter"])
    conditional = {"socket", "mmap", "mprotect", "pkey_mprotect", "shmat"}
    filter_ = pyseccomp.SyscallFilter(pyseccomp.ERRNO(1))
    for name in sorted(allowed - conditional):
        if pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, name) >= 0:  # else another machine has it
            filter_.add_rule(pyseccomp.ALLOW, name)
    for family in unit["RestrictAddressFamilies"][0].split():
        filter_.add_rule(pyseccomp.ALLOW, "socket", pyseccomp.Arg(0, pyseccomp.EQ, getattr(socket, family)))
    assert unit["MemoryDenyWriteExecute"] == ["yes"]
    _deny_writable_code(filter_)
    with tempfile.TemporaryFile() as program:
        filter_.export_bpf(program)
        program.seek(0)
        return program.read()


def _deny_writable_code(filter_: pyseccomp.SyscallFilter) -> None:
    """Allow memory that is written or executed, not both, and none that becomes executable: systemd.exec(5)."""
    both = _PROT_WRITE | _PROT_EXEC
    for protection in (0, _PROT_WRITE, _PROT_EXEC):
        filter_.add_rule(pyseccomp.ALLOW, "mmap", pyseccomp.Arg(2, pyseccomp.MASKED_EQ, both, protection))
    for name in ("mprotect", "pkey_mprotect"):
        filter_.add_rule(pyseccomp.ALLOW, name, pyseccomp.Arg(2, pyseccomp.MASKED_EQ, _PROT_EXEC, 0))
    filter_.add_rule(pyseccomp.ALLOW, "shmat", pyseccomp.Arg(2, pyseccomp.MASKED_EQ, _SHM_EXEC, 0))


def _allowed(values: Sequence[str]) -> set[str]:
    """Return the names of the system calls that a list of SystemCallFilter values leaves."""
    sets = _sets()

    def members(name: str) -> set[str]:
        return set().union(*map(members, sets[name])) if name.startswith("@") else {name}

    allowed: set[str] = members("@default")
    for value in values:
        names = set().union(*map(members, value.removeprefix("~").split()))
        allowed = allowed - names if value.startswith("~") else allowed | names
    return allowed


def _sets() -> dict[str, list[str]]:
    """Return what is in each of systemd's sets of system calls: names, and names of sets."""
    analyze = shutil.which("systemd-analyze")
    assert analyze is not None
    printed = subprocess.run([analyze, "syscall-filter"], check=True, capture_output=True, text=True).stdout
    found: dict[str, list[str]] = {}
    name = ""
    for line in printed.splitlines():
        word = line.strip()
        if line.startswith("@"):
            name = word
            found[name] = []
        elif line.startswith("    ") and not word.startswith("#"):
            found[name].append(word)
    return found
