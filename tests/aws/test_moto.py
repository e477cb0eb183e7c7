"""The same code over boto3 against moto, whose 15 calls the backend answers: the whole wire format, both ways."""

import boto3
import pytest
from moto import mock_aws

from aws.backend import ACCOUNT, CALLS, REGION, Mirrors, mounted
from shadowtap.aws import names, read
from shadowtap.aws.apply import Applier
from shadowtap.aws.boto import Boto, connect
from shadowtap.aws.names import Place
from shadowtap.aws.plan import plan
from shadowtap.aws.removal import removal
from shadowtap.aws.status import status
from shadowtap.aws.wish import Wish, look
from shadowtap.cli import aws as command


@pytest.fixture
def cloud(monkeypatch):
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    with mock_aws():
        session = boto3.Session(region_name=REGION)
        ec2, elb = session.client("ec2"), session.client("elbv2")

        def interfaces():
            found = ec2.describe_network_interfaces()["NetworkInterfaces"]
            return {i["NetworkInterfaceId"]: i["InterfaceType"] for i in found}

        def balancers():
            return {b["LoadBalancerArn"]: b["Type"] for b in elb.describe_load_balancers()["LoadBalancers"]}

        mirrors = Mirrors(interfaces, balancers)
        with mounted(mirrors):
            yield session, mirrors


def network(session):
    ec2 = session.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=f"{REGION}{z}")["Subnet"][
            "SubnetId"
        ]
        for n, z in enumerate("ab")
    ]
    return vpc, subnets


def test_an_alb_from_its_name_to_its_interfaces_up_and_down(cloud):
    session, mirrors = cloud
    ec2, elb = session.client("ec2"), session.client("elbv2")
    vpc, subnets = network(session)
    alb = elb.create_load_balancer(Name="web", Subnets=subnets, Type="application")["LoadBalancers"][0]
    arn = alb["LoadBalancerArn"]
    group = elb.create_target_group(Name="web", Protocol="HTTP", Port=8080, VpcId=vpc, TargetType="instance")
    group_arn = group["TargetGroups"][0]["TargetGroupArn"]
    elb.create_listener(
        LoadBalancerArn=arn,
        Protocol="HTTP",
        Port=80,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": group_arn}],
    )
    for subnet in subnets:
        ec2.create_network_interface(SubnetId=subnet, Description="ELB " + arn.partition(":loadbalancer/")[2])
    shut = ec2.create_security_group(GroupName="collector", Description="x", VpcId=vpc)["GroupId"]
    made = ec2.create_network_interface(SubnetId=subnets[0], Groups=[shut])
    collector = made["NetworkInterface"]["NetworkInterfaceId"]
    wish = Wish(sources=(names.source("alb:web"),), targets=(names.target(f"eni:{collector}"),))

    (found,) = look(wish, lambda place: Boto(session))
    todo = plan(found.desired, found.world)
    assert found.world.account == ACCOUNT
    assert [s.traffic.serves for s, _ in todo.sources] == [((80, 80),)] * 2
    assert Applier(found.api, todo, run="1").rehearse().ok
    assert not mirrors.sessions, "a dry run changes nothing"
    assert Applier(found.api, todo, run="1").apply().ok
    assert len(mirrors.sessions) == 2
    assert Applier(found.api, todo, run="1").apply().ok
    assert len(mirrors.sessions) == 2, "the same tokens make nothing twice"

    (again,) = look(wish, lambda place: Boto(session))
    assert plan(again.desired, again.world).steps == ()
    from datetime import UTC, datetime

    now = datetime(2026, 11, 22, tzinfo=UTC)
    assert not status(found.api, "shadowtap", now).healthy, "UDP 4789 is not let in"
    copies = {"IpProtocol": "udp", "FromPort": 4789, "ToPort": 4789, "IpRanges": [{"CidrIp": "10.0.0.0/16"}]}
    ec2.authorize_security_group_ingress(GroupId=shut, IpPermissions=[copies])
    assert status(found.api, "shadowtap", now).healthy

    assert Applier(found.api, removal("shadowtap", read.world(found.api)), run="2").apply().ok
    assert (mirrors.sessions, mirrors.filters, mirrors.rules, mirrors.targets) == ({}, {}, {}, {})


def test_the_real_connection_finds_its_account(cloud):
    api = connect(Place(region=REGION))
    assert (api.account, api.region) == (ACCOUNT, REGION)


def test_a_role_is_assumed(cloud):
    api = connect(Place(region=REGION, role="arn:aws:iam::210987654321:role/mirrors"))
    assert api.account == "210987654321"


def test_there_are_fifteen_calls():
    assert len(CALLS) == 15


def test_the_commands_over_boto3(cloud, capsys, monkeypatch):
    """Every service they speak to, as it is called: ec2, elbv2, autoscaling, cloudwatch, ram, sqs, sts."""
    from moto.ram.models import ResourceShare

    kinds = [*ResourceShare.SHAREABLE_RESOURCES, "traffic-mirror-target"]
    monkeypatch.setattr(ResourceShare, "SHAREABLE_RESOURCES", kinds)
    session, mirrors = cloud
    ec2 = session.client("ec2")
    _, subnets = network(session)
    image = ec2.describe_images()["Images"][0]["ImageId"]
    ec2.create_launch_template(
        LaunchTemplateName="web", LaunchTemplateData={"ImageId": image, "InstanceType": "m5.large"}
    )
    session.client("autoscaling").create_auto_scaling_group(
        AutoScalingGroupName="web",
        LaunchTemplate={"LaunchTemplateName": "web"},
        MinSize=2,
        MaxSize=3,
        VPCZoneIdentifier=",".join(subnets),
    )
    collectors = session.client("elbv2").create_load_balancer(
        Name="collectors", Subnets=subnets, Type="network"
    )
    arn = collectors["LoadBalancers"][0]["LoadBalancerArn"]
    queue = session.client("sqs").create_queue(QueueName="events")["QueueUrl"]
    session.client("sqs").send_message(QueueUrl=queue, MessageBody='{"source": "aws.ec2"}')
    wish = ["--region", REGION, "--from", "asg:web", "--to", f"nlb:{arn}"]

    assert command.execute(["plan", *wish]) == 0
    assert "no-listener" in capsys.readouterr().out
    assert command.execute(["up", *wish, "--dry-run"]) == 0
    assert mirrors.sessions == {}
    assert command.execute(["up", *wish, "--yes", "--share-with", "210987654321"]) == 0
    assert len(mirrors.sessions) == 2
    session.client("autoscaling").set_desired_capacity(AutoScalingGroupName="web", DesiredCapacity=3)
    assert command.execute(["watch", *wish, "--queue", queue, "--rounds", "2"]) == 0
    assert len(mirrors.sessions) == 3
    assert command.execute(["status", "--region", REGION]) == 1, "the load balancer has no listener"
    assert command.execute(["emit", "--format", "terraform", *wish]) == 0
    assert command.execute(["down", "--region", REGION, "--yes"]) == 0
    assert (mirrors.sessions, mirrors.targets) == ({}, {})
