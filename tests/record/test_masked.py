"""With the real masker, no planted secret is in any byte of a recording, finished or open, and answers still come back."""

import base64
import json

import pyarrow.parquet as pq

from record.observations import CLIENT, NOON, SERVER
from shadowtap.events import (
    Connection,
    Difference,
    Exchange,
    Observation,
    Outcome,
    Request,
    Response,
    Verdict,
)
from shadowtap.masking import Masker
from shadowtap.record import Recorder, Recording, StoreOptions, layout

KEY = b"a key of the tests"
SECRETS = [
    b"hunter2-s3cret",
    b"4111111111111111",
    b"ada.lovelace@example.org",
    b"AKIAIOSFODNN7EXAMPLE",
    b"sess-0123456789abcdef",
    b"DE89370400440532013000",
]


def planted(number):
    password, card, email, key, session, iban = SECRETS
    connection = Connection(1, CLIENT, SERVER, None)
    basic = base64.b64encode(b"ada:" + password)
    target = b"/pay?token=" + key + b"&email=" + email
    head = b"\r\n".join(
        (
            b"POST " + target + b" HTTP/1.1",
            b"Host: shop",
            b"Authorization: Basic " + basic,
            b"Cookie: sid=" + session,
            b"Content-Type: application/json",
            b"",
            b"",
        )
    )
    body = json.dumps(
        {"password": password.decode(), "card": card.decode(), "iban": iban.decode(), "n": number}
    ).encode()
    answer = (
        b"HTTP/1.1 200 OK\r\nSet-Cookie: sid="
        + session
        + b"; Path=/\r\nContent-Type: application/json\r\n\r\n"
    )
    said = json.dumps({"email": email.decode(), "api_key": key.decode()}).encode()
    request = Request(connection, number, NOON, NOON, b"POST", target, b"1.1", head, body, False, (), None)
    response = Response(connection, NOON, NOON, 200, b"OK", b"1.1", answer, said, len(said), False, (), None)
    outcome = Outcome("http://staging", request, NOON, 1, 2, 200, answer, said, None)
    difference = Difference("json_value", "body.email", json.dumps(email.decode()), '"other@example.org"')
    return Observation(
        Exchange(request, response), "replayed", (outcome,), (Verdict("http://staging", (difference,)),)
    ), basic


def test_no_secret_is_in_any_byte(tmp_path):
    root = tmp_path / "rec"
    masker = Masker(KEY)
    recorder = Recorder(root, mask=masker.observation, options=StoreOptions(free_bytes=0))
    for number in range(20):
        recorder.offer(planted(number)[0])
    while recorder.counters.waiting:
        recorder._wake.set()
    (journal,) = layout.journals(root)
    open_octets = journal.read_bytes()
    recorder.close()
    (path,) = layout.finished(root)
    everything = (
        open_octets
        + repr(pq.read_table(path).to_pylist()).encode()
        + repr(list(Recording(root).exchanges())).encode()
    )
    for secret in (*SECRETS, planted(0)[1]):
        assert secret not in everything
    assert masker.counts.total() > 0
    assert pq.read_metadata(path).metadata[b"shadowtap.masked"] == b"yes"


def test_what_is_no_secret_stays_and_one_secret_has_one_stand_in(tmp_path):
    root = tmp_path / "rec"
    recorder = Recorder(root, mask=Masker(KEY).observation, options=StoreOptions(free_bytes=0))
    for number in range(3):
        recorder.offer(planted(number)[0])
    recorder.close()
    bodies = [json.loads(o.exchange.request.body) for o in Recording(root).exchanges()]
    assert [body["n"] for body in bodies] == [0, 1, 2]
    assert len({body["password"] for body in bodies}) == 1
    assert len({o.exchange.request.target.partition(b"?")[0] for o in Recording(root).exchanges()}) == 1
