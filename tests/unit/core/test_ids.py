"""Sortable ids."""

import subprocess
import sys
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snowfox.core.ids import LENGTH, Ids, KernelRandom, is_id, new_id
from snowfox.testing.clock import VirtualClock


def test_form():
    """An id has 26 characters of Crockford's alphabet and begins with the time."""
    clock = VirtualClock(wall=0)
    assert new_id(clock, Random(1))[:10] == "0" * 10
    clock.jump_wall((1 << 48) - 1)
    text = new_id(clock, Random(1))
    assert text[:10] == "7ZZZZZZZZZ"
    assert len(text) == LENGTH
    assert is_id(text)


def test_known_value():
    """The time part equals the ULID specification's example."""
    assert new_id(VirtualClock(wall=1469918176385))[:10] == "01ARYZ6S41"


@pytest.mark.parametrize("text", ["", "0" * 25, "0" * 27, "8" + "0" * 25, "0" * 25 + "I", "0" * 25 + "u"])
def test_what_is_no_id(text):
    """Wrong length, letter or overflow is told."""
    assert not is_id(text)
    if text:
        with pytest.raises(ValueError, match="is not an id"):
            Ids(VirtualClock(), after=text)


@given(st.lists(st.integers(-100_000, 100_000), max_size=50), st.integers())
def test_grow_over_a_clock_that_jumps(jumps, seed):
    """Ids of one source grow whatever the wall clock does."""
    clock = VirtualClock()
    ids = Ids(clock, Random(seed))
    made = [ids.new()]
    for jump in jumps:
        clock.jump_wall(jump)
        made.append(ids.new())
    assert made == sorted(made)
    assert len(set(made)) == len(made)


def test_go_on_after_another():
    """Ids made after a restart are greater than the last one stored, though the clock went back."""
    clock = VirtualClock()
    last = Ids(clock).new()
    clock.jump_wall(-1_000_000)
    assert Ids(clock, after=last).new() > last


def test_unique_over_processes():
    """Two processes that make ids at the same time make different ones."""
    code = "from snowfox.core.ids import *; from snowfox.core.clock import *; i=Ids(SystemClock()); "
    code += "print(*[i.new() for _ in range(2000)])"
    path = next(entry for entry in sys.path if entry.endswith("src"))
    starts = [
        subprocess.Popen(
            [sys.executable, "-S", "-c", code], stdout=subprocess.PIPE, env={"PYTHONPATH": path}, text=True
        )
        for _ in range(2)
    ]
    made = [word for start in starts for word in start.communicate(timeout=60)[0].split()]
    assert len(made) == 4000
    assert len(set(made)) == 4000


def test_kernel_random_is_uniform_enough():
    """KernelRandom gives as many bits as asked, and numbers in [0, 1) around the middle."""
    random = KernelRandom()
    assert all(random.getrandbits(5) < 32 for _ in range(200))
    assert max(random.getrandbits(80) for _ in range(50)).bit_length() > 64
    numbers = [random.random() for _ in range(2000)]
    assert all(0 <= number < 1 for number in numbers)
    assert 0.4 < sum(numbers) / len(numbers) < 0.6
