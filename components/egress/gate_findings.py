"""What the pods of a gate have said: the values that they measured, or why there are none."""

import json
import shlex
import sys
from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_command
from pulumi_kubernetes.batch import v1 as batch


def findings(
    jobs: Mapping[str, batch.Job], *, context: str, namespace: str
) -> pulumi.Output[dict[str, str]]:
    """For each node the message of its Job's pod, once the Jobs are done.

    Unknown in a preview, which measures nothing: what a saved plan says the update must keep to.
    Nothing fails here; a message that is unavailable is `unavailable: ` with the reason.
    """

    def look(uids: dict[str, str]) -> pulumi.Output[dict[str, str]]:
        if pulumi.runtime.is_dry_run():
            unknown: Any = pulumi.UNKNOWN
            return pulumi.Output.from_input(unknown)
        command = [sys.executable, "-m", "operations.report.findings"]
        command += ["--context", context, "--namespace", namespace]
        command += (f"{node}={uid}" for node, uid in uids.items())
        answer = pulumi_command.local.run_output(
            command=shlex.join(command), logging=pulumi_command.local.Logging.NONE
        )
        return answer.stdout.apply(read)

    def read(text: str) -> dict[str, str]:
        messages: dict[str, str] = json.loads(text)
        return messages

    uids: dict[str, Any] = {
        node: job.metadata.apply(lambda metadata: str(metadata.uid)) for node, job in jobs.items()
    }
    return pulumi.Output.from_input(uids).apply(look)
