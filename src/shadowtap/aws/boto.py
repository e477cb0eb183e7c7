"""The real thing: boto3 behind `api.Api`. The only file that imports it, and only when it is asked for.

Credentials come from the usual chain (environment, profile, instance role); a role is assumed with STS on top.
"""

import random
import time
from typing import Any

from shadowtap.aws.api import Answer, Api, ApiError, Patient
from shadowtap.aws.names import Place
from shadowtap.errors import RunError, UsageError

SESSION_NAME = "shadowtap"
TIMEOUT_S = 30
"""Longer than the 20 s an SQS long poll holds the line."""


def connect(place: Place) -> Api:
    """An Api for the place. Raises UsageError without boto3, a region or credentials."""
    session = _session(place)
    if not session.region_name:
        raise UsageError("no AWS region: give --region, or set AWS_REGION or a region in the profile")
    return Patient(Boto(session), time.sleep, random.random)


def _session(place: Place) -> Any:
    try:
        import boto3  # noqa: PLC0415
        import botocore.exceptions  # noqa: PLC0415
    except ImportError:
        raise UsageError(
            "shadowtap aws needs boto3, which is not installed: pip install 'shadowtap[aws]'"
        ) from None
    try:
        session = boto3.Session(profile_name=place.profile, region_name=place.region)
        if place.role:
            session = _assume(session, place.role, boto3)
    except botocore.exceptions.ProfileNotFound as error:
        raise UsageError(f"{error}: give a --profile of ~/.aws/config") from None
    return session


def _assume(session: Any, role: str, boto3: Any) -> Any:
    answer = _Client(session, "sts").call("AssumeRole", RoleArn=role, RoleSessionName=SESSION_NAME)
    keys = answer["Credentials"]
    return boto3.Session(
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
        region_name=session.region_name,
    )


class _Client:
    """One service's client, with its exceptions translated."""

    def __init__(self, session: Any, service: str) -> None:
        from botocore.config import Config  # noqa: PLC0415

        self._service = service
        region = session.region_name or ("us-east-1" if service == "sts" else None)
        config = Config(
            retries={"mode": "standard", "total_max_attempts": 1},
            connect_timeout=5,
            read_timeout=TIMEOUT_S,
            user_agent_extra="shadowtap",
        )
        self.raw = session.client(service, region_name=region, config=config)

    def call(self, operation: str, **parameters: object) -> Answer:
        from botocore import exceptions, xform_name  # noqa: PLC0415

        try:
            answer: Answer = getattr(self.raw, xform_name(operation))(**parameters)
        except exceptions.ClientError as error:
            detail = error.response.get("Error", {})
            raise ApiError(
                self._service, operation, detail.get("Code", "?"), detail.get("Message", "")
            ) from error
        except exceptions.NoCredentialsError:
            raise UsageError(
                "no AWS credentials: give --profile, set AWS_PROFILE, or run where there is an instance role"
            ) from None
        except (exceptions.ConnectionError, exceptions.HTTPClientError) as error:
            raise ApiError(self._service, operation, "Timeout", str(error)) from error
        except exceptions.BotoCoreError as error:
            raise RunError(f"{operation}: {error}") from error
        return answer


class Boto:
    """An Api over a boto3 session. Clients are made when first used."""

    def __init__(self, session: Any, account: str | None = None) -> None:
        self._session = session
        self._clients: dict[str, _Client] = {}
        self.region: str = session.region_name
        self.account = account or self.call("sts", "GetCallerIdentity")["Account"]

    def call(self, service: str, operation: str, **parameters: object) -> Answer:
        if service not in self._clients:
            self._clients[service] = _Client(self._session, service)
        return self._clients[service].call(operation, **parameters)
