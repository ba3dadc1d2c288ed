from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.settings import Settings
from monitor.settings.sizes import format_size, parse_size

Load = Callable[..., Settings]


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("0GB", 0),
        ("1B", 1),
        ("3KB", 3072),
        ("3KiB", 3072),
        ("500MiB", 500 << 20),
        ("2GB", 2 << 30),
        ("1TB", 1 << 40),
    ],
)
def test_units_are_powers_of_1024(text: str, size: int) -> None:
    """Every unit is 1024 of the one before, with or without the i."""
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text", ["", "2", "B", "iB", "1iB", "2gb", "2 GB", "-1B", "1.5GB", "1PB", "\N{SUPERSCRIPT TWO}B", "1GB\n"]
)
def test_refuses_what_is_no_size(text: str) -> None:
    """A number without a unit, fractions, signs and spaces are errors that say how to write it."""
    with pytest.raises(ValueError, match="is not a size; write it as 500MB or 2GB"):
        parse_size(text)


@given(size=st.one_of(st.integers(0, 1 << 48), st.integers(0, 1 << 20).map(lambda count: count << 30)))
def test_what_is_written_is_what_is_read(size: int) -> None:
    """A size that is written is read as the same number of bytes."""
    assert parse_size(format_size(size)) == size


@pytest.mark.parametrize(
    ("section", "size"), [("", 2 << 30), ("max_size: 0", 0), ("max_size:", 2 << 30), ("max_size: 9MB", 9 << 20)]
)
def test_storage_has_a_largest_size(load_text: Load, section: str, size: int) -> None:
    """The size is 2GB where none is given, and 0 is without limit."""
    assert load_text(f"projects: {{p: {{api_key: k}}}}\nstorage:\n  {section}").storage.max_size == size
