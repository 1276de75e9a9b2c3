"""What is measured, as a table."""

from dataclasses import dataclass
from typing import Final

LIMIT: Final = "limit"
LIMIT_OPENVINO: Final = "limit-openvino"
LIMITS: Final = (LIMIT, LIMIT_OPENVINO)
FP32: Final = "triptych-fp32"
INT8: Final = "triptych-int8"
PEERS: Final = ("flask", "fastapi", "litserve")
CONTESTANTS: Final = (*LIMITS, *PEERS, FP32, INT8)

TYPICAL: Final = "typical"
CAMERA: Final = "camera"


@dataclass(frozen=True, slots=True)
class Scenario:
    """One load: `connections` at once, each with one request under way."""

    name: str
    connections: int
    pictures: str = TYPICAL
    share: float = 1.0  # of the seconds of a scenario
    contestants: tuple[str, ...] = CONTESTANTS
    quick: bool = False  # part of a quick run


LEVELS: Final = (
    Scenario("1", 1, quick=True),
    Scenario("4", 4),
    Scenario("16", 16, share=2.0, quick=True),  # most bars lie here
    Scenario("64", 64),
    Scenario("256", 256),
)

TWELVE_MEGAPIXELS: Final = Scenario("12 MP", 1, pictures=CAMERA, share=0.75, contestants=(*LIMITS, FP32), quick=True)

SCENARIOS: Final = (*LEVELS, TWELVE_MEGAPIXELS)
