"""The views, in SQL over `recorded`, which has the columns of a recording (docs/recording.md)."""

from typing import NamedTuple


class View(NamedTuple):
    """A name to select from, what its rows are, and the SQL that makes it."""

    name: str
    meaning: str
    sql: str


VIEWS = (
    View(
        "exchanges",
        "every request with production's answer; all columns of the recording, and endpoint, latency_ms, duration_ms",
        """
        SELECT time, method, host, path, status, latency_ns / 1e6 AS latency_ms, fate,
               endpoint(method, target) AS endpoint, (response_end_ns - request_time_ns) / 1e6 AS duration_ms,
               * EXCLUDE (time, method, host, path, status, fate)
        FROM recorded
        """,
    ),
    View(
        "endpoints",
        "methods and path templates, the most frequent first: how many requests, errors, how long answers took",
        """
        SELECT method, endpoint, count(*) AS requests, count(*) FILTER (status >= 500) AS errors,
               count(*) FILTER (status IS NULL) AS unanswered,
               quantile_cont(latency_ms, 0.5) AS p50_ms, quantile_cont(latency_ms, 0.95) AS p95_ms,
               quantile_cont(latency_ms, 0.99) AS p99_ms, max(latency_ms) AS max_ms,
               avg(response_body_bytes) AS mean_bytes
        FROM exchanges WHERE method IS NOT NULL AND (status IS NULL OR status >= 200 OR status = 101)
        GROUP BY method, endpoint ORDER BY requests DESC, method, endpoint
        """,
    ),
    View(
        "outcomes",
        "every request at every target: its answer beside production's, whether it was the same",
        """
        SELECT time, o.target AS target, method, endpoint, path, status AS production_status, o.status AS status,
               o.failure AS failure, latency_ms AS production_ms, o.first_byte_ns / 1e6 AS first_byte_ms,
               o.elapsed_ns / 1e6 AS elapsed_ms, v.same AS same, nullif(v.skipped, '') AS skipped,
               v.differences AS differences, v.noise AS noise, o.head AS head,
               coalesce(o.body, response_body) AS body, run, connection, request_index
        FROM (SELECT *, unnest(outcomes) AS o FROM exchanges) AS x
        LEFT JOIN (
            SELECT run AS r, connection AS c, request_index AS i, unnest(verdicts) AS v FROM recorded
            WHERE len(verdicts) > 0
        ) AS y ON r = run AND c = connection AND i = request_index AND v.target = o.target
        """,
    ),
    View(
        "differences",
        "one row for every difference between production's answer and a target's, noise left out",
        """
        SELECT time, v.target AS target, method, endpoint, d.kind AS kind, d.place AS place,
               d.production AS production_value, d.target AS target_value, path, status,
               run, connection, request_index
        FROM (
            SELECT *, unnest(v.differences) AS d FROM (SELECT *, unnest(verdicts) AS v FROM exchanges)
        )
        """,
    ),
    View(
        "errors",
        "what went wrong: answers 5xx of production, messages not complete, targets that failed or answered 5xx",
        """
        SELECT time, method, path, status, list_filter([
                   CASE WHEN status >= 500 THEN 'production answered ' || status END,
                   'request: ' || request_fault, 'response: ' || response_fault,
                   CASE WHEN lost_request THEN 'request lost' END
               ] || list_transform(list_filter(outcomes, lambda o: o.failure IS NOT NULL OR o.status >= 500),
                   lambda o: o.target || ': ' || coalesce(o.failure, 'answered ' || o.status)
               ), lambda why: why IS NOT NULL) AS why,
               fate, fate_reason, latency_ms, endpoint, run, connection, request_index
        FROM exchanges
        WHERE status >= 500 OR request_fault IS NOT NULL OR response_fault IS NOT NULL OR lost_request
           OR len(list_filter(outcomes, lambda o: o.failure IS NOT NULL OR o.status >= 500)) > 0
        """,
    ),
    View(
        "slow",
        "answers slower than 99 of 100 of their endpoint and twice its median, the slowest first",
        """
        SELECT time, method, path, status, latency_ms, p50_ms, p99_ms, endpoint, response_body_bytes,
               run, connection, request_index
        FROM exchanges JOIN endpoints USING (method, endpoint)
        WHERE latency_ms >= p99_ms AND latency_ms > 2 * p50_ms ORDER BY latency_ms DESC
        """,
    ),
)

FUNCTIONS = (
    (
        "endpoint(method, target)",
        "the path template, such as /users/{id}, found from all paths of the recording",
    ),
    ("header(head, 'name')", "the first value of a header field; NULL where there is none"),
    ("content(head, body)", "a body as text, chunked framing and compression undone; NULL where it is none"),
)

EXAMPLES = (
    "SELECT * FROM endpoints",
    "SELECT time, method, path, status, latency_ms FROM exchanges ORDER BY latency_ms DESC LIMIT 20",
    "SELECT time, content(response_head, response_body) FROM exchanges WHERE status = 500",
    "SELECT header(request_head, 'user-agent') AS agent, count(*) FROM exchanges GROUP BY agent ORDER BY 2 DESC",
    "SELECT endpoint, kind, place, count(*) FROM differences GROUP BY ALL ORDER BY 4 DESC",
)
