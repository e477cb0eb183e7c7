"""Key files as people make them."""

import base64

import pytest

from shadowtap.errors import UsageError
from shadowtap.record import RecordingKey, read_key

SECRET = bytes(range(100, 132))


@pytest.mark.parametrize(
    "octets",
    [
        SECRET,
        base64.b64encode(SECRET) + b"\n",
        SECRET.hex().encode(),
        SECRET.hex().upper().encode() + b"\r\n",
    ],
)
def test_raw_base64_and_hexadecimal_keys_are_read(tmp_path, octets):
    path = tmp_path / "key"
    path.write_bytes(octets)
    path.chmod(0o600)
    key = read_key(path)
    assert (key.secret, key.warning) == (SECRET, "")
    assert base64.b64decode(key.base64()) == SECRET


def test_a_key_that_others_may_read_is_warned_about(tmp_path):
    path = tmp_path / "key"
    path.write_bytes(SECRET)
    path.chmod(0o644)
    assert "chmod 600" in read_key(path).warning


@pytest.mark.parametrize("octets", [b"", b"password", SECRET[:16], b"z" * 64, base64.b64encode(SECRET[:16])])
def test_anything_else_is_refused_with_advice(tmp_path, octets):
    path = tmp_path / "key"
    path.write_bytes(octets)
    with pytest.raises(UsageError, match="openssl rand -base64 32"):
        read_key(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UsageError, match="nowhere: no key to be read: No such file"):
        read_key(tmp_path / "nowhere")


def test_the_key_is_not_shown():
    assert "dddd" not in repr(RecordingKey(b"d" * 32))
