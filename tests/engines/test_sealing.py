"""Seals on remembered answers."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsuite.engines.sealing import KEY, KEY_FILE, cache_key, holds, sealed
from evalsuite.engines.store import Store
from evalsuite.errors import InvalidInput

SECRET = b"0123456789abcdef"


@given(st.text(), st.text(), st.text(), st.text())
def test_a_seal_holds_for_its_entry_alone(
    address: str, value: str, other: str, another: str
) -> None:
    seal = sealed(SECRET, address, value)
    assert holds(SECRET, address, value, seal)
    assert not holds(SECRET + b"!", address, value, seal)
    assert holds(SECRET, other, another, seal) is ((other, another) == (address, value))


def test_what_a_store_with_a_key_writes_is_sealed_and_nothing_else(tmp_path: Path) -> None:
    plain, own = Store(tmp_path / "s"), Store(tmp_path / "s", SECRET)
    plain.put({"a": 1})
    own.put({"a": 2, "b": 3})
    assert own.get(["a", "b"]) == {"a": 1, "b": 3}
    assert own.sealed(["a", "b", "c"]) == {"b"}
    assert Store(tmp_path / "s", SECRET + b"!").sealed(["a", "b"]) == frozenset()
    assert plain.sealed(["a", "b"]) == frozenset()


def test_an_entry_that_was_changed_loses_its_seal(tmp_path: Path) -> None:
    import sqlite3

    own = Store(tmp_path / "s", SECRET)
    own.put({"a": 1, "b": 1})
    own.close()
    with sqlite3.connect(tmp_path / "s") as connection:
        connection.execute("UPDATE entries SET value = '2' WHERE key = 'a'")
    connection.close()
    again = Store(tmp_path / "s", SECRET)
    assert again.sealed(["a", "b"]) == {"b"}


def test_the_key_comes_from_the_environment_or_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv(KEY, raising=False)
    monkeypatch.delenv(KEY_FILE, raising=False)
    assert cache_key() is None
    monkeypatch.setenv(KEY, SECRET.decode())
    assert cache_key() == SECRET
    file = tmp_path / "key"
    file.write_bytes(SECRET + b"\n")
    monkeypatch.setenv(KEY_FILE, str(file))
    with pytest.raises(InvalidInput, match="both set"):
        cache_key()
    monkeypatch.delenv(KEY)
    assert cache_key() == SECRET
    file.write_bytes(b"short")
    with pytest.raises(InvalidInput, match=r"the key has 5 bytes; give it 16 to 4096"):
        cache_key()
    file.unlink()
    with pytest.raises(InvalidInput, match="cannot be read"):
        cache_key()
