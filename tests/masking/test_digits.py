"""Checks of cards and IBANs, against numbers that others published."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadowtap.masking.digits import IBAN_BYTES, iban_check, is_card, is_iban, luhn, luhn_digit

CARDS = """
4111111111111111 4012888888881881 4222222222222 5555555555554444 5105105105105100 2223003122003222 378282246310005
371449635398431 6011111111111117 6011000990139424 3530111333300000 30569309025904 38520000023237 6200000000000005
6759649826438453 2200000000000004 9792030394440796
"""
IBANS = """
AD1200012030200359100100 BE68539007547034 CH9300762011623852957 DE89370400440532013000 ES9121000418450200051332
FR1420041010050500013M02606 GB29NWBK60161331926819 IT60X0542811101000000123456 MT84MALT011000012345MTLCAST001S
NL91ABNA0417164300 NO9386011117947 PL61109010140000071219812874 SE4550000000058398257466 TR330006100519786457841326
"""


@pytest.mark.parametrize("card", CARDS.split())
def test_cards(card):
    assert is_card(card.encode())
    for digit in range(10):
        changed = (card[:-1] + str(digit)).encode()
        assert is_card(changed) == (changed == card.encode())


@pytest.mark.parametrize("iban", IBANS.split())
def test_ibans(iban):
    assert is_iban(iban.encode())
    assert len(iban) == IBAN_BYTES[iban[:2].encode()]
    assert not is_iban(iban[:-1].encode())
    assert not is_iban((iban[:4] + iban[5] + iban[4] + iban[6:]).encode()) or iban[4] == iban[5]


@given(st.text("0123456789", min_size=1, max_size=18))
def test_check_digits(digits):
    assert luhn(digits.encode() + luhn_digit(digits.encode()))
    account = digits.zfill(18).encode()
    assert is_iban(b"DE" + iban_check(b"DE", account) + account)


@pytest.mark.parametrize(
    "number", ["1795608000000", "0000000000000000", "9999000000000004", "7000000000000000", ""]
)
def test_what_is_no_card(number):
    assert not is_card(number.encode())
