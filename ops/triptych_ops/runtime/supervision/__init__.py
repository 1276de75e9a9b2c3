"""Serving that heals itself: what is wrong is noticed, replaced and said.

Triton replaces no python stub that was killed or stopped: each request then fails or hangs for ever, and it
goes on to call itself ready. So its processes are looked at, and its answers are compared with the known one.

    judgement.py   pure: what was seen -> nothing, or what is wrong
    restarts.py    pure: what was replaced before -> how long to wait, or to give up
    progress.py    pure, but for reading it: does a server that gives no answer get on with its work?
    processes.py   looks at the server and its stubs
    probe.py       asks the known question, again and again, in a thread of its own
    supervisor.py  joins them
    verdict.py     pure: the same judgement for whoever replaces servers himself, as a kubelet does
    watch.py       keeps it current and tells it by HTTP
"""

from .restarts import RestartPolicy
from .supervisor import Part, Supervisor
from .watch import USUAL_ANSWER_S, Telling, Watch

__all__ = ["USUAL_ANSWER_S", "Part", "RestartPolicy", "Supervisor", "Telling", "Watch"]
