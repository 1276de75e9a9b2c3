"""How numbers are written, alike in every section."""

from datetime import datetime

from loadtests.sample_statistics import CONFIDENCE, METHOD, interval_text, percent

_MEBI = 1024 * 1024


def count(number: int) -> str:
    """1000 -> 1,000."""
    return f"{number:,}"


def of_images(number: int) -> str:
    """1 -> 1 image, 200 -> 200 images."""
    return f"{number:,} image" + ("s" if number != 1 else "")


def share(value: float) -> str:
    """0.985 -> 98.5%; what is less than all is never written as 100%."""
    return percent(value)


INTERVALS = f"{CONFIDENCE:.0%} interval by {METHOD}"
"""What the brackets of `share_of` are."""


def share_of(value: float, images: int) -> str:
    """A share of so many images with its interval: 100% of 18 -> 100% (82.4% to 100%)."""
    return f"{share(value)} ({interval_text(value, images)})"


def measure(value: float) -> str:
    """A measured difference, three digits: 0.00116, 1.36e-05."""
    return f"{value:.3g}"


def bound(value: float) -> str:
    """A bound as it was set: 0.02."""
    return f"{value:g}"


def constant(value: float) -> str:
    """A constant of the preprocessing: 0.485."""
    return f"{value:.6g}"


def score(value: float) -> str:
    """A probability: 0.9511."""
    return f"{value:.4f}"


def mebibytes(size: int) -> str:
    """20971520 -> 20 MiB."""
    return f"{size / _MEBI:.4g} MiB"


def megabytes(size: int) -> str:
    """18570361 -> 18.6 MB."""
    return f"{size / 1e6:.1f} MB"


def moment(at: datetime) -> str:
    """2031-02-03 04:05:06 UTC."""
    return f"{at:%Y-%m-%d %H:%M:%S %Z}".strip()
