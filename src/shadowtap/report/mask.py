"""Credentials in headers and request targets, replaced by `***` before anyone sees them.

What stays is what an engineer needs to recognise the request: the scheme of an Authorization header, the names
and attributes of cookies, the names of query parameters. Rather one value too many is hidden than one too few:
a header or parameter is secret when its name is on a list or ends like the name of a secret. Values that look
like URLs (Referer, Location) have their query masked too.
"""

import re
from functools import lru_cache
from urllib.parse import unquote_to_bytes

STAND_IN = b"***"

_AUTHORIZATION = frozenset((b"authorization", b"proxy-authorization"))
_HEADERS = frozenset(
    (
        b"authentication-info",
        b"proxy-authentication-info",
        b"x-amz-server-side-encryption-customer-key",
        b"x-amzn-oidc-data",
        b"x-forwarded-client-cert",
    )
)
_HEADER_END = re.compile(
    rb"(?:^|[-_]|x)(?:access-?token|token|secret|password|passwd|credentials?|jwt|api-?key|auth-?key|access-?key"
    rb"|subscription-key|functions-key|session|session-?id|api-?secret)$"
)
_SCHEMES = frozenset(
    (
        b"apikey",
        b"aws",
        b"aws4-hmac-sha256",
        b"aws4-ecdsa-p256-sha256",
        b"basic",
        b"bearer",
        b"digest",
        b"dpop",
        b"gnap",
        b"hawk",
        b"hmac",
        b"jwt",
        b"mutual",
        b"negotiate",
        b"ntlm",
        b"oauth",
        b"scram-sha-1",
        b"scram-sha-256",
        b"sharedkey",
        b"token",
        b"vapid",
    )
)
_PARAMETERS = frozenset(
    (
        b"assertion",
        b"auth",
        b"authorization",
        b"awsaccesskeyid",
        b"code",
        b"credential",
        b"jwt",
        b"key",
        b"oauth_verifier",
        b"pass",
        b"pin",
        b"pwd",
        b"samlrequest",
        b"samlresponse",
        b"sas",
        b"sid",
        b"sig",
        b"ticket",
        b"x-amz-credential",
        b"x-goog-credential",
    )
)
_PARAMETER_END = re.compile(
    rb"(?:token|secret|password|passwd|signature|api[-_]?key|access[-_]?key|private[-_]?key|session|sess(?:ion)?[-_]?id"
    rb"|jwt|otp)$"
)
_PARAMETER = re.compile(rb"(?:(?<=[?&;#])|^)([^=&;#]+)=([^&;#]+)")
_USERINFO = re.compile(rb"^([a-zA-Z][a-zA-Z0-9+.-]*://)[^/?#@]*@")


def header(name: bytes, value: bytes) -> bytes:
    """The value of a header as it may be shown."""
    lower = name.lower()
    if lower in _AUTHORIZATION:
        return _authorization(value)
    if lower == b"cookie":
        return b";".join(map(_cookie, value.split(b";")))
    if lower == b"set-cookie":
        first, semicolon, attributes = value.partition(b";")
        return _cookie(first) + semicolon + attributes
    if _is_secret_header(lower):
        return STAND_IN if value else value
    return target(value) if b"=" in value or b"@" in value else value


def target(url: bytes) -> bytes:
    """A request target or another URL as it may be shown: without user and password, and without the values
    of secret parameters."""
    if b"@" in url:
        url = _USERINFO.sub(rb"\1***@", url)
    if b"=" not in url:
        return url
    path, mark, query = url.partition(b"?")
    if b"=" in path:
        path = _PARAMETER.sub(_parameter, path)
    if b";" in query or b"#" in query:
        return path + mark + _PARAMETER.sub(_parameter, query)
    for pair in query.split(b"&"):
        if _is_secret(pair.partition(b"=")[0]):
            return path + mark + _PARAMETER.sub(_parameter, query)
    return path + mark + query


def _authorization(value: bytes) -> bytes:
    scheme, space, _ = value.strip().partition(b" ")
    return scheme + b" " + STAND_IN if space and scheme.lower() in _SCHEMES else STAND_IN


def _cookie(pair: bytes) -> bytes:
    name, equals, _ = pair.partition(b"=")
    if equals:
        return name + equals + STAND_IN
    return STAND_IN if name.strip() else name


def _parameter(found: re.Match[bytes]) -> bytes:
    return found[1] + b"=" + STAND_IN if _is_secret(found[1]) else found[0]


@lru_cache(maxsize=10_000)
def _is_secret_header(lower: bytes) -> bool:
    return lower in _HEADERS or bool(_HEADER_END.search(lower))


@lru_cache(maxsize=10_000)
def _is_secret(raw: bytes) -> bool:
    name = unquote_to_bytes(raw).strip().lower()
    return name in _PARAMETERS or bool(_PARAMETER_END.search(name))
