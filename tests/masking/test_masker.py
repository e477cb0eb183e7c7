"""The masker as a whole: one secret, one stand-in; formats; twice is once; the account."""

import base64
import json
import os
import re
import subprocess
import sys
from urllib.parse import quote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from masking.messages import request, response, sent
from shadowtap.events import Difference, Exchange, Observation, Outcome, Verdict, replace
from shadowtap.http1 import payload
from shadowtap.masking import SHAPES, Masker
from shadowtap.masking.digits import iban_check, is_card, is_iban, luhn, luhn_digit

KEY = b"0123456789abcdef"


@pytest.fixture
def masker():
    return Masker(KEY)


def digits(count):
    return st.text("0123456789", min_size=count, max_size=count)


CARDS = st.one_of(
    digits(14).map(lambda d: "4" + d), digits(13).map(lambda d: "55" + d), digits(12).map(lambda d: "34" + d)
).map(lambda body: body + luhn_digit(body.encode()).decode())
ACCOUNTS = st.one_of(
    digits(18).map(lambda d: ("DE", d)),
    digits(14).map(lambda d: ("GB", "NWBK" + d)),
    digits(11).map(lambda d: ("NO", d)),
    digits(16).map(lambda d: ("MT", "MALT" + d[:5] + "ABC" + d + "12")[:2]).map(lambda p: (p[0], p[1][:27])),
)


@settings(deadline=None)
@given(CARDS)
def test_a_card_stays_a_card_of_nobody(card):
    assert is_card(card.encode())
    shown = Masker(KEY).text(f"paid with {card}.")
    stand_in = re.fullmatch(r"paid with (\d+)\.", shown)[1].encode()
    assert len(stand_in) == len(card)
    assert luhn(stand_in)
    assert stand_in.startswith(b"9999")
    assert not is_card(stand_in)


@settings(deadline=None)
@given(ACCOUNTS)
def test_an_iban_stays_an_iban_of_its_country(account):
    country, bban = account
    if bban.startswith(("9999", "XXXX")):
        return
    iban = country + iban_check(country.encode(), bban.encode()).decode() + bban
    shown = Masker(KEY).text(f"to {iban}, please")[3:-8]
    assert is_iban(shown.encode())
    assert (shown[:2], len(shown)) == (country, len(iban))
    assert shown != iban
    assert [letter.isdigit() for letter in shown] == [letter.isdigit() for letter in iban]
    grouped = " ".join(iban[at : at + 4] for at in range(0, len(iban), 4))
    assert Masker(KEY).text(grouped).replace(" ", "") == shown


def test_a_jwt_stays_three_parts_that_say_json(masker):
    token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiJ9.c2ln"
    head, claims, signature = (
        masker.header(b"Authorization", b"Bearer " + token.encode()).split()[1].split(b".")
    )
    assert json.loads(base64.urlsafe_b64decode(head + b"==")) == {"alg": "none", "typ": "masked"}
    assert re.fullmatch(r"masked-[0-9a-f]{12}", json.loads(base64.urlsafe_b64decode(claims + b"=="))["sub"])
    assert base64.urlsafe_b64decode(signature + b"==") == b"masked"


def test_an_address_stays_one_at_a_reserved_domain(masker):
    assert re.fullmatch(r"Me <masked-[0-9a-f]{12}@example\.com>", masker.text("Me <Me@Shop.ORG>"))
    assert masker.text("me@shop.org") == masker.text("ME@shop.org")


def test_one_session_has_one_stand_in_wherever_it_is(masker):
    session = "s:0k/3+QW=="
    stand_in = masker.header(b"X-Session-Id", session.encode())
    assert re.fullmatch(rb"masked-[0-9a-f]{12}", stand_in)
    encoded = quote(session, safe="").encode()
    assert masker.header(b"Set-Cookie", b"sid=" + encoded + b"; Path=/") == b"sid=" + stand_in + b"; Path=/"
    assert masker.header(b"Cookie", b'a=1; sid="' + session.encode() + b'"').endswith(b"; sid=" + stand_in)
    assert masker.header(b"Authorization", b"Bearer " + session.encode()) == b"Bearer " + stand_in
    assert masker.target(b"/?token=" + encoded) == b"/?token=" + stand_in
    assert masker.target(b"/;jsessionid=" + encoded + b"?a=1") == b"/;jsessionid=" + stand_in + b"?a=1"
    body = json.dumps({"sessionId": session}).replace("/", "\\/").encode()
    assert json.loads(masker.body("application/json", None, body)) == {"sessionId": stand_in.decode()}
    form = masker.body("application/x-www-form-urlencoded", None, b"session=" + encoded)
    assert form == b"session=" + stand_in
    basic = masker.header(b"Authorization", b"Basic " + base64.b64encode(b"me:" + session.encode()))
    assert base64.b64decode(basic[6:]).split(b":")[1] == stand_in


