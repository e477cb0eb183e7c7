"""The arithmetic of numbers that carry their own check: cards (ISO/IEC 7812) and IBANs (ISO 13616).

A stand-in has a right check too, and a beginning that nobody's number has: a card begins with 9999 (the major
industry 9 belongs to countries, and no country has the number 999), an IBAN's account with four nines or X.
"""

import re

MARK = b"9999"
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)

CARD = re.compile(
    rb"4(?:[0-9]{12}|[0-9]{15}|[0-9]{18})"  # Visa
    rb"|5[1-5][0-9]{14}|2[2-7][0-9]{14,17}"  # Mastercard, Mir
    rb"|3[47][0-9]{13}|3(?:0[0-59]|[689][0-9])[0-9]{11,16}|35[0-9]{14,17}"  # American Express, Diners, JCB
    rb"|5[06-9][0-9]{11,17}|6[0-9]{12,18}|8[12][0-9]{14,17}"  # Maestro, Discover, UnionPay, RuPay
    rb"|97(?:92|04)[0-9]{12,15}|1[0-9]{14}"  # Troy, Napas, UATP
)
"""Beginnings and lengths that cards have. Timestamps (1…, 13, 16 or 19 digits) have others."""

_IBANS = """
AD:24 AE:23 AL:28 AT:20 AZ:28 BA:20 BE:16 BG:22 BH:22 BI:27 BR:29 BY:28 CH:21 CR:22 CY:28 CZ:24 DE:22 DJ:27
DK:18 DO:28 EE:20 EG:29 ES:24 FI:18 FK:18 FO:18 FR:27 GB:22 GE:22 GI:23 GL:18 GR:27 GT:28 HN:28 HR:21 HU:28
IE:22 IL:23 IQ:23 IS:26 IT:27 JO:30 KW:30 KZ:20 LB:28 LC:32 LI:21 LT:20 LU:20 LV:21 LY:25 MC:27 MD:24 ME:22
MK:19 MN:20 MR:27 MT:31 MU:30 NI:28 NL:18 NO:15 OM:23 PK:24 PL:28 PS:29 PT:25 QA:29 RO:24 RS:22 RU:33 SA:24
SC:31 SD:18 SE:24 SI:19 SK:24 SM:27 SO:23 ST:25 SV:28 TL:23 TN:24 TR:26 UA:29 VA:22 VG:24 XK:20 YE:30
"""
IBAN_BYTES = {
    country.encode(): int(length) for country, length in (pair.split(":") for pair in _IBANS.split())
}
"""The length of an IBAN by country, from the registry that SWIFT keeps for ISO 13616 (release 99)."""


def luhn(digits: bytes) -> bool:
    """Whether the last of these decimal digits checks the others (ISO/IEC 7812-1, annex B)."""
    return _luhn_sum(digits) % 10 == 0


def luhn_digit(digits: bytes) -> bytes:
    """The check digit for these digits."""
    return b"%d" % (-_luhn_sum(digits + b"0") % 10)


def is_card(digits: bytes) -> bool:
    """Whether these may be the digits of a card; a stand-in is none."""
    return CARD.fullmatch(digits) is not None and luhn(digits)


def is_masked_card(digits: bytes) -> bool:
    """Whether these are the digits of a card's stand-in."""
    return digits.startswith(MARK) and 13 <= len(digits) <= 19 and digits.isdigit() and luhn(digits)


def is_iban(iban: bytes) -> bool:
    """Whether this is an IBAN, in capitals and without white space."""
    return len(iban) == IBAN_BYTES.get(iban[:2], 0) and iban[2:4].isdigit() and _mod97(iban) == 1


def iban_check(country: bytes, account: bytes) -> bytes:
    """The two check digits for a country and an account (BBAN)."""
    return b"%02d" % (98 - _mod97(country + b"00" + account))


def _luhn_sum(digits: bytes) -> int:
    values = [digit - 48 for digit in reversed(digits)]
    return sum(values[::2]) + sum([_DOUBLED[value] for value in values[1::2]])


def _mod97(iban: bytes) -> int:
    moved = iban[4:] + iban[:4]
    return int("".join([str(int(chr(octet), 36)) for octet in moved])) % 97
