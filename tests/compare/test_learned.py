"""Places that change by themselves: believed with evidence, refused when the target changes them far more often."""

from shadowtap.compare.learned import Learned, NoiseRule, Source
from shadowtap.events import Difference

SEEN = Difference("json_value", "body.seen", "1", "2")
PRICE = Difference("json_value", "body.price", "5", "6")
AT = "http://next"


def rule_of(learned: Learned, difference: Difference = SEEN, endpoint: str = "GET /a") -> str | None:
    return learned.at(AT).rule_of(endpoint, difference.kind, difference.where)


def test_it_takes_two_pairs_to_believe() -> None:
    learned = Learned()
    learned.pair(Source.PRODUCTION, "GET /a", [SEEN])
    assert rule_of(learned) is None
    learned.pair(Source.PRODUCTION, "GET /a", [SEEN])
    assert rule_of(learned) == "learned: GET /a json_value body.seen"
    assert rule_of(learned, endpoint="GET /b") is None
    assert rule_of(learned, PRICE) is None


def test_another_kind_of_difference_at_the_place_is_none_of_it() -> None:
    learned = Learned()
    for _ in range(9):
        learned.pair(Source.PRODUCTION, "GET /a", [SEEN])
    assert rule_of(learned, Difference("json_type", "body.seen", "1", "null")) is None


def test_the_reference_counts_as_well() -> None:
    learned = Learned()
    for _ in range(2):
        learned.pair(Source.REFERENCE, "GET /a", [SEEN])
    assert rule_of(learned) == "reference: GET /a json_value body.seen"


def test_rare_changes_do_not_cover_frequent_differences() -> None:
    learned = Learned()
    for n in range(500):
        learned.pair(Source.PRODUCTION, "GET /a", [PRICE] if n % 50 == 0 else [])
    for n in range(200):
        learned.compared(AT, "GET /a", [PRICE] if n % 50 == 0 else [])
    assert rule_of(learned, PRICE)
    for _ in range(100):
        learned.compared(AT, "GET /a", [PRICE])
    assert rule_of(learned, PRICE) is None
    assert learned.at("http://other").rule_of("GET /a", PRICE.kind, PRICE.where)


def test_rules_carry_their_evidence() -> None:
    learned = Learned()
    for n in range(10):
        learned.pair(Source.PRODUCTION, "GET /a", [SEEN] if n % 2 else [])
    (rule,) = learned.rules()
    assert (rule.pairs, rule.differed, rule.example) == (10, 5, ("1", "2"))


def test_loaded_rules_go_on_with_their_counts() -> None:
    learned = Learned([NoiseRule("GET /a", "json_value", "body.seen", Source.PRODUCTION, 40, 39)])
    assert rule_of(learned)
    learned.pair(Source.PRODUCTION, "GET /a", [SEEN])
    (rule,) = learned.rules()
    assert (rule.pairs, rule.differed) == (41, 40)


def test_a_rule_that_is_not_enabled_covers_nothing() -> None:
    learned = Learned(
        [NoiseRule("GET /a", "json_value", "body.seen", Source.PRODUCTION, 40, 39, enabled=False)]
    )
    for _ in range(50):
        learned.pair(Source.PRODUCTION, "GET /a", [SEEN])
    assert rule_of(learned) is None


def test_a_rule_by_hand_always_holds() -> None:
    learned = Learned([NoiseRule("GET /a", "json_value", "body.seen", Source.PRODUCTION, by_hand=True)])
    for _ in range(50):
        learned.compared(AT, "GET /a", [SEEN])
        learned.pair(Source.PRODUCTION, "GET /a", [])
    assert rule_of(learned)


def test_endpoints_that_turn_out_to_be_one_share_their_evidence() -> None:
    learned = Learned()
    for name in ("apple", "pear"):
        learned.pair(Source.PRODUCTION, f"GET /{name}", [SEEN])
        learned.compared(AT, f"GET /{name}", [SEEN])
    assert rule_of(learned, endpoint="GET /apple") is None
    learned.regroup(lambda endpoint: "GET /{name}")
    assert rule_of(learned, endpoint="GET /{name}")
    (rule,) = learned.rules()
    assert (rule.endpoint, rule.pairs, rule.differed) == ("GET /{name}", 2, 2)


def test_memory_is_bounded(monkeypatch) -> None:
    monkeypatch.setattr("shadowtap.compare.learned.MAX_PLACES", 10)
    monkeypatch.setattr("shadowtap.compare.learned.MAX_ENDPOINTS", 5)
    learned = Learned()
    for n in range(100):
        learned.pair(Source.PRODUCTION, f"GET /{n % 7}", [Difference("json_value", f"body.k{n}", "", "")])
        learned.compared(AT, f"GET /{n % 7}", [Difference("json_value", f"body.k{n}", "", "")])
    assert len(learned.rules()) == 10
    assert learned.overflowed > 100


def test_whether_elements_are_other_ones_missing_or_new_is_one_kind_of_evidence() -> None:
    learned = Learned()
    for kind in ("json_value", "json_missing"):
        learned.pair(Source.PRODUCTION, "GET /a", [Difference(kind, "body.offers[]", "x", "y")])
    assert [(rule.kind, rule.where, rule.differed) for rule in learned.rules()] == [
        ("json_elements", "body.offers[]", 2)
    ]
    for kind in ("json_value", "json_missing", "json_extra"):
        assert learned.at("t").rule_of("GET /a", kind, "body.offers[]") is not None
    for kind, where in (
        ("json_type", "body.offers[]"),
        ("json_length", "body.offers"),
        ("json_value", "body.offers"),
    ):
        assert learned.at("t").rule_of("GET /a", kind, where) is None


def test_where_elements_change_their_order_means_nothing_but_not_the_other_way_round() -> None:
    places = (
        ("json_value", "body.offers[]", "json_order", "body.offers"),
        ("html_text", "body/html/body/aside/p[]/text", "html_order", "body/html/body/aside"),
        ("text_value", "body lines", "text_order", "body lines"),
    )
    for kind, where, order, above in places:
        for seen, asked in (((kind, where), (order, above)), ((order, above), (kind, where))):
            learned = Learned()
            for _ in range(3):
                learned.pair(Source.PRODUCTION, "GET /a", [Difference(*seen, "x", "y")])
            assert (learned.at("t").rule_of("GET /a", *asked) is not None) == (asked == (order, above))


def test_elements_that_change_seldom_are_no_excuse_for_another_order_each_time() -> None:
    learned = Learned()
    for n in range(200):
        differences = [Difference("json_value", "body[]", "x", "y")] if n < 4 else []
        learned.pair(Source.PRODUCTION, "GET /a", differences)
        learned.compared("t", "GET /a", [Difference("json_order", "body", "x", "y")])
    assert learned.at("t").rule_of("GET /a", "json_order", "body") is None