def test_a_session_that_is_a_uuid_stays_one(masker):
    shown = masker.header(b"Cookie", b"sid=0189d3a1-9f5e-7c31-b1f2-0a1b2c3d4e5f")
    assert re.fullmatch(rb"sid=ffffffff-ffff-8[0-9a-f]{3}-b[0-9a-f]{3}-[0-9a-f]{12}", shown)


def test_a_number_stays_a_number(masker):
    shown = json.loads(
        masker.body("application/json", None, b'{"pin":1234,"otp":-1.5e3,"cvv":"123","n":1234}')
    )
    assert (shown["pin"], shown["n"]) == (shown["pin"], 1234)
    assert shown["pin"] > 10**14
    assert isinstance(shown["otp"], int)
    assert shown["cvv"].isdigit()


@settings(deadline=None)
@given(
    st.binary(min_size=1, max_size=40),
    st.binary(min_size=16, max_size=32),
    st.binary(min_size=16, max_size=32),
)
def test_the_key_decides(secret, one, other):
    secret = b"x" + secret + b"x"
    first = Masker(one).header(b"X-Api-Key", secret)
    assert first == Masker(one).header(b"X-Api-Key", secret)
    assert (first == Masker(other).header(b"X-Api-Key", secret)) == (one == other)


def test_every_process_makes_the_same_stand_ins():
    code = (
        "from shadowtap.masking import Masker; m = Masker(b'0123456789abcdef');"
        "print(m.text('me@shop.org 4111111111111111'), m.header(b'Cookie', b'a=b; c=d'))"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(runs) == 1


def test_without_a_key_nothing_tells_secrets_apart():
    masker = Masker(None)
    assert masker.header(b"Cookie", b"a=b; c=d") == b"a=***; c=***"
    assert masker.header(b"Authorization", b"Basic bWU6cHc=") == b"Basic ***"
    assert masker.target(b"/me@shop.org?token=x") == b"/***?token=***"
    assert masker.text("4111111111111111 and 5555555555554444") == "9999000000000004 and 9999000000000004"
    assert masker.body("application/json", None, b'{"pin":1}') == b'{"pin":999900000000000}'


WORDS = st.lists(
    st.sampled_from(
        [
            "me@shop.org", "4111 1111 1111 1111", "4111111111111111", "DE89370400440532013000", "+49 151 12345678",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiJ9.c2ln", "AKIAIOSFODNN7EXAMPLE", "https://x/?token=abc&b=a%40b.com",
            "https://me:pw@shop", 'said "no"', "\n", "a\\b", "50 %", "&lt;me&#64;shop.org&gt;", "é", "12", "",
            '{"token": "abc", "pin": 12}', "-----BEGIN PRIVATE KEY-----\nabc=\n-----END PRIVATE KEY-----",
        ]
    ),
    max_size=3,
).map(" ".join)  # fmt: skip
NAMES = st.sampled_from(["id", "note", "password", "token", "name", "value", "session", "email", "pin"])
DOCUMENTS = st.recursive(
    WORDS | st.integers() | st.none() | st.booleans(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4) | inner.map(json.dumps)
    ),
    max_leaves=8,
)


@settings(deadline=None)
@given(DOCUMENTS, st.sampled_from([None, 2]), st.booleans())
@example("+49 151 12345678 4111 1111 1111 1111", None, False)
def test_masking_twice_is_masking_once_and_json_stays_json(document, indent, ascii_only):
    body = json.dumps({"a": document}, indent=indent, ensure_ascii=ascii_only).encode()
    once = Masker(KEY).body("application/json", None, body)
    assert shape(json.loads(once)) == shape(json.loads(body))
    for secret in (
        b"me@shop",
        b"4111",
        b"0532013",
        b"12345678",
        b"AKIAIOS",
        b"eyJzdWIiOiI0",
        b"=abc",
        b"abc=",
    ):
        assert secret not in once
    again = Masker(KEY)
    assert again.body("application/json", None, once) == once
    assert not again.counts


def shape(document):
    """A document without its texts and numbers."""
    if isinstance(document, dict):
        return {name: shape(value) for name, value in document.items()}
    return [shape(value) for value in document] if isinstance(document, list) else type(document)


