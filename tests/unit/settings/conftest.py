"""What the tests of the settings share: writing a config file and loading it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from monitor.errors import ConfigErrors
from monitor.settings import Settings, load

Load = Callable[..., Settings]
Errors = Callable[..., list[str]]


@pytest.fixture
def load_text(tmp_path: Path) -> Load:
    """Return a function that loads a config file with the given text, and an environment."""

    def load_it(text: str, environ: Mapping[str, str] | None = None) -> Settings:
        file = tmp_path / "monitor.yml"
        file.write_text(text, encoding="utf-8")
        return load(file, environ or {})

    return load_it


@pytest.fixture
def errors_of(load_text: Load, tmp_path: Path) -> Errors:
    """Return a function that tells what is wrong with a config file, one line each, without its directory."""

    def errors(text: str, environ: Mapping[str, str] | None = None) -> list[str]:
        with pytest.raises(ConfigErrors) as caught:
            load_text(text, environ)
        return str(caught.value).replace(f"{tmp_path}/", "").split("\n")

    return errors
