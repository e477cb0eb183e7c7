"""Key files."""

import pytest

from shadowtap.errors import UsageError
from shadowtap.masking import KEY_BYTES, key_of


def test_any_content_of_16_bytes_or_more_is_a_key():
    assert len(key_of(b"0123456789abcdef", "mask.key")) == KEY_BYTES
    assert key_of(b" 0123456789abcdef\n", "mask.key") == key_of(b"0123456789abcdef", "other")
    assert key_of(b"0123456789abcdeg", "mask.key") != key_of(b"0123456789abcdef", "mask.key")
    assert len(key_of(b"\0" * 10_000, "mask.key")) == KEY_BYTES


@pytest.mark.parametrize("content", [b"", b"secret\n", b" " * 40])
def test_less_is_refused(content):
    with pytest.raises(UsageError, match=r"mask\.key: a masking key has at least 16 bytes.*make one with"):
        key_of(content, "mask.key")
