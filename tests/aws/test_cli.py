"""The commands as they are typed: what they print, where, and how they end."""

import builtins
import json
import os
import socket
import subprocess
import sys

import pytest

from aws import packets, scenes
from aws.vpc import Vpc
from shadowtap.cli import aws as command
from shadowtap.config.file import read_file
from shadowtap.errors import RunError, UsageError


@pytest.fixture
def vpc():
    one = Vpc()
    one.to = "eni:" + scenes.collector(one)
    scenes.servers(one)
    return one


def run(vpc, *argv):
    return command.execute(list(argv), lambda place: vpc.api())


def wish(vpc):
    return ["--from", "asg:web", "--to", vpc.to]


def test_plan_up_status_down(vpc, capsys):
    assert run(vpc, "plan", *wish(vpc)) == 0
    shown = capsys.readouterr().out
    digest = shown.rsplit("plan ", 1)[1].strip()
    assert not vpc.mirrors.targets, "a plan changes nothing"
    assert run(vpc, "up", *wish(vpc), "--expect", digest, "--json") == 0
    done = json.loads(capsys.readouterr().out)
    assert done[0]["ok"]
    assert len(done[0]["done"]) == 8
    assert run(vpc, "up", *wish(vpc)) == 0, "nothing to do: nobody is asked"
    assert run(vpc, "status") == 0
    assert run(vpc, "down", "--yes", "--json") == 0
    assert not vpc.mirrors.targets
    assert run(vpc, "status") == 1


def test_the_plan_as_json(vpc, capsys):
    assert run(vpc, "plan", *wish(vpc), "--json") == 0
    (document,) = json.loads(capsys.readouterr().out)
    assert document["mirror"] == "shadowtap"
    assert len(document["sessions"]) == 2
    assert document["monthly_usd"]["sessions"] == 21.9
    assert {w["kind"] for w in document["warnings"]} == {"cut"}


def test_up_does_only_what_the_plan_said(vpc):
    with pytest.raises(UsageError, match="--expect 0123456789: the plan is"):
        run(vpc, "up", *wish(vpc), "--expect", "0123456789")
    assert not vpc.mirrors.targets


def test_nothing_is_changed_unasked(vpc, monkeypatch):
    monkeypatch.setattr("sys.stdin", open("/dev/null"))  # noqa: SIM115
    for argv in (["up", *wish(vpc)],):
        with pytest.raises(UsageError, match="--yes"):
            run(vpc, *argv)
    assert run(vpc, "up", *wish(vpc), "--yes") == 0
    with pytest.raises(UsageError, match="--yes"):
        run(vpc, "down")
    assert vpc.mirrors.sessions


@pytest.mark.parametrize("argv", [["plan"], ["up"], ["watch", "--rounds", "1"]])
def test_a_dry_run_changes_nothing(vpc, argv):
    assert run(vpc, *argv, *wish(vpc), "--dry-run") == 0
    assert not vpc.mirrors.targets
    assert "ec2:CreateTrafficMirrorSession" in vpc.calls


def test_a_dry_run_of_down_and_status(vpc, capsys):
    run(vpc, "up", *wish(vpc), "--yes")
    assert run(vpc, "down", "--dry-run") == 0
    assert len(vpc.mirrors.sessions) == 2


def test_a_dry_run_names_what_is_missing(vpc):
    vpc.mirrors.denied.add("CreateTrafficMirrorSession")
    with pytest.raises(RunError, match="missing permission is ec2:CreateTrafficMirrorSession"):
        run(vpc, "up", *wish(vpc), "--dry-run")


def test_a_failure_takes_back_what_was_made_and_says_so(vpc, capsys):
    vpc.denied.add("CreateTrafficMirrorSession")
    with pytest.raises(RunError, match="the 6 made before it were taken back"):
        run(vpc, "up", *wish(vpc), "--yes")
    assert (vpc.mirrors.targets, vpc.mirrors.filters, vpc.mirrors.rules) == ({}, {}, {})
    assert capsys.readouterr().err.count("taken back") == 6


def test_what_cannot_be_taken_back_is_said_and_down_finishes(vpc, capsys):
    vpc.denied |= {"CreateTrafficMirrorSession", "DeleteTrafficMirrorTarget"}
    with pytest.raises(RunError, match=r"1 made before it could not be taken back.*`up` or `down` finishes"):
        run(vpc, "up", *wish(vpc), "--yes")
    assert "left        tmt-" in capsys.readouterr().err
    vpc.denied.clear()
    assert run(vpc, "plan", *wish(vpc)) == 0
    assert "tmt-" in capsys.readouterr().out.split("there already (1)")[1].split("to do")[0]
    assert run(vpc, "down", "--yes") == 0
    assert not vpc.mirrors.targets


