"""Why somebody could not be reached, in words for people."""

from __future__ import annotations

import os
import re
import socket
import ssl
from collections.abc import Iterator

__all__ = ["reason"]


def reason(error: BaseException) -> str:
    """
    Return what kept us from reaching somebody, by the error that a library raised and by what that came from.

    ``connection refused``, ``name or service not known``, ``its certificate is not trusted (self-signed certificate)``:
    the words of the operating system and of OpenSSL. Where there are none it is the kind of the error, ``read error``.
    No message of a library is in it: those may quote addresses, or what the other side sent.
    """
    for each in _origins(error):
        if isinstance(each, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted ({each.verify_message.rstrip('.')})"
        if isinstance(each, ssl.SSLError) and each.reason:
            return f"no TLS with it ({each.reason.replace('_', ' ').lower()})"
        if isinstance(each, socket.gaierror) and each.strerror:
            return each.strerror.lower()
        if isinstance(each, OSError) and each.errno is not None and each.errno > 0:
            return os.strerror(each.errno).lower()
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(error).__name__).lower()


def _origins(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and what it came from, the root last; of several that came together the first."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        yield error
        seen.add(id(error))
        first = error.exceptions[0] if isinstance(error, BaseExceptionGroup) else None
        error = error.__cause__ or first or error.__context__
