"""Programs of the operating system that tests of real tools run."""

from __future__ import annotations

import shutil

import pytest

__all__ = ["needs"]


def needs(*programs: str, package: str) -> pytest.MarkDecorator:
    """Skip a test where one of `programs` is missing, and say which Debian package has it."""
    missing = [program for program in programs if shutil.which(program) is None]
    return pytest.mark.skipif(bool(missing), reason=f"needs {', '.join(missing)}: install the Debian package {package}")
