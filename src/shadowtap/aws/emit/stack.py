"""What the collector stack is made of, whatever the language: names, defaults, user data, log permissions."""

import json
from enum import StrEnum

from msgspec import Struct

from shadowtap.aws.plan import Plan
from shadowtap.aws.world import CODE_TAG, KEY_TAG

VXLAN_PORT, STATUS_PORT = 4789, 9090
IMAGE = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
"""Public SSM parameter of the current Amazon Linux 2023 image."""
URL_PATTERN = r"^https?://[A-Za-z0-9.:\[\]_-]+(/[A-Za-z0-9._/-]*)?$"
"""The address goes into a shell script and a unit file: nothing in it may mean anything there."""
PACKAGE_PATTERN = r"^[A-Za-z0-9_.,=<>~!\[\]@:/+-]+$"
LOG_ACTIONS = ("logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents")
LOG_DAYS = 30
LOG_FILE = "/var/log/shadowtap.log"


class Shape(StrEnum):
    """How many collectors: none, one instance, or a group behind a load balancer."""

    NONE = "none"
    INSTANCE = "instance"
    GROUP = "asg"


class Stack(Struct, frozen=True, kw_only=True):
    """The collector. `run_options` are further options of `shadowtap run`."""

    shape: Shape = Shape.GROUP
    instance_type: str = "c7i.large"
    package: str = "shadowtap"
    run_options: str = ""

    @property
    def target_kind(self) -> str:
        return "nlb" if self.shape is Shape.GROUP else "eni"


def tags(plan: Plan, key: str) -> dict[str, str]:
    """Not the owner tag: what code made, code removes, and `up` and `down` leave it alone. `status` shows it."""
    return {CODE_TAG: plan.name, KEY_TAG: key, "Name": f"shadowtap-{plan.name}"}


def user_data(target: str, package: str, log_group: str, options: str) -> str:
    """The script of a collector's first start. The arguments are references of the language it is put into.

    The receive buffer is raised because a burst that the kernel has no room for is lost; the service may bind
    4789 without privileges, runs as its own user and starts again when it ends.
    """
    run = (
        f"/opt/shadowtap/bin/shadowtap run --from vxlan://0.0.0.0:{VXLAN_PORT} --to {target}"
        f" --status 0.0.0.0:{STATUS_PORT} --no-live"
    )
    agent = "/opt/aws/amazon-cloudwatch-agent"
    file = {"file_path": LOG_FILE, "log_group_name": log_group, "log_stream_name": "{instance_id}"}
    watched = json.dumps({"logs": {"logs_collected": {"files": {"collect_list": [file]}}}})
    return f"""#!/bin/bash
set -euxo pipefail
dnf install -y python3.11 python3.11-pip amazon-cloudwatch-agent
python3.11 -m venv /opt/shadowtap
/opt/shadowtap/bin/pip install --no-input '{package}'
cat > /etc/sysctl.d/90-shadowtap.conf <<'END'
net.core.rmem_max = 268435456
net.core.netdev_max_backlog = 10000
END
sysctl --system
useradd --system --no-create-home --shell /sbin/nologin shadowtap
install -o shadowtap -g shadowtap -m 0640 /dev/null {LOG_FILE}
cat > /etc/systemd/system/shadowtap.service <<'END'
[Unit]
Description=shadowtap collector
Wants=network-online.target
After=network-online.target

[Service]
User=shadowtap
ExecStart={run}{" " + options if options else ""}
StandardOutput=append:{LOG_FILE}
StandardError=append:{LOG_FILE}
Restart=always
RestartSec=2
LimitNOFILE=1048576
NoNewPrivileges=true
ProtectSystem=strict
ProtectHome=true
ReadWritePaths=/var/log

[Install]
WantedBy=multi-user.target
END
cat > {agent}/etc/shadowtap.json <<'END'
{watched}
END
systemctl daemon-reload
systemctl enable --now shadowtap
{agent}/bin/amazon-cloudwatch-agent-ctl -a fetch-config -m ec2 -s -c file:{agent}/etc/shadowtap.json
"""
