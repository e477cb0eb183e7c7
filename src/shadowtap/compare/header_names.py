"""Header fields of answers that are not compared, or only for being there.

`IGNORED` fields say who answered, when and by which road, or repeat what is compared anyway. Of `PRESENCE` fields
the value changes with each answer; that they are there, or not, is compared. Both lists are in docs/comparing.md.
"""

_CLOCKS = "age date expires last-modified retry-after server-timing x-response-time x-runtime x-timer"
_ROADS = """
    alt-svc cf-cache-status cf-ray forwarded nel report-to reporting-endpoints server via x-amz-cf-id x-amz-cf-pop
    x-amz-id-2 x-azure-ref x-backend x-backend-server x-cache x-cache-hits x-cache-status x-drupal-cache
    x-envoy-decorator-operation x-envoy-upstream-service-time x-fastly-request-id x-host x-powered-by x-proxy-cache
    x-served-by x-server x-upstream x-varnish x-vercel-cache x-vercel-id
"""
_REQUEST_IDS = """
    request-id x-amz-request-id x-amzn-requestid x-amzn-trace-id x-b3-parentspanid x-b3-sampled x-b3-spanid
    x-b3-traceid x-cloud-trace-context x-correlation-id x-datadog-trace-id x-github-request-id x-ms-request-id
    x-ot-span-context x-request-id x-trace-id x-transaction-id traceparent traceresponse tracestate uber-trace-id
"""
_HOP_BY_HOP = """
    connection keep-alive proxy-authenticate proxy-connection te trailer transfer-encoding upgrade
"""
_OF_THE_BODY = "content-encoding content-length content-md5 content-digest digest repr-digest"
_CHANGING = """
    etag x-csrf-token x-rate-limit-limit x-rate-limit-remaining x-rate-limit-reset x-ratelimit-limit
    x-ratelimit-remaining x-ratelimit-reset ratelimit ratelimit-limit ratelimit-remaining ratelimit-reset x-xsrf-token
"""

PRESENCE: frozenset[str] = frozenset(("expires", "last-modified", *_CHANGING.split()))
IGNORED: frozenset[str] = (
    frozenset(f"{_CLOCKS}{_ROADS}{_REQUEST_IDS}{_HOP_BY_HOP} {_OF_THE_BODY}".split()) - PRESENCE
)

BALANCER_COOKIES = (
    "AWSALB", "AWSALBCORS", "AWSALBTG", "AWSALBTGCORS", "AWSELB", "AWSELBCORS", "ARRAffinity",
    "ARRAffinitySameSite", "BIGipServer", "GCLB", "SERVERID", "__cf_bm", "_cfuvid", "route",
)  # fmt: skip
"""Cookies that load balancers set for themselves; a name that begins with one of these is not compared."""
