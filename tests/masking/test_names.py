"""Which names are secret, and where."""

import re

import pytest
import re2
from hypothesis import given
from hypothesis import strategies as st

from shadowtap.masking import name_lists
from shadowtap.masking.fields import AFTER
from shadowtap.masking.names import Names, Place

WORDS = sorted(
    " ".join((name_lists.CREDENTIALS, name_lists.PERSONAL, name_lists.PARAMETERS, name_lists.ENDINGS)).split()
)


@pytest.mark.parametrize(
    "name",
    [
        "password", "Password", "pass-word", "user[password]", "user[password][]", "user.password", "ns:Password",
        "newPassword", "new_password", "a%63cess_token", "accessToken", "X-Amz-Signature", "client_secret", "JSESSIONID",
        "PHPSESSID", "connect.sid", "firstName", "first-name", "card.number", "card[number]", "api_key", "apiKey", "ssn",
        "address1", "csrfmiddlewaretoken", "__RequestVerificationToken", "$password", "cvv",
    ],
)  # fmt: skip
def test_secret_fields(name):
    assert Names().is_secret(Place.FIELD, name.encode())
    assert Names().is_secret(Place.PARAMETER, name.encode())


@pytest.mark.parametrize(
    "name",
    [
        "key", "code", "id", "keyboard", "monkey", "author", "passed", "span", "nextPageToken", "page_token", "max_tokens",
        "tokens_used", "session_count", "iphone", "hotel", "pinned", "authority", "secretary", "password_hint", "",
    ],
)  # fmt: skip
def test_other_fields(name):
    assert not Names().is_secret(Place.FIELD, name.encode())


def test_places_differ():
    names = Names()
    for name in (b"key", b"code", b"sig", b"ticket"):
        assert names.is_secret(Place.PARAMETER, name)
        assert not names.is_secret(Place.FIELD, name)
        assert not names.is_secret(Place.HEADER, name)
    assert names.is_secret(Place.HEADER, b"X-Forwarded-Client-Cert")
    assert not names.is_secret(Place.HEADER, b"Sec-WebSocket-Key")


def spelled(words, separator, camel):
    parts = words.split("_")
    return separator.join([parts[0], *(part.title() if camel else part for part in parts[1:])])


@given(
    st.sampled_from(WORDS), st.sampled_from(["", "_", "-", ".", " "]), st.booleans(),
    st.sampled_from(['"{}":', '"{}" : ', "&{}=", " {}=", "<{}>", "</x:{}>", 'name="{}" ', "x.{}:", "[{}]=", "%5B{}%5D="]),
)  # fmt: skip
def test_the_pattern_lets_every_secret_name_through(words, separator, camel, place):
    names = Names(fields=["my_own-field"])
    for spelling in (words, "my_own-field", "myOwnField"):
        name = spelled(spelling, separator, camel)
        assert names.is_secret(Place.PARAMETER, name.encode())
        text = b"{ " + place.format(name).encode() + b"x"
        assert re2.search(b"(?i)(?:" + names.pattern + b")" + AFTER, text)


@given(st.binary())
def test_any_name(name):
    names = Names(fields=["a*b"], keep=["*c"])
    for place in Place:
        names.is_secret(place, name)
    names.is_kept(name)


def test_wildcards():
    names = Names(fields=["internal_*", "*Id"], keep=["publicId"])
    assert names.is_secret(Place.FIELD, b"internalNote")
    assert names.is_secret(Place.HEADER, b"X-Customer-Id")
    assert not names.is_secret(Place.FIELD, b"public_id")
    assert names.is_kept(b"PublicId")
    assert re.search(b"id", names.pattern)
