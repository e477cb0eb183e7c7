import pytest

pytest.importorskip("boto3", reason="the extra shadowtap[aws] is not installed")
