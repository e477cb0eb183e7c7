"""Numbers of cards, bank accounts and telephones, with or without separators. Those that carry a check count only if
it is right, and only where they are no part of something else: a decimal fraction, a hash, a UUID."""

import re
from collections.abc import Iterator

from shadowtap.masking.digits import IBAN_BYTES, is_card, is_iban, is_masked_card
from shadowtap.masking.linear import finder
from shadowtap.masking.spans import Span
from shadowtap.masking.standins import StandIns, is_masked_iban

_SEPARATOR = rb"(?:\xc2\xa0|[ .+_-])"
_COUNTRY = rb"(?:" + rb"|".join(sorted(IBAN_BYTES)) + rb")"
CARD_GATE = rb"(?:^|[^0-9])(?:[2-689](?:" + _SEPARATOR + rb"?[0-9]){12}|1[0-9]{14}(?:[^0-9]|$))"
IBAN_GATE = rb"(?i)" + _COUNTRY + rb"[0-9]{2}(?:" + _SEPARATOR + rb"?[a-z0-9]){3}"
PHONE_GATE = rb"\+[1-9](?:(?:[ ().-]{0,2}|\+)[0-9]){7}"

_sequence = finder(rb"[0-9](?:" + _SEPARATOR + rb"?[0-9]){12,}")
_iban = finder(rb"(?i)" + _COUNTRY + rb"[0-9]{2}")
_GROUP = re.compile(rb"([0-9]++)(" + _SEPARATOR + rb"?)")
_MAX_CARD = 19
_PHONE = re.compile(rb"(?<![0-9A-Za-z+)\]_])\+[1-9](?:(?:[ ().-]{0,2}|\+)[0-9]){7,14}(?![0-9])")
_ACCOUNTS = {
    length: re.compile(rb"(?:" + _SEPARATOR + rb"?[A-Za-z0-9]){%d}(?![A-Za-z0-9])" % (length - 4))
    for length in set(IBAN_BYTES.values())
}
_LAYOUT = re.compile(_SEPARATOR + rb"|[()]")
_UUID = re.compile(rb"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_HASH = re.compile(rb"(?=[0-9]*[a-f])[0-9a-f]{20,}|(?=[0-9]*[A-F])[0-9A-F]{20,}")
_WORD = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_AROUND = 130
"""Octets looked at around a number: the longest hash in use has 128 digits."""


def cards(text: bytes, stand_ins: StandIns) -> Iterator[Span]:
    """Numbers of payment cards, 13 to 19 digits (ISO/IEC 7812)."""
    end = 0
    while (sequence := _sequence(text, end)) is not None:
        groups = list(_GROUP.finditer(text, *sequence))
        at, end = 0, sequence[1]
        while at < len(groups):
            taken = _card_groups(groups, at)
            if taken:
                start, last = groups[at].start(), groups[at + taken - 1].end(1)
                card = bare(text[start:last])
                if not is_masked_card(card) and not _is_part(text, start, last):
                    yield Span(start, last, _laid_out(text[start:last], stand_ins.card(card)), "card")
            at += taken or 1


def ibans(text: bytes, stand_ins: StandIns) -> Iterator[Span]:
    """International bank account numbers (ISO 13616)."""
    end = 0
    while (found := _iban(text, end)) is not None:
        start, end = found
        account = _ACCOUNTS[IBAN_BYTES[text[start : start + 2].upper()]].match(text, end)
        if account is None or text[start - 1 : start].isalnum():
            end = start + 1
            continue
        written = text[start : account.end()]
        iban = bare(written).upper()
        if is_iban(iban) and not is_masked_iban(iban):
            end = account.end()
            yield Span(start, end, _laid_out(written, stand_ins.iban(iban)), "iban")


def phones(text: bytes, stand_ins: StandIns) -> Iterator[Span]:
    """International telephone numbers with their + (ITU-T E.164)."""
    at = text.find(b"+")
    while at >= 0:
        found = _PHONE.match(text, at)
        at = text.find(b"+", at + 1)
        number = bare(found[0]) if found else b""
        if found and not number.startswith(b"999"):
            stand_in = stand_ins.phone(number)
            shown = b"+" + _laid_out(found[0][1:], stand_in[1:]) if stand_in[:1] == b"+" else stand_in
            yield Span(*found.span(), shown, "phone")


def _card_groups(groups: list[re.Match[bytes]], at: int) -> int:
    """How many groups of digits from here on make a card; 0 where none do."""
    first = groups[at]
    if len(first[1]) >= 13:
        in_fraction = (at and groups[at - 1][2] == b".") or (first[2] == b"." and at + 1 < len(groups))
        return int(not in_fraction and _is_any_card(first[1]))
    separator, card, found = first[2], first[1], 0
    for taken, group in enumerate(groups[at + 1 : at + 7], 2):
        if len(groups[at + taken - 2][1]) < 3 or (separator == b"." and len(groups[at + taken - 2][1]) != 4):
            break
        card += group[1]
        if len(card) > _MAX_CARD:
            break
        if _is_any_card(card):
            found = taken
        if group[2] != separator:
            break
    return found


def _is_any_card(digits: bytes) -> bool:
    """Whether these are the digits of a card or of its stand-in, which must not become a part of another card."""
    return is_card(digits) or is_masked_card(digits)


def _is_part(text: bytes, start: int, end: int) -> bool:
    """Whether this number is a part of a hash or a UUID."""
    before, after = text[max(start - _AROUND, 0) : start], text[end : end + _AROUND]
    word = before[len(before.rstrip(_WORD)) :], after[: len(after) - len(after.lstrip(_WORD))]
    if any(word) and _HASH.fullmatch(word[0] + text[start:end] + word[1]):
        return True
    around = before[-36:] + text[start:end] + after[:36]
    place = min(start, 36)
    return any(
        found.start() < place + end - start and found.end() > place for found in _UUID.finditer(around)
    )


def bare(written: bytes) -> bytes:
    """A number without its separators."""
    return _LAYOUT.sub(b"", written)


def _laid_out(written: bytes, stand_in: bytes) -> bytes:
    """The stand-in with the separators of what it stands for."""
    if written.isalnum() or len(stand_in) != len(bare(written)):
        return stand_in
    parts: list[bytes] = []
    at = used = 0
    for separator in _LAYOUT.finditer(written):
        parts += (stand_in[used : used + separator.start() - at], separator[0])
        used += separator.start() - at
        at = separator.end()
    return b"".join(parts) + stand_in[used:]
