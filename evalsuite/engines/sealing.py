"""Seals on remembered answers: whoever has no key can neither make an answer nor change one.

A cache is a file that others may write: a CI cache, a shared disk. An answer that was put there
under another adapter's address would be taken for that adapter's. With a key each entry carries an
HMAC-SHA-256 (RFC 2104) over its address and value. The key comes from ``EVALSUITE_CACHE_KEY``, or
from the file that ``EVALSUITE_CACHE_KEY_FILE`` names, so that shards of one run can share it.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from pathlib import Path

from evalsuite.errors import InvalidInput

KEY, KEY_FILE = "EVALSUITE_CACHE_KEY", "EVALSUITE_CACHE_KEY_FILE"
SHORTEST = 16
"""Bytes of a key."""
_LONGEST = 4096


def cache_key() -> bytes | None:
    """The key that the environment names; None: there is none, and nothing is sealed.

    Raises:
        InvalidInput: both variables are set, the file cannot be read, or the key is too short.
    """
    text, file = os.environ.get(KEY), os.environ.get(KEY_FILE)
    if text and file:
        raise InvalidInput(f"{KEY} and {KEY_FILE} are both set; keep one")
    if file:
        try:
            with Path(file).open("rb") as stream:
                found = stream.read(_LONGEST + 1).strip()
        except OSError as problem:
            raise InvalidInput(
                f"{KEY_FILE}={file!r} cannot be read ({problem.strerror}); name a file that holds "
                "the key"
            ) from problem
    elif text:
        found = text.encode()
    else:
        return None
    where = KEY_FILE if file else KEY
    if not SHORTEST <= len(found) <= _LONGEST:
        raise InvalidInput(
            f"{where}: the key has {len(found)} bytes; give it {SHORTEST} to {_LONGEST}, such as "
            "the output of: openssl rand -hex 32"
        )
    return found


def sealed(key: bytes, address: str, value: str) -> str:
    """The seal of an entry, in hexadecimal."""
    # With its length, so that nothing can move from the address to the value.
    return hmac.new(key, f"{len(address)}:{address}{value}".encode(), hashlib.sha256).hexdigest()


def holds(key: bytes, address: str, value: str, seal: str) -> bool:
    """Whether an entry carries the seal that this key gives it."""
    return hmac.compare_digest(sealed(key, address, value), seal)
