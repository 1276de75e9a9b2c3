"""One generator process, told by its starter what to do: `python -m loadtests.engine.process`.

    in    a line of JSON: the task; then, after `ready`, a line: the moment of `time.monotonic` to begin at
    out   a line of JSON each: {"ready": true}, what happened in each second, and {"done": true, …} at the end

It ends early at SIGTERM, and when its starter has gone: its input ends.
"""

import asyncio
import gc
import json
import signal
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from loadtests.pictures import Mix, MixDescription, Picture
from loadtests.profiles import Profile
from loadtests.records import Pulse, RecordWriter, Sample
from loadtests.sample_statistics import median
from loadtests.users.asking import SdkAsker
from loadtests.users.target import Target
from triptych import health

from .generator import Generator, Share

_COLLECT_EVERY: Final = 50_000  # objects; a collection in a measured moment is a late answer


def main() -> None:
    """Do the task that comes on stdin."""
    task = json.loads(sys.stdin.readline())
    mix = MixDescription.from_document(task["mix"]).made()
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_EVERY)
    asyncio.run(_generate(task, mix))


async def _generate(task: Mapping[str, Any], mix: Mix) -> None:
    profile, target = Profile.from_document(task["profile"]), Target.from_document(task["target"])
    share = Share(process=task["process"], processes=task["processes"])
    async with SdkAsker(target) as asker:
        with RecordWriter(Path(task["folder"]), share.process) as writer:

            def report(samples: list[Sample], pulse: Pulse, good: int) -> None:
                writer.write(samples, pulse)
                _say({"pulse": pulse, "good": good, **_second(samples)})

            generator = Generator(
                profile, asker, mix, protocol=target.protocol, seed=task["seed"], report=report, share=share
            )
            await asker.ask([Picture("health", health.image())])  # connects; what comes of it, the run will show
            _say({"ready": True})
            begins_at = float(await asyncio.to_thread(sys.stdin.readline) or "nan")
            loop = asyncio.get_running_loop()
            loop.add_signal_handler(signal.SIGTERM, generator.stop)
            loop.add_reader(sys.stdin.fileno(), generator.stop)
            await generator.run(begins_at)
            loop.remove_reader(sys.stdin.fileno())
    _say({"done": True, "hopeless": generator.hopeless})


def _second(samples: Sequence[Sample]) -> dict[str, Any]:
    """What progress shows of a second."""
    latencies_s = [sample.latency_s for sample in samples if sample.has_latency]
    codes = Counter(sample.code for sample in samples)
    return {"codes": codes, "p50_s": median(latencies_s) if latencies_s else None}


def _say(message: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the starter's to decide
    main()
