"""IEEE 802.11 data frames (IEEE 802.11-2020, section 9.3.2), bare, behind radiotap, or in GRE from an access point.

Only clear frames can be read: one that is encrypted is not IP to us.
"""

import numpy as np

from shadowtap.decap.rows import Drop, Kind, Rows, Step, View

_DATA, _QOS, _NO_DATA = 2, 8, 4
_TO_AND_FROM, _PROTECTED, _ORDER = 0x03, 0x40, 0x80


def radiotap(view: View, rows: Rows) -> Step:
    """A header whose length, little-endian, is in its third and fourth byte (radiotap.org)."""
    rows = view.with_bytes(rows, 8)
    rows.pos = rows.pos + view.u8[rows.pos + 2] + (view.u8[rows.pos + 3].astype(np.int64) << 8)
    return rows, Kind.WLAN


def wlan(view: View, rows: Rows) -> Step:
    """24 bytes, and more with four addresses, quality of service and HT control; then LLC."""
    rows = view.with_bytes(rows, 24)
    control, flags = view.u8[rows.pos], view.u8[rows.pos + 1]
    subtype = control >> 4
    readable = ((control >> 2) & 3 == _DATA) & (subtype & _NO_DATA == 0) & (flags & _PROTECTED == 0)
    rows = view.keep(rows, readable, Drop.NOT_IP)
    flags, qos = flags[readable], (subtype[readable] & _QOS) != 0
    four_addresses = (flags & _TO_AND_FROM) == _TO_AND_FROM
    ht_control = qos & ((flags & _ORDER) != 0)
    rows.pos = (
        rows.pos + 24 + np.where(four_addresses, 6, 0) + np.where(qos, 2, 0) + np.where(ht_control, 4, 0)
    )
    return rows, Kind.LLC
