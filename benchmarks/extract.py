"""How fast is `shadowtap extract` beside tshark, on the same large capture file?

    python benchmarks/extract.py [--packets 1000000 | --quick | --file FILE] [--rounds 3] [--json FILE]

Both print one line a message with time, addresses and headers. tshark is given what makes it fast: no name
resolution, no decompression, no dissection of bodies, no checksums, no relative times; and it does not hash
bodies, which shadowtap does. Each writes to /dev/null; they take turns, and medians are compared.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from laboratory import Missing, require, shadowtap
from synthesis import write_capture

_FIELDS = (
    "frame.time_epoch",
    "tcp.stream",
    "ip.src",
    "tcp.srcport",
    "ip.dst",
    "tcp.dstport",
    "http.request.method",
    "http.request.uri",
    "http.request.version",
    "http.host",
    "http.request.line",
    "http.response.code",
    "http.response.phrase",
    "http.response.line",
    "http.request_in",
)
_LEFT_OUT = ("data-text-lines", "json", "media", "urlencoded-form", "mime_multipart")
_PREFERENCES = (
    "tcp.check_checksum:FALSE",
    "tcp.calculate_timestamps:FALSE",
    "tcp.desegment_tcp_streams:TRUE",
    "http.desegment_headers:TRUE",
    "http.desegment_body:TRUE",
    "http.dechunk_body:TRUE",
    "http.decompress_body:FALSE",
)


def tshark(capture: Path) -> list[str]:
    """Its command line."""
    words = ["tshark", "-n", "-r", str(capture)]
    words += [w for name in _LEFT_OUT for w in ("--disable-protocol", name)]
    words += [w for preference in _PREFERENCES for w in ("-o", preference)]
    words += ["-Y", "http.request or http.response", "-T", "fields"]
    return words + [w for field in _FIELDS for w in ("-e", field)]


def _environment() -> dict[str, str]:
    """Ours, and modules may be kept as bytecode, as they are where shadowtap was installed: else each start would
    compile the sources anew, 0.3 s."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def timed(command: Sequence[str]) -> dict[str, float]:
    """Wall and CPU seconds of one run, children included."""
    start = time.monotonic()
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=_environment()
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall_s = time.monotonic() - start
    if process.returncode:
        raise SystemExit(f"exit code {process.returncode}: {' '.join(command)}; run it to see why")
    return {"wall_s": wall_s, "cpu_s": used.ru_utime + used.ru_stime, "peak_mb": used.ru_maxrss / 1024}


def messages(command: Sequence[str]) -> int:
    """How many lines it prints: one for each message."""
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=_environment()
    ) as process:
        assert process.stdout is not None
        return sum(1 for _ in process.stdout)


def compare(capture: Path, rounds: int) -> dict[str, object]:
    """Both in turn; medians, and how many times less shadowtap takes."""
    commands = {"shadowtap": [*shadowtap(), "extract", f"pcap:{capture}"], "tshark": tshark(capture)}
    found = {name: messages(command) for name, command in commands.items()}
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            runs[name].append(timed(command))
            print(f"{name}: {runs[name][-1]['wall_s']:.2f} s", file=sys.stderr, flush=True)
    middle = {
        name: {key: round(median(run[key] for run in group), 3) for key in group[0]}
        for name, group in runs.items()
    }
    ratio = {key: round(middle["tshark"][key] / middle["shadowtap"][key], 2) for key in ("wall_s", "cpu_s")}
    return {"messages": found, "medians": middle, "ratio": ratio, "runs": runs, "commands": commands}


def main() -> int:
    """The program."""
    parser = argparse.ArgumentParser(description="Time shadowtap extract beside tshark.")
    parser.add_argument("--packets", type=int, default=1_000_000)
    parser.add_argument("--quick", action="store_true", help="200,000 packets, one round")
    parser.add_argument("--file", type=Path, help="this capture instead of a synthetic one")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, metavar="FILE")
    chosen = parser.parse_args()
    try:
        require("tshark", root=False)
    except Missing as missing:
        print(missing, file=sys.stderr)
        return 2
    rounds, packets = (1, 200_000) if chosen.quick else (chosen.rounds, chosen.packets)
    with tempfile.TemporaryDirectory(prefix="shadowtap-extract-") as folder:
        capture = chosen.file or Path(folder, "web.pcap")
        if not chosen.file:
            packets = write_capture(capture, packets)
            print(f"{packets:,} packets, {capture.stat().st_size / 1e6:.0f} MB", file=sys.stderr)
        result = compare(capture, rounds)
    if chosen.json:
        chosen.json.write_text(json.dumps(result, indent=2) + "\n")
    for key in ("messages", "medians", "ratio"):
        print(f"{key:10}{result[key]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
