from __future__ import annotations

from haori.observe import Frequent


def test_what_happens_often_is_found_among_much_that_happens_once():
    frequent: Frequent[str] = Frequent(capacity=10)
    for number in range(1000):
        frequent.add(f"once-{number}")
        if number % 4 == 0:
            frequent.add("noisy")

    (thing, count), *_ = frequent.most(1)
    assert thing == "noisy"
    assert count >= 250


def test_what_fits_is_counted_exactly():
    frequent: Frequent[str] = Frequent(capacity=3)
    for thing in "abcab":
        frequent.add(thing)
    assert frequent.most(2) == [("a", 2), ("b", 2)]


def test_no_count_is_too_small_and_the_least_counted_gives_way():
    frequent: Frequent[str] = Frequent(capacity=2)
    for thing in "aaabbc":
        frequent.add(thing)
    assert frequent.most(3) == [("a", 3), ("c", 3)], "b had 2: c goes on from it"
    for thing in "ccd":
        frequent.add(thing)
    assert frequent.most(3) == [("c", 5), ("d", 4)]
