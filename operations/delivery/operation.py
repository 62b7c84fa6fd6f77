"""What the engine does on a stack under the policy pack, or after a look at its state."""

from operations.delivery import plan, run, shared_dns


def preview(stack: str, *options: str) -> int:
    """Show what `up` would change; the engine's exit code, as of all that follow."""
    log = run.record(plan.events_file(stack).name)
    log_to = ("--event-log", str(log))
    return run.on_stack(stack, "preview", "--diff", *run.policy_pack(stack), *log_to, *options)


def up(stack: str, *options: str) -> int:
    shared_dns.refuse_removal(stack, run.stack_environment(stack))
    return run.on_stack(
        stack, "up", "--yes", "--suppress-outputs", *run.policy_pack(stack), *options
    )


def save_plan(stack: str) -> int:
    shared_dns.refuse_removal(stack, run.stack_environment(stack))
    return plan.save(stack)


def destroy(stack: str) -> int:
    shared_dns.refuse_destroy(stack, run.stack_environment(stack))
    return run.on_stack(stack, "destroy", "--yes")
