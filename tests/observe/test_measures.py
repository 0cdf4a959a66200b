"""Numbers that are counted as things happen."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from haori.observe import MEASURES, Counter, Histogram, bound, facts, span


@pytest.fixture(autouse=True)
def _own_measures() -> Iterator[None]:
    before = dict(MEASURES)
    yield
    MEASURES.clear()
    MEASURES.update(before)


def test_a_counter_counts_by_its_labels():
    counter = Counter("test_things", "Things.", ("kind", "name"))

    counter.add("a", "x")
    counter.add("a", "x", amount=2)
    counter.add("b", "y")

    assert counter.values == {("a", "x"): 3, ("b", "y"): 1}
    assert MEASURES["test_things"] is counter


def test_what_is_gone_is_forgotten_with_all_that_was_counted_of_it():
    counter = Counter("test_things", "Things.", ("kind", "name"))
    for name in ("x", "y"):
        counter.add("a", name)
    counter.add("b", "x")

    counter.forget("a")

    assert counter.values == {("b", "x"): 1}


def test_a_histogram_keeps_buckets_and_a_sum():
    histogram = Histogram("test_seconds", "Seconds.", ("kind",), (0.1, 1.0))

    for value in (0.1, 0.5, 7.0, 8.0):
        histogram.observe(value, "a")

    tally = histogram.values["a",]
    assert tally.counts == [1, 1, 2]
    assert tally.total == pytest.approx(15.6)


def test_two_measures_cannot_have_one_name():
    Counter("test_things", "Things.")

    with pytest.raises(ValueError, match="two measures"):
        Histogram("test_things", "Others.")


def test_what_is_bound_is_seen_within_and_no_longer_after():
    with bound(application="shop", revision=""):
        with bound(operation="1"):
            within = dict(facts())
        between = dict(facts())

    assert within == {"application": "shop", "operation": "1"}
    assert between == {"application": "shop"}
    assert facts() == {}


def test_a_span_that_nobody_asked_for_is_one_and_the_same_nothing():
    assert span("look") is span("compare", revision="1")
