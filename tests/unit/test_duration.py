"""Durations are read as Go reads them, and handed on as they were given."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.secrets.synced import CreationPolicy, SyncedSecret
from components.values.duration import seconds

# From the tests of Go's package time.
_DURATIONS = (
    *("0=0", "5s=5", "1478s=1478", "-5s=-5", "+5s=5", "+0=0", "5.0s=5", "5.6s=5.6", "5.s=5"),
    *(".5s=0.5", "1.004s=1.004", "100.00100s=100.001", "1m0s=60", "3h30m=12600", "10.5s4m=250.5"),
    *(
        "1h2m3s4ms5us6ns=3723.004005006",
        "39h9m14.425s=140954.425",
        "12µs=0.000012",
        "12μs=0.000012",
    ),
)


@pytest.mark.parametrize("pair", _DURATIONS)
def test_a_duration_is_as_long_as_go_says(pair: str) -> None:
    text, _, expected = pair.partition("=")
    assert seconds(text) == Fraction(expected)


_NO_DURATIONS = (
    *("", "3", "-", "+", "s", ".", "-.", ".s", "+.s", "1d", "1 m", " 1m", "1m ", "m", "1mm"),
    *("1e3s", "3000000h", "9223372036854775808ns", "--1s", "1,5s", "1H", "five minutes"),
    # A digit, but not one of ASCII's.
    "\uff11m",
)


@pytest.mark.parametrize("text", _NO_DURATIONS)
def test_what_go_refuses_is_no_duration(text: str) -> None:
    assert seconds(text) is None


_PARTS = st.lists(
    st.tuples(
        st.integers(0, 10**4),
        st.integers(0, 999),
        st.sampled_from(["ns", "us", "µs", "μs", "ms", "s", "m", "h"]),
    ),
    min_size=1,
    max_size=5,
)


@given(_PARTS)
def test_an_interval_is_handed_on_as_it_was_given(parts: list[tuple[int, int, str]]) -> None:
    text = "".join(f"{whole}.{fraction:03}{unit}" for whole, fraction, unit in parts)
    given_setting = {
        "name": "one",
        "store": "esc",
        "creationPolicy": CreationPolicy.OWNER,
        "refreshInterval": text,
        "data": {"KEY": "path"},
    }
    if (seconds(text) or 0) < 1:
        with pytest.raises(ValueError, match="shorter than a second"):
            SyncedSecret.model_validate(given_setting)
    else:
        assert SyncedSecret.model_validate(given_setting).refresh_interval == text


@given(st.text())
def test_no_text_ends_in_anything_but_an_answer(text: str) -> None:
    length = seconds(text)
    assert length is None or isinstance(length, Fraction)