def test_one_interface_that_is_refused_need_not_stop_the_others(vpc):
    calls = []

    def fault(service, operation):
        if operation == "CreateTrafficMirrorSession":
            calls.append(operation)
            if len(calls) == 1:
                return "before", "InvalidParameterValue"
        return None

    vpc.fault = fault
    with pytest.raises(RunError):
        run(vpc, "up", *wish(vpc), "--yes", "--keep-going")
    assert len(vpc.mirrors.sessions) == 1


def test_down_says_what_it_left(vpc, capsys):
    run(vpc, "up", *wish(vpc), "--yes")
    (target,) = vpc.mirrors.targets
    api = vpc.api()
    other = api.call("ec2", "CreateTrafficMirrorFilter")["TrafficMirrorFilter"]["TrafficMirrorFilterId"]
    api.call(
        "ec2",
        "CreateTrafficMirrorSession",
        NetworkInterfaceId=vpc.add_interface(),
        TrafficMirrorTargetId=target,
        TrafficMirrorFilterId=other,
        SessionNumber=1,
    )
    assert run(vpc, "down", "--yes") == 0
    assert f"left  target {target}: tms-" in capsys.readouterr().err
    assert len(vpc.mirrors.sessions) == 1


def test_options_from_a_file_and_the_line_wins(vpc, tmp_path, capsys):
    file = tmp_path / "shadowtap.toml"
    file.write_text(f'[aws]\nfrom = ["asg:web"]\nto = "{vpc.to}"\nport = [8080]\nresponses = false\n')
    assert run(vpc, "plan", "--config", str(file), "--port", "9090", "--json") == 0
    (document,) = json.loads(capsys.readouterr().out)
    rules = document["filters"][0]["rules"]
    assert {tuple(r["destination_ports"]) for r in rules} == {(9090, 9090)}
    assert {r["direction"] for r in rules} == {"ingress"}
    file.write_text("[aws]\nform = 1\n")
    with pytest.raises(UsageError, match=r"aws\.form: unknown key"):
        run(vpc, "plan", "--config", str(file))


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["plan"], "say what to mirror"),
        (["plan", "--from", "asg:web"], "say where the copies go"),
        (["plan", "--from", "web", "--to", "eni:x"], "alb:NAME"),
        (["plan", "--from", "asg:web", "--to", "eni:x", "--vni", "0"], "--vni 0: a number from 1"),
        (["plan", "--from", "asg:web", "--to", "eni:x", "--name", "a b"], "--name a b"),
        (["plan", "--colour"], "--colour"),
        (["fly"], "plan, up, status"),
        (["watch", "--from", "asg:web", "--to", "eni:x", "--interval", "1"], "at least 5 seconds"),
        (
            ["emit", "--format", "terraform", "--from", "asg:web", "--to", "eni:x", "--collector", "asg"],
            "leave out --to",
        ),
        (["emit", "--format", "terraform", "--from", "asg:web", "--run-options", "$(x)"], "--run-options"),
        (["doctor", "--seconds", "0"], "more than 0"),
    ],
)
def test_wrong_usage_is_one_line_that_says_what_to_do(vpc, argv, says):
    with pytest.raises(UsageError) as error:
        run(vpc, *argv)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_help_without_a_command(vpc, capsys):
    assert run(vpc) == 2
    assert "doctor" in capsys.readouterr().err


@pytest.mark.parametrize("name", command.COMMANDS)
def test_every_command_has_help(name):
    assert "--help" in command.COMMANDS[name][1]().format_help()


@pytest.mark.parametrize("form", ["cloudformation", "terraform"])
def test_emit(vpc, capsys, form):
    assert run(vpc, "emit", "--format", form, "--from", "asg:web") == 0
    text = capsys.readouterr().out
    assert "4789" in text
    assert "shadowtap run" in text
    assert run(vpc, "emit", "--format", form, *wish(vpc)) == 0
    assert vpc.to[4:] in capsys.readouterr().out
    assert not vpc.mirrors.targets


@pytest.mark.parametrize("form", ["cloudformation", "terraform"])
def test_emit_the_collector_alone(vpc, capsys, form):
    assert run(vpc, "emit", "--format", form) == 0
    text = capsys.readouterr()
    assert "shadowtap run" in text.out
    assert "warning" not in text.err
    with pytest.raises(UsageError, match="say what to mirror"):
        run(vpc, "emit", "--format", form, "--collector", "none")


def test_policy(vpc, capsys):
    assert run(vpc, "policy", "up", "--from", "alb", "--to", "eni", "--name", "web") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["Version"] == "2012-10-17"
    with pytest.raises(UsageError, match="vm: one of"):
        run(vpc, "policy", "up", "--from", "vm")


def test_doctor(vpc, capsys):
    run(vpc, "up", *wish(vpc), "--yes")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(("127.0.0.1", 0))
        port = str(one.getsockname()[1])
    assert run(vpc, "doctor", "--listen", "127.0.0.1", "--port", port, "--seconds", "0.1", "--lookup") == 1
    said = capsys.readouterr().out
    assert "problem arrival: nothing in 0.1 s" in said
    assert "eni-" in said
    assert packets.vxlan(1, b"")[4:7] == b"\0\0\1"


