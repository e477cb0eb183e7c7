"""Options that would do nothing where they were given: said at once, since whoever gave one counts on it."""

import argparse
from collections.abc import Mapping

from shadowtap.config import Settings
from shadowtap.config.sinks import SinkSettings
from shadowtap.errors import UsageError

_OF_SESSIONS = (
    ("rebind_wait", "--rebind-wait"),
    ("rebind_always", "--rebind-always"),
    ("rebind_never", "--rebind-never"),
)


def refuse_unused(args: argparse.Namespace, settings: Settings) -> None:
    """Raises UsageError where an option on the command line has nothing to act on."""
    given = vars(args)
    for name, option, works, advice in _needs(settings, given):
        if name in given and not works:
            raise UsageError(f"{option} does nothing here: {advice}")
    _refuse_two_on_stdout(settings)


def _needs(settings: Settings, given: Mapping[str, object]) -> list[tuple[str, str, bool, str]]:
    """Name and spelling of each option, whether it has something to act on, and what to do if not."""
    tls = any(target.url.lower().startswith("https:") for target in settings.targets)
    no_tls = "no target is https://; leave it out, or name one"
    transform, hooks = settings.transform, settings.hooks
    masked = settings.mask.live or settings.compare.wanted or any(map(_masks, settings.sinks))
    kept = any(url.lower().startswith("recording:") for url in settings.sources)
    kept = kept or any(sink.kind == "recording" for sink in settings.sinks)
    return [
        ("ca_file", "--ca-file", tls, no_tls),
        ("verify", "--insecure", tls, no_tls),
        (
            "sample_by",
            "--sample-by",
            transform.sample < 1 or "sample" in given,
            "say how much, such as --sample 10%",
        ),
        ("hooks_on_error", "--hooks-on-error", hooks.file is not None, "there is no --hooks FILE"),
        (
            "middleware_timeout",
            "--middleware-timeout",
            hooks.middleware is not None,
            "there is no --middleware COMMAND",
        ),
        ("keep_secrets", "--keep-secrets", settings.dry_run, "it is for --dry-run; sinks take ?mask=no"),
        (
            "mask_key",
            "--mask-key",
            masked,
            "nothing is masked with it; --mask masks what is replayed, and sinks mask by themselves",
        ),
        ("recording_key", "--recording-key", kept, "no recording is read or written"),
        *_about_comparing(settings),
    ]


def _about_comparing(settings: Settings) -> list[tuple[str, str, bool, str]]:
    compared = settings.compare.wanted
    not_compared = "answers are not compared; add --compare"
    not_rebound = "sessions are not re-bound; add --rebind, or --compare without --no-rebind"
    return [
        ("ignore", "--ignore", compared, not_compared),
        ("reference", "--reference", compared, not_compared),
        ("noise", "--noise", compared, not_compared),
        *((name, option, settings.rebinds, not_rebound) for name, option in _OF_SESSIONS),
    ]


def _masks(sink: SinkSettings) -> bool:
    """Whether a sink makes stand-ins with the key; JSON Lines have stars only."""
    return sink.mask and sink.kind != "jsonl"


def _refuse_two_on_stdout(settings: Settings) -> None:
    """What machines read goes to standard output, so one writer at a time."""
    writers = [sink.url for sink in settings.sinks if sink.path == "-" and not settings.dry_run]
    writers += ["--dry-run"] * settings.dry_run
    writers += ["--summary -"] * (settings.summary == "-")
    writers += ["--compare-json -"] * (settings.compare.json == "-")
    writers += ["--compare-junit -"] * (settings.compare.junit == "-")
    if len(writers) > 1:
        raise UsageError(
            f"{' and '.join(writers)} both write to standard output; name a file for one of them"
        )
