"""What the shop sells, what it says about it, and the pages and pictures around that. Pure, always the same."""

import gzip
import hashlib
from collections.abc import Sequence

PRODUCTS: dict[int, dict[str, int | str]] = {
    number: {"id": number, "name": name, "price": price, "weight_g": weight}
    for number, (name, price, weight) in enumerate(
        [
            ("Oak table", 41900, 32000),
            ("Reading lamp", 4900, 1900),
            ("Wool blanket", 7900, 1400),
            ("Teapot", 3400, 900),
            ("Bread knife", 2900, 250),
            ("Linen apron", 2400, 300),
            ("Bookshelf", 18900, 28000),
            ("Wall clock", 5600, 1100),
            ("Doormat", 1900, 2100),
            ("Watering can", 2700, 800),
            ("Coat rack", 6400, 4200),
            ("Cast-iron pan", 5200, 2600),
        ],
        1,
    )
}
ADVERTISEMENTS = (
    "Tea for two, a third off",
    "New: doormats with a joke on them",
    "Wool weeks until Sunday",
    "A lamp for every book",
    "Knives, sharpened while you wait",
    "Gardens begin with a can",
)
OFFERS = ("free delivery", "gift wrapping", "a second lamp", "three for two", "a voucher", "early access")


def page(
    advertisements: Sequence[str], made: str, nonce: str, *, zipped: bool
) -> tuple[bytes, dict[str, str]]:
    """The front page and the header fields that describe it."""
    rows = "".join(f"<li><a href=/products/{p['id']}>{p['name']}</a>" for p in PRODUCTS.values())
    ads = "".join(f"<p>{text}" for text in advertisements)
    html = (
        f"<!doctype html><title>The shop</title><h1>Welcome</h1><ul>{rows}</ul><aside>{ads}</aside>"
        f"<script nonce={nonce} src=/shop.js></script><footer>made {made}</footer>"
    ).encode()
    headers = {"Content-Type": "text/html; charset=utf-8", "Vary": "Accept-Encoding"}
    if zipped:
        return gzip.compress(html, mtime=0), {**headers, "Content-Encoding": "gzip"}
    return html, headers


def picture(number: int) -> bytes:
    """The picture of a product, of some KiB."""
    seed = hashlib.sha256(str(number).encode()).digest()
    return b"\xff\xd8\xff\xe0" + seed * (150 + 40 * number) + b"\xff\xd9"
