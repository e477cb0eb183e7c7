"""These tests need the extra shadowtap[aws] and its test tools; without them they are not collected."""

from importlib.util import find_spec

collect_ignore_glob = [] if all(map(find_spec, ("boto3", "moto"))) else ["test_*.py"]
