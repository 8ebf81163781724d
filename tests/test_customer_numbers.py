"""A customer number's check digit catches what fingers do on a keypad."""

from hypothesis import given
from hypothesis import strategies as st

from verification.numbers import check_digit, well_formed

numbers = st.integers(1_000_000, 9_999_999).map(lambda seven: f"{seven}{check_digit(str(seven))}")


@given(numbers, st.integers(0, 7), st.integers(1, 9))
def test_every_single_wrong_digit_is_caught(number: str, place: int, by: int) -> None:
    wrong = number[:place] + str((int(number[place]) + by) % 10) + number[place + 1 :]
    assert well_formed(number)
    assert not well_formed(wrong)


@given(numbers)
def test_most_swaps_of_neighbours_are_caught(number: str) -> None:
    """ISO 7064 MOD 11,10 catches nearly all; the rest are caught by the customer's own code."""
    swaps = [number[:i] + number[i + 1] + number[i] + number[i + 2 :] for i in range(7) if number[i] != number[i + 1]]
    assert sum(well_formed(swap) for swap in swaps) <= 2


@given(st.text(max_size=12))
def test_nothing_else_is_a_number(text: str) -> None:
    if well_formed(text):
        assert len(text) == 8
        assert text.isascii()
        assert text[0] != "0"
