"""Pairs of a file that cannot be loaded and what is said about it: `invalid/*.yml` with a `.txt` of the same name."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.errors import ConfigErrors
from monitor.rules.files import load

FILES = sorted((Path(__file__).parent / "invalid").glob("*.yml"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_says_what_is_wrong_and_where(file: Path) -> None:
    """Each invalid file is refused with exactly the errors written beside it: line, column and what to do."""
    with pytest.raises(ConfigErrors) as refused:
        load([file])
    said = [
        f"{error.line}:{error.column}: {error.message}".replace(str(file), file.name) for error in refused.value.errors
    ]
    assert said == file.with_suffix(".txt").read_text(encoding="utf-8").splitlines()
