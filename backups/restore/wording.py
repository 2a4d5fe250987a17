"""A restore's plan in words."""

from collections.abc import Iterator

from backups.restore.plan import TablePlan


def describe_plan(plan: TablePlan) -> Iterator[str]:
    """Yield the lines that tell a person what a restore does to a table."""
    target = plan.into if "." in plan.into else f"{plan.table.partition('.')[0]}.{plan.into}"
    now = f"{plan.rows_now} rows now" if plan.rows_now is not None else "made anew"
    yield f"{plan.table} -> {target} ({plan.mode}): {plan.rows_in_backup} rows, {now}"
    for name in plan.columns_added:
        filled = plan.defaults_used.get(name)
        yield f"  {name} is not in the backup: {f'default {filled}' if filled else 'null'}"
    for name in plan.columns_dropped:
        yield f"  {name} is in the backup only: its values are not used"
    for one in plan.columns_retyped:
        yield f"  {one.column} was {one.backup_type} and is {one.table_type}"
    for name in plan.newly_required:
        yield f"  {name} is required now"
    for name in plan.recomputed:
        yield f"  {name} is computed anew"
    for misfit in plan.misfits:
        yield f"  {misfit.rows} rows do not fit: {misfit.reason}"
    for why in plan.refusals:
        yield f"  REFUSED: {why}"
