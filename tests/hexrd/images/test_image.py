"""What every reader of images shares."""

import pytest

from ssbchar.errors import BadInput
from ssbchar.hexrd.images.image import check_pixels, get_first_line
from ssbchar.hexrd.images.options import ImageLimits


def test_as_many_pixels_as_allowed_and_one_more() -> None:
    limits = ImageLimits(pixels=12)
    check_pixels("a.tif", (3, 4), limits)
    with pytest.raises(BadInput, match="3 x 5 pixels") as caught:
        check_pixels("a.tif", (3, 5), limits)
    assert "hexrd.integrate.limits.pixels" in caught.value.remedy


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("  bad block\nat byte 3"), "bad block"),
        (KeyError(), "KeyError"),
        (OSError("x" * 200), "x" * 120),
    ],
)
def test_a_library_is_quoted_by_one_line(error: Exception, said: str) -> None:
    assert get_first_line(error) == said