@settings(deadline=None)
@given(WORDS)
def test_heads_too(words):
    for name in (b"X-Note", b"Cookie", b"Set-Cookie", b"Authorization", b"Location", b"X-Api-Key"):
        once = Masker(KEY).header(name, words.encode())
        assert Masker(KEY).header(name, once) == once
    once = Masker(KEY).target(quote(words).encode())
    assert Masker(KEY).target(once) == once


def test_more_names_and_exceptions():
    masker = Masker(KEY, fields=["x-internal-user", "*_note"], keep=["theme", "x-csrf-*"])
    assert masker.header(b"X-Internal-User", b"jane").startswith(b"masked-")
    assert masker.target(b"/?xInternalUser=jane").startswith(b"/?xInternalUser=masked-")
    assert b"hello" not in masker.body(
        "application/json", None, b'{"privateNote":"hello","a":{"x_internal.user":"hello"}}'
    )
    assert masker.header(b"Cookie", b"theme=dark; a=b").startswith(b"theme=dark; a=masked-")
    assert masker.header(b"X-CSRF-Token", b"abc") == b"abc"
    assert masker.header(b"Cookie", b"theme=me@shop.org").startswith(b"theme=masked-")


def test_shapes_can_be_chosen():
    text = "me@shop.org 4111111111111111"
    assert Masker(KEY, shapes=[]).text(text) == text
    assert Masker(KEY, shapes=["email"]).text(text).endswith("@example.com 4111111111111111")
    assert {"card", "email", "iban", "jwt", "phone", "private_key", "service_key", "userinfo"} == SHAPES


def test_the_account(masker):
    asked = request(
        b"GET /u/me@shop.org?token=a HTTP/1.1\r\nCookie: a=b; c=d\r\nAuthorization: Bearer x\r\nX-Api-Key: k\r\n\r\n"
    )
    for _ in range(2):
        masker.request(asked)
    masker.body("application/json", None, b'{"password":"x","n":4111111111111111}')
    masker.body("image/png", None, b"\x89PNG\0")
    assert masker.counts == {
        "email": 2, "query": 2, "cookie": 4, "authorization": 2, "header": 2, "field": 1, "card": 1, "body_binary": 1,
    }  # fmt: skip


def test_what_holds_no_secret_is_the_very_same_value(masker):
    asked = request(b"GET /a?page=2 HTTP/1.1\r\nHost: shop\r\n\r\n")
    answer = response(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", b"hi")
    exchange = Exchange(asked, answer)
    assert masker.exchange(exchange) is exchange
    assert masker.exchange(Exchange(None, None)) == Exchange(None, None)
    assert not masker.counts


def test_an_observation(masker):
    asked = sent(b"application/json", b'{"password":"hunter2"}')
    answer = response(b"HTTP/1.1 200 OK\r\nSet-Cookie: sid=hunter2\r\n\r\n", b"hi hunter2@shop.org")
    outcome = Outcome("http://new", asked, 1, 2, 3, 200, answer.head, answer.body, None)
    changed = replace(outcome, request=request(b"GET /?token=hunter2 HTTP/1.1\r\n\r\n"))
    verdict = Verdict(
        "http://new",
        (
            Difference("header_value", "header set-cookie", "sid=hunter2; Path=/", ""),
            Difference("json_value", "body.user.password", "hunter2", "hunter2-x"),
            Difference(
                "json_value", "body.items[].owner", "hunter2@shop.org", "call 4111 1111 1111 1…", times=7
            ),
        ),
        noise=((Difference("json_value", "body.token", "hunter2", "hunter3"), "token"),),
    )
    seen = Observation(Exchange(asked, answer), "replayed", (outcome, changed), (verdict,))
    masked = masker.observation(seen)
    assert "hunter" not in repr(masked)
    assert "4111" not in repr(masked)
    assert masked.outcomes[0].request is masked.exchange.request
    assert masked.outcomes[0].head == masked.exchange.response.head
    assert masked.verdicts[0].differences[1].production == masked.verdicts[0].noise[0][0].production
    assert masked.verdicts[0].differences[2].target.startswith("call ")
    assert masked.verdicts[0].differences[2].times == 7
    assert masker.observation(masked) == masked


def test_the_chunks_of_a_targets_answer_stay_in_step(masker):
    body = b'{"password":"hunter2","after":1}'
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    framed = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    outcome = Outcome("http://new", sent(b"text/plain", b""), 1, 2, 3, 200, head, framed, None)
    masked = masker.outcome(outcome)
    assert b"hunter2" not in masked.body
    assert payload(masked.body, True).endswith(b'"after":1}')
