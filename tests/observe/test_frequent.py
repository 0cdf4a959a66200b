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
