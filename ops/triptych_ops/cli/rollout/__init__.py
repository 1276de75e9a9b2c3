"""`triptych rollout`: one release over another, step by step, on Kubernetes."""

import click

from triptych_ops.cli.group import Commands, Entry

_ENTRIES = {
    "start": Entry(".rollout.start:start", "Begin a rollout, or go on with it, and drive it to its end."),
    "lint": Entry(".rollout.lint:lint", "Check a plan, and show what it means."),
    "status": Entry(".rollout.status:status", "Show where the rollout is, and what it waits for."),
    "promote": Entry(".rollout.orders:promote", "Take the next step now."),
    "pause": Entry(".rollout.orders:pause", "Let nothing go on."),
    "resume": Entry(".rollout.orders:resume", "Go on after a pause."),
    "abort": Entry(".rollout.abort:abort", "Send all traffic back to the stable track, at once."),
    "undo": Entry(".rollout.undo:undo", "Put the release before the last promoted one back."),
    "history": Entry(".rollout.history:history", "List the rollouts, or the decisions of one."),
    "report": Entry(".rollout.report:report", "Write the story of a rollout: a page, and JSON."),
    "drive": Entry(".rollout.drive:drive", "Drive the rollout that is under way; what the in-cluster Job runs."),
}


@click.group(cls=Commands, entries=_ENTRIES)
def rollout() -> None:
    """Roll one release out over another on Kubernetes: measured, resumed after a kill, and back on doubt."""
