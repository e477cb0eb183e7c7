"""Names whose values are secret or personal.

Names are compared without case, separators and decoration: `firstName`, `first-name`, `user[first_name]` and
`X:First.Name` are one name. A name is secret when it is on a list or ends like the name of a secret; rather one value
too many is hidden than one too few. Lists differ by place: a query has `code` and `key` for credentials, JSON has them
for everything.
"""

import re
from collections.abc import Callable, Iterable
from enum import Enum
from fnmatch import translate
from urllib.parse import unquote_to_bytes

CACHE_LIMIT = 10_000
"""Names whose answer is remembered, each of at most 128 octets."""
CACHED_BYTES = 128


class Place(Enum):
    """Where a name stands."""

    HEADER = "header"
    PARAMETER = "parameter"
    """Of a query or a form."""
    FIELD = "field"
    """Of JSON, XML or another text."""


_CREDENTIALS = ["access_key_id", "api_key_id", "app_key", "assertion", "auth", "auth_code", "authorization", "authorization_code", "aws_access_key_id", "backup_code", "backup_codes", "bearer", "client_assertion", "code_verifier", "connection_string", "cookie", "cookies", "credential", "credentials", "csrf", "login_ticket", "mfa_code", "one_time_code", "otp", "pass", "passwort", "proxy_authorization", "recovery_code", "recovery_codes", "reset_code", "saml_request", "saml_response", "sas_url", "security_answer", "security_code", "set_cookie", "sid", "sms_code", "tokens", "two_factor_code", "verification_code", "x_amz_credential", "x_goog_credential", "xsrf"]
_PERSONAL = ["account_holder", "account_number", "address1", "address2", "address_line1", "address_line2", "bank_account", "birth_date", "birthday", "birth_name", "card_holder", "card_holder_name", "card_no", "card_num", "card_number", "card_pin", "cc_num", "cc_number", "cell_phone", "contact_phone", "cpf", "credit_card", "csc", "curp", "customer_phone", "cvc", "cvc2", "cvv", "cvv2", "date_of_birth", "dob", "driver_license", "drivers_license", "email", "email_address", "e_mail", "family_name", "first_name", "full_name", "given_name", "home_address", "home_phone", "iban", "last_name", "maiden_name", "middle_name", "mobile", "mobile_no", "mobile_number", "mobile_phone", "msisdn", "name_on_card", "national_id", "nino", "pan", "passport", "passport_no", "passport_number", "personal_id", "phone", "phone_no", "phone_number", "pin", "routing_number", "social_security", "social_security_number", "sort_code", "ssn", "street", "street1", "street2", "street_address", "street_name", "surname", "tax_id", "tax_number", "tel", "telephone", "telephone_number", "track1", "track2", "user_email", "work_phone"]
_ENDINGS = ["access_key", "account_key", "api_key", "api_secret", "auth_key", "card_number", "csrf", "cvc", "cvv", "encryption_key", "jwt", "jsessionid", "otp", "passcode", "passphrase", "passwd", "password", "private_key", "pwd", "secret", "secret_key", "sess_id", "session", "session_id", "session_key", "shared_key", "signature", "signing_key", "subscription_key", "token"]
_PARAMETERS = ["code", "credential", "key", "oauth_verifier", "sas", "sig", "ticket"]
_HEADERS = ["authentication_info", "dpop", "proxy_authentication_info", "signature", "ssl_client_cert", "x_amz_server_side_encryption_customer_key", "x_amzn_oidc_data", "x_client_cert", "x_forwarded_client_cert", "x_forwarded_tls_client_cert", "x_ms_client_principal", "x_ssl_client_cert", "x_shopify_hmac_sha256", "x_hub_signature_256", "x_wsse", "cf_access_jwt_assertion", "x_goog_iap_jwt_assertion"]
_HEADER_ENDINGS = ["access_token", "auth_key", "access_key", "api_key", "api_secret", "credential", "credentials", "functions_key", "jwt", "passwd", "password", "secret", "session", "session_id", "signature", "subscription_key", "token"]
_NO_SECRETS = frozenset(
    ["accesscontrolallowcredentials", "continuationtoken", "nextcontinuationtoken", "nextpagetoken", "nextsynctoken", "nexttoken", "pagetoken", "prevpagetoken", "previouspagetoken", "synctoken"]
)
"""Names that end like those of secrets and are none: places in lists, a switch of CORS."""

