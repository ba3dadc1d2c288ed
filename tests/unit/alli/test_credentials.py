"""The key, and that nobody sees it."""

from __future__ import annotations

import pytest

from monitor.alli.credentials import ApiKey, Bearer
from tests.unit.alli.kit import KEY


@pytest.mark.parametrize(
    ("credential", "header"), [(ApiKey(KEY), ("API-KEY", KEY)), (Bearer(KEY), ("Authorization", f"Bearer {KEY}"))]
)
def test_a_credential_is_a_header_and_hides_in_repr(credential: ApiKey | Bearer, header: tuple[str, str]) -> None:
    """The header carries the secret; representations do not."""
    assert credential.header == header
    assert KEY not in repr(credential)
    assert KEY not in str(credential)


@pytest.mark.parametrize("kind", [ApiKey, Bearer])
@pytest.mark.parametrize("secret", ["", "sécret-1", "secret-1\n", "secret-1 x", "secret-1\0"])
def test_a_secret_that_no_header_can_carry_is_refused_unquoted(kind: type[ApiKey | Bearer], secret: str) -> None:
    """The mistake is found at the start, and the message does not show the secret."""
    with pytest.raises(ValueError, match="HTTP header") as caught:
        kind(secret)
    assert "cret-1" not in str(caught.value)
