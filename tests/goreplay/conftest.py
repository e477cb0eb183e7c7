"""Every case is seen on both roads."""

import pytest

from goreplay.roads import Road, through_a_run, through_the_pipeline


@pytest.fixture(params=[through_the_pipeline, through_a_run], ids=["pipeline", "run"])
def road(request: pytest.FixtureRequest) -> Road:
    """Frames in, requests out."""
    return request.param  # type: ignore[no-any-return]
