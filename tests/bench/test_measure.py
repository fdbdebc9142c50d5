"""Measuring shows what there is to see."""

from tests.bench.measure import Timed, compare

NAMES = {"numbers": list(range(50))}


def test_a_statement_that_does_twice_as_much_costs_twice_as_much() -> None:
    double, single = Timed("sum(numbers); sum(numbers)", NAMES), Timed("sum(numbers)", NAMES)
    comparison = compare(double, single)
    assert 1.8 < comparison.ratio < 2.2
    assert 0.9 < comparison.same < 1.1


def test_the_loop_around_a_statement_does_not_count() -> None:
    double, single = Timed("len(numbers); len(numbers)", NAMES), Timed("len(numbers)", NAMES)
    assert compare(double, single).ratio > 1.8  # about 1.6 with the loop
