"""Red on sustained loss, green when it ends; a target's troubles are its own."""

from report.ledgers import SECOND_NS, STAGING, START_NS, count
from shadowtap.ledger import Ledger
from shadowtap.report.health import Health


class Watched:
    """A collector under load, judged every second."""

    def __init__(self, **limits):
        self.ledger = count(Ledger(START_NS), 0)
        self.health = Health(**limits)
        self.now_ns = START_NS
        self.health.observe(self.ledger, self.now_ns)

    def window(self, lose=None, requests=1000):
        """Ten seconds of traffic in which `lose` happens; returns whether all is well then."""
        for second in range(10):
            count(self.ledger, requests // 10)
            if lose and second == 5:
                lose(self.ledger)
            self.now_ns += SECOND_NS
            self.health.observe(self.ledger, self.now_ns)
        return self.health.healthy


def kernel_drops(ledger):
    ledger.capture["vxlan://0.0.0.0:4789"].kernel_drops += 200


def holes(ledger):
    ledger.flows.gap_bytes += 100_000


def overflow(ledger):
    ledger.requests.seen += 100
    ledger.requests.overflowed += 100


def test_red_takes_three_bad_windows_and_green_one_good():
    watched = Watched()
    told = [
        watched.window(lose) for lose in (None, kernel_drops, kernel_drops, kernel_drops, kernel_drops, None)
    ]
    assert told == [True, True, True, False, False, True]


def test_each_loss_has_its_sentence():
    for lose, sentence in (
        (kernel_drops, "kernel drops: 4.8 %"),
        (holes, "lost payload: 4.8 %"),
        (overflow, "overflowed requests: 9.1 %"),
    ):
        watched = Watched(windows=1)
        assert not watched.window(lose)
        assert watched.health.as_dict(watched.ledger) == {
            "status": "losing",
            "reasons": [sentence],
            "bad_windows": 1,
            "targets": {STAGING: "up"},
        }
        watched.window()
        assert watched.health.as_dict(watched.ledger)["status"] == "ok"
        assert watched.health.reasons == []


def test_a_hiccup_is_none():
    watched = Watched()
    assert all(
        watched.window(lose) for lose in (kernel_drops, kernel_drops, None, kernel_drops, kernel_drops)
    )


def test_a_little_loss_is_none():
    watched = Watched(windows=1, loss=0.1)
    assert watched.window(kernel_drops)


def test_little_traffic_says_nothing():
    watched = Watched(windows=1)

    def lose(ledger):
        ledger.flows.gap_bytes += 1000

    assert watched.window(lose, requests=10)


def test_a_dead_target_is_shown_and_leaves_it_green():
    watched = Watched(windows=1)

    def die(ledger):
        target = ledger.targets[STAGING]
        target.state = "down"
        target.answered -= 500
        target.failed["breaker_open"] += 500

    assert watched.window(die)
    assert watched.health.as_dict(watched.ledger)["targets"] == {STAGING: "down"}


def test_silence_is_healthy():
    watched = Watched(windows=1)
    assert all(watched.window(requests=0) for _ in range(5))
