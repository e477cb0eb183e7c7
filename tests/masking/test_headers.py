"""What is hidden of a header field, and what stays readable."""

import pytest

from shadowtap.masking import Masker

M = r"masked-[0-9a-f]{12}"


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("Authorization", "Bearer eyJhbGciOi", "Bearer ***"),
        ("authorization", "Basic dXNlcjpwdw==", "Basic ***"),
        ("Authorization", "AWS4-HMAC-SHA256 Credential=AKIA/2026, Signature=fe5f", "AWS4-HMAC-SHA256 ***"),
        ("Authorization", "naked-token", "***"),
        ("Authorization", "hunter2 and more", "***"),
        ("X-Forwarded-Authorization", "Bearer x", "Bearer ***"),
        ("Proxy-Authorization", "Digest username=x", "Digest ***"),
        ("Cookie", "session=abc; theme=dark", "session=***; theme=***"),
        ("Cookie", "naked", "***"),
        ("Cookie", "a=; b=\"\"; =c;", "a=; b=\"\"; =***;"),
        ("Set-Cookie", "session=abc; Path=/; HttpOnly", "session=***; Path=/; HttpOnly"),
        ("Set-Cookie", "naked; Path=/", "***; Path=/"),
        ("Set-Cookie", "a=b; Expires=Wed, 25 Nov 2026 12:00:00 GMT; other=x", "a=***; Expires=Wed, 25 Nov 2026 12:00:00 GMT; other=***"),
        ("X-Api-Key", "abc", "***"),
        ("X-Auth-Token", "abc", "***"),
        ("X-Amz-Security-Token", "abc", "***"),
        ("X-CSRF-Token", "abc", "***"),
        ("x-amzn-oidc-accesstoken", "abc", "***"),
        ("Ocp-Apim-Subscription-Key", "abc", "***"),
        ("X-Vault-Token", "", ""),
        ("Referer", "https://me:pw@shop/a?q=1&token=abc", "https://***:***@shop/a?q=1&token=***"),
        ("Location", "/cb#access_token=abc&state=1", "/cb#access_token=***&state=1"),
        ("Link", '</a?token=abc>; rel="next", </b?code=d>', '</a?token=***>; rel="next", </b?code=***>'),
        ("X-Note", 'token="a b", next=1', "token=***, next=1"),
        ("From", "Me <me@shop.org>", "Me <***>"),
        ("Idempotency-Key", "abc", "abc"),
    ],
)  # fmt: skip
def test_headers(name, value, shown):
    assert Masker(None).header(name.encode(), value.encode()) == shown.encode()


@pytest.mark.parametrize(
    ("target", "shown"),
    [
        ("/a?b=1&c=2", "/a?b=1&c=2"),
        ("/a?access_token=abc&b=1", "/a?access_token=***&b=1"),
        ("/a?API_KEY=abc", "/a?API_KEY=***"),
        ("/a?a%63cess_token=abc", "/a?a%63cess_token=***"),
        (
            "/a?X-Amz-Credential=x&X-Amz-Signature=y&X-Amz-Date=z",
            "/a?X-Amz-Credential=***&X-Amz-Signature=***&X-Amz-Date=z",
        ),
        ("/a;jsessionid=abc?b=1", "/a;jsessionid=***?b=1"),
        ("/a?token=what?now", "/a?token=***"),
        ("/a?b=1;token=abc", "/a?b=1;token=***"),
        ("/a?token=ab;cd&b=1", "/a?token=***&b=1"),
        ("/a?token=", "/a?token="),
        ("/a?to=/b?token=c", "/a?to=/b?token=***"),
        ("http://me:pw@shop/a", "http://***:***@shop/a"),
        ("/mail/me@example.org", "/mail/***"),
        ("*", "*"),
    ],
)
def test_targets(target, shown):
    assert Masker(None).target(target.encode()) == shown.encode()
