"""Learned noise written, edited and read again."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadowtap.compare.learned import NoiseRule, Source
from shadowtap.compare.mask import NoMask
from shadowtap.compare.noise_file import read_noise, write_noise
from shadowtap.errors import UsageError
from shadowtap.events import Difference, Verdict

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
rules = st.builds(
    lambda endpoint, kind, where, source, pairs, differed, enabled, example: NoiseRule(
        endpoint, kind, where, source, pairs, differed, enabled, example, by_hand=False
    ),
    texts, texts, texts, st.sampled_from(Source), st.integers(1, 10**9), st.integers(0, 10**9), st.booleans(), st.tuples(texts, texts),
)  # fmt: skip


@given(st.lists(rules, max_size=5))
def test_what_is_written_is_read(written: list[NoiseRule]) -> None:
    assert read_noise(write_noise(written, NoMask())) == written


def test_it_can_be_edited() -> None:
    text = write_noise(
        [NoiseRule("GET /a", "json_value", "body.seen", Source.PRODUCTION, 120, 118)], NoMask()
    )
    (rule,) = read_noise(text.replace("enabled = true", "enabled = false"))
    assert not rule.enabled
    assert (rule.pairs, rule.differed) == (120, 118)


def test_a_rule_by_hand_needs_no_counts() -> None:
    (rule,) = read_noise('[[noise]]\nendpoint = "GET /a"\nkind = "json_value"\nwhere = "body.x"\n')
    assert rule.by_hand
    assert tomllib.loads(write_noise([rule], NoMask()))["noise"] == [
        {
            "enabled": True,
            "endpoint": "GET /a",
            "kind": "json_value",
            "where": "body.x",
            "source": "production",
        }
    ]


@pytest.mark.parametrize("text", ["[[noise]]\nwhere = 3", "nonsense", "[[noise]]\nendpoint='a'\nkind='b'\nwhere='c'\nsource='moon'", "[[noise]]\nendpoint='a'\nkind='b'\nwhere='c'\nx=1", "x" * (17 << 20)])  # fmt: skip
def test_what_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="noise"):
        read_noise(text)


def test_lone_surrogates_can_be_written() -> None:
    assert read_noise(
        write_noise(
            [NoiseRule("GET /a", "k", "w", Source.PRODUCTION, 1, 1, True, ("\ud800\x00\x7f", ""))], NoMask()
        )
    )


def test_examples_are_masked() -> None:
    class Stars(NoMask):
        def verdict(self, verdict: Verdict) -> Verdict:
            return Verdict("", tuple(Difference(d.kind, d.where, "***", "***") for d in verdict.differences))

    rule = NoiseRule("GET /a", "json_value", "body.pin", Source.PRODUCTION, 9, 9, True, ("1234", "5678"))
    text = write_noise([rule], Stars())
    assert "1234" not in text
    assert 'production = "***"' in text
