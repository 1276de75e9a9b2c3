"""`triptych rollout lint`."""

from pathlib import Path

import click

from triptych_ops.cli.options import json_option
from triptych_ops.cli.output import print_json, print_table, say, table
from triptych_ops.errors import MissingError, UsageError
from triptych_ops.rollout.plan import Plan, load_plan, plan_schema


@click.command("lint")
@click.argument("plan_file", metavar="PLAN", type=click.Path(path_type=Path), required=False)
@click.option("--schema", is_flag=True, help="Print the JSON schema of plans instead, for editors.")
@json_option
def lint(plan_file: Path | None, schema: bool, as_json: bool) -> None:
    """Check the plan in file PLAN, and show what it means with all that it leaves to the defaults.

    Exit 2 where it is no plan, with the line, the field and what to write.
    """
    if schema:
        print_json(plan_schema())
        return
    if plan_file is None:
        raise UsageError("name a plan, or give --schema")
    if not plan_file.is_file():
        raise MissingError(f"there is no plan {plan_file}")
    plan = load_plan(plan_file.read_text(encoding="utf-8"))
    if as_json:
        print_json(plan.model_dump(mode="json"))
        return
    _print(plan)


def _print(plan: Plan) -> None:
    steps = table(
        "step", "share", "least time", "least samples", right=("step", "share", "least time", "least samples")
    )
    for number, step in enumerate(plan.steps, 1):
        steps.add_row(str(number), f"{step.weight_percent} %", f"{step.least_s:g} s", str(step.least_samples))
    print_table(steps)
    click.echo("")
    metrics = table("metric", "kind", "goes back beyond", "goes on below", "weight", right=("weight",))
    for rule in plan.metrics:
        condition = rule.condition
        metrics.add_row(rule.name, rule.kind, f"{condition.tolerance:g}", f"{condition.limit:g}", f"{rule.weight:g}")
    print_table(metrics)
    click.echo("")
    click.echo(f"gates   {', '.join(_gates(plan)) or 'none'}")
    if plan.sticky is not None:
        click.echo(f"sticky  {plan.sticky} goes to the candidate from step 1 on")
    if plan.prometheus is None:
        say("no prometheus is named: a step that asks for samples holds until its deadline")


def _gates(plan: Plan) -> list[str]:
    """As they are asked, before any traffic."""
    gates: list[str] = list(plan.gates)
    if plan.images_per_second is not None:
        gates.append(f"capacity of {plan.images_per_second:g} images/s a pod")
    if plan.prometheus is not None and plan.error_budget is not None:
        gates.insert(0, f"error budget of {plan.error_budget}")
    return gates