_DECORATION = re.compile(r"(?:\[\d*\])+\Z")
_DROPPED = str.maketrans("", "", "-_. \t\r\n$@:[]/\0\"'")
_GLUE = r"(?:[-_. :\[\]/$]|%[0-9a-f][0-9a-f])*"
_ANYTHING = r"[^\s=:\"'<>&]*"


def _bare(names: Iterable[str]) -> frozenset[str]:
    return frozenset(name.replace("_", "") for name in names)


_ANYWHERE = _bare(_CREDENTIALS) | _bare(_PERSONAL)
_LISTS = {
    Place.HEADER: _bare(_HEADERS),
    Place.PARAMETER: _ANYWHERE | _bare(_PARAMETERS),
    Place.FIELD: _ANYWHERE,
}
_FIELD_ENDINGS = tuple(_bare(_ENDINGS))
_ENDS = {
    Place.HEADER: tuple(_bare(_HEADER_ENDINGS)),
    Place.PARAMETER: _FIELD_ENDINGS,
    Place.FIELD: _FIELD_ENDINGS,
}


class Names:
    """The lists, with more names (`fields`) and exceptions (`keep`), in which * stands for anything."""

    __slots__ = ("_fields", "_keep", "_known", "pattern")

    def __init__(self, fields: Iterable[str] = (), keep: Iterable[str] = ()) -> None:
        own = list(fields)
        self._fields = _matcher(own)
        self._keep = _matcher(keep)
        self._known: dict[tuple[Place, bytes], bool] = {}
        self.pattern = _pattern(own)

    def is_secret(self, place: Place, name: bytes) -> bool:
        """Whether the value of this name is to be masked there."""
        known = self._known.get((place, name))
        if known is None:
            known = self._judge(place, bare(name), last_part(name))
            if len(name) <= CACHED_BYTES:
                if len(self._known) >= CACHE_LIMIT:
                    self._known.clear()
                self._known[place, name] = known
        return known

    def is_kept(self, name: bytes) -> bool:
        """Whether this name is an exception: its value is not masked because of it."""
        return self._keep(bare(name)) or self._keep(last_part(name))

    def _judge(self, place: Place, name: str, last: str) -> bool:
        if self._keep(name) or self._keep(last) or name in _NO_SECRETS:
            return False
        if self._fields(name) or self._fields(last):
            return True
        return name in _LISTS[place] or last in _LISTS[place] or name.endswith(_ENDS[place])


def bare(name: bytes) -> str:
    """A name without case, separators, decoration and percent-encoding."""
    text = name[:1024]
    if b"%" in text:
        text = unquote_to_bytes(text)
    return text.decode("latin-1").lower().translate(_DROPPED)


def last_part(name: bytes) -> str:
    """The last part of a composed name, as `bare` would have it: `user[password][]` is password."""
    text = unquote_to_bytes(name[:1024]).decode("latin-1")
    text = _DECORATION.sub("", text.strip()).rstrip("]")
    cut = max(text.rfind("["), text.rfind("."), text.rfind(":"), text.rfind("/"), text.rfind("$"))
    return text[cut + 1 :].lower().translate(_DROPPED)


def _matcher(names: Iterable[str]) -> Callable[[str], bool]:
    """A test for bare names; * stands for anything."""
    bares = [_plain(name) for name in names]
    literal = frozenset(name for name in bares if "*" not in name)
    patterns = [re.compile(translate(name)) for name in bares if "*" in name]
    if not patterns:
        return literal.__contains__
    return lambda name: name in literal or any(pattern.match(name) for pattern in patterns)


def _plain(name: str) -> str:
    return name.lower().translate(_DROPPED)


def _pattern(own: Iterable[str]) -> bytes:
    """What every secret name ends like, for RE2, in any case."""
    lists = (_CREDENTIALS, _PERSONAL, _ENDINGS, _PARAMETERS, _HEADERS, _HEADER_ENDINGS)
    words = sorted({name for names in lists for name in names})
    patterns = [_GLUE.join(map(re.escape, name.split("_"))) for name in words]
    patterns += [
        _GLUE.join(_ANYTHING if letter == "*" else re.escape(letter) for letter in _plain(name))
        for name in own
    ]
    return "|".join(patterns).encode()
