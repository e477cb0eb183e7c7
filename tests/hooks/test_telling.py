"""What is said of an exception: what the user wrote is there, what production sent is not."""

import pytest

from shadowtap.hooks.telling import SHOWN, told

SOURCE = 'def request(request):\n    return request.json["user"]\n'


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (KeyError("user"), "KeyError: 'user'"),
        (KeyError("hunter2"), "KeyError: '…'"),
        (ValueError("invalid literal for int() with base 10: '4711'"), "ValueError: invalid literal for int() with base 10: '…'"),
        (ValueError(b"GET /?token=x HTTP/1.1\r\n"), "ValueError: '…'"),
        (ValueError('say "it\'s\\"" now'), 'ValueError: say "…" now'),
        (ValueError("never 'closed"), "ValueError: never '…'"),
        (ValueError("two\nlines"), "ValueError: two lines"),
        (ZeroDivisionError(), "ZeroDivisionError: "),
    ],
)  # fmt: skip
def test_what_it_quotes_is_shown_only_from_the_user_s_file(error, said):
    assert told(error, SOURCE, str) == said


def test_the_rest_is_masked_before_it_is_cut():
    assert (
        told(ValueError("card 4111"), SOURCE, lambda text: text.replace("4111", "****"))
        == "ValueError: card ****"
    )
    assert len(told(ValueError("x" * 1000), SOURCE, str)) == SHOWN + len("ValueError: ")
