"""Rates: what is written is what is meant."""

import pytest

from shadowtap.config.rates import parse_rate


@pytest.mark.parametrize(
    ("text", "per_s"), [("500/s", 500), ("30/m", 0.5), ("1.5 / s", 1.5), ("3600/h", 1), ("6/min", 0.1)]
)
def test_rates(text, per_s):
    assert parse_rate(text) == pytest.approx(per_s)


@pytest.mark.parametrize("text", ["", "500", "/s", "-1/s", "5/d", "1e3/s", "٣/s"])
def test_no_rates(text):
    with pytest.raises(ValueError, match=r".*"):
        parse_rate(text)
