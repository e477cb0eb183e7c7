"""Short slices of time are asked for, where the system has them, and nothing else is changed."""

import os
import platform
import threading

import pytest

from shadowtap.runner.slices import ask_for_short_slices


def test_it_asks_and_stays_an_ordinary_process():
    found = []

    def ask():  # a thread of its own, so that the tests go on as they were
        found.append(ask_for_short_slices())
        found.append((os.sched_getscheduler(0), os.getpriority(os.PRIO_PROCESS, threading.get_native_id())))

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    assert found[0] in (True, False)
    if platform.system() == "Linux":
        assert found[1] == (os.SCHED_OTHER, os.getpriority(os.PRIO_PROCESS, 0))


@pytest.mark.parametrize(("system", "machine"), [("Darwin", "arm64"), ("Linux", "riscv64")])
def test_elsewhere_nothing_happens(monkeypatch, system, machine):
    monkeypatch.setattr(platform, "system", lambda: system)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    assert not ask_for_short_slices()
