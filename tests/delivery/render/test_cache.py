"""Whatever happens to the files of the cache, what is read is what was written, and it never grows beyond its limit."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from haori.delivery.render.cache import SealedCache
from haori.delivery.render.sealing import Seal

LIMIT = 20_000


@pytest.mark.parametrize("seed", range(5))
def test_the_cache_gives_what_was_written_or_nothing(tmp_path: Path, seed: int) -> None:
    rng, seal = random.Random(seed), Seal(bytes(32), "render")
    cache = SealedCache(tmp_path, seal, limit_bytes=LIMIT)
    written: dict[str, bytes] = {}
    for _ in range(400):
        name = seal.name(bytes([rng.randrange(60)]))
        path = tmp_path / name[:2] / name
        what = rng.random()
        if what < 0.5:
            written[name] = rng.randbytes(rng.randrange(1, 900))
            cache.write(name, written[name])
        elif what < 0.6 and path.exists():
            content = bytearray(path.read_bytes())
            content[rng.randrange(len(content))] ^= 1
            path.write_bytes(content)
            assert cache.read(name) is None
        else:
            assert cache.read(name) in (None, written.get(name))
        assert cache.bytes <= LIMIT
    assert sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()) == cache.bytes
    again = SealedCache(tmp_path, seal, limit_bytes=LIMIT)
    assert (len(again), again.bytes) == (len(cache), cache.bytes)


def test_what_a_killed_process_left_half_written_is_swept(tmp_path: Path) -> None:
    (tmp_path / "ab").mkdir()
    (tmp_path / "ab" / ".abcd.1234").write_bytes(b"half")
    assert len(SealedCache(tmp_path, Seal(bytes(32), "render"), limit_bytes=LIMIT)) == 0
    assert not (tmp_path / "ab" / ".abcd.1234").exists()


def test_an_entry_opens_under_its_own_name_alone(tmp_path: Path) -> None:
    seal = Seal(bytes(32), "render")
    cache = SealedCache(tmp_path, seal, limit_bytes=LIMIT)
    one, other = seal.name(b"one"), seal.name(b"other")
    cache.write(one, b"content")
    (tmp_path / other[:2]).mkdir(exist_ok=True)
    os.rename(tmp_path / one[:2] / one, tmp_path / other[:2] / other)
    assert cache.read(other) is None