def test_several_accounts_each_get_their_own(capsys):
    first, second = Vpc(), Vpc()
    apis = {}
    for name, one in (("a", first), ("b", second)):
        scenes.nlb(one)
        scenes.servers(one)
        apis[name] = one.api(region=f"eu-west-{len(apis) + 1}")
    places = ["--in", "profile=a", "--in", "profile=b"]
    argv = ["up", "--yes", "--from", "asg:web", "--to", "nlb:collectors", *places]
    assert command.execute(argv, lambda place: apis[place.profile]) == 0
    assert len(first.mirrors.sessions) == len(second.mirrors.sessions) == 2
    assert command.execute(["status", *places], lambda place: apis[place.profile]) == 0
    assert "eu-west-2" in capsys.readouterr().out
    assert command.execute(["down", "--yes", *places], lambda place: apis[place.profile]) == 0
    assert not first.mirrors.sessions | second.mirrors.sessions


def test_a_failure_in_one_account_takes_back_the_others_too():
    first, second = Vpc(), Vpc()
    apis = {}
    for name, one in (("a", first), ("b", second)):
        scenes.nlb(one)
        scenes.servers(one)
        apis[name] = one.api()
    second.denied.add("CreateTrafficMirrorSession")
    places = ["--in", "profile=a", "--in", "profile=b"]
    argv = ["up", "--yes", "--from", "asg:web", "--to", "nlb:collectors", *places]
    with pytest.raises(RunError, match="taken back"):
        command.execute(argv, lambda place: apis[place.profile])
    for one in (first, second):
        assert (one.mirrors.sessions, one.mirrors.targets, one.mirrors.filters) == ({}, {}, {})


def test_a_target_is_shared_from_its_own_account_and_used_from_another(capsys):
    vpc = Vpc()
    scenes.nlb(vpc)
    scenes.servers(vpc)
    owner, user = vpc.api(), vpc.api("210987654321")
    share = ["up", "--yes", "--to", "nlb:collectors", "--share-with", "210987654321"]
    assert command.execute(share, lambda place: owner) == 0
    (target,) = vpc.mirrors.targets
    assert (
        command.execute(["up", "--yes", "--from", "asg:web", "--to", f"tmt:{target}"], lambda place: user)
        == 0
    )
    sessions = vpc.mirrors.sessions.values()
    assert {s["OwnerId"] for s in sessions} == {"210987654321"}
    assert {s["PacketLength"] for s in sessions} == {8500}
    with pytest.raises(RunError, match="TargetInUse"):
        command.execute(["down", "--yes"], lambda place: owner)
    assert vpc.shares, "what is still used stays shared"
    assert command.execute(["down", "--yes"], lambda place: user) == 0
    assert command.execute(["down", "--yes"], lambda place: owner) == 0
    assert (vpc.shares, vpc.mirrors.targets) == ({}, {})


def test_without_boto3_it_says_what_to_install(monkeypatch):
    real = builtins.__import__

    def without(name, *args, **more):
        if name.partition(".")[0] in {"boto3", "botocore"}:
            raise ImportError(name)
        return real(name, *args, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UsageError, match=r"pip install 'shadowtap\[aws\]'"):
        command.execute(["plan", "--from", "asg:web", "--to", "eni:eni-1"])


WITHOUT = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"boto3", "botocore"}:
            raise ImportError(name)
sys.meta_path.insert(0, Blocker())
from shadowtap.cli.entry import COMMANDS, command, main
for name in COMMANDS:
    command(name).parser().format_help()
assert main(["aws", "policy", "up"]) == 0
assert main(["aws", "doctor", "--pcap", "/nowhere"]) == 2
sys.exit(main(["aws", "plan", "--from", "asg:web", "--to", "eni:eni-1"]))
"""


def test_every_other_command_works_without_boto3():
    path = os.pathsep.join(p for p in sys.path if p)
    ended = subprocess.run(
        [sys.executable, "-c", WITHOUT],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ended.returncode == 2, ended.stderr
    assert "pip install 'shadowtap[aws]'" in ended.stderr


def test_without_a_region_or_credentials_it_says_what_to_give(monkeypatch):
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ACCESS_KEY_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(UsageError, match="--region"):
        command.execute(["status"])
    with pytest.raises(UsageError, match="no AWS credentials"):
        command.execute(["status", "--region", "eu-west-1"])
    with pytest.raises(UsageError, match="nobody"):
        command.execute(["status", "--profile", "nobody"])


def test_the_file_of_a_run_may_hold_the_table(tmp_path):
    file = tmp_path / "shadowtap.toml"
    file.write_text('from = ["vxlan://0.0.0.0:4789"]\n[aws]\nfrom = ["alb:web"]\n')
    assert [source.url for source in read_file(str(file)).sources] == ["vxlan://0.0.0.0:4789"]
