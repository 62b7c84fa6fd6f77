"""Which gateways a wave has once it has rolled out, held against those that its gate measures."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_command

from ..cluster.toleration import Toleration, as_json


@dataclass(frozen=True, kw_only=True)
class WaveGateways:
    """The gateways of a wave, as its gate needs them.

    `rolled_out` is known, in a preview too, once their DaemonSet is made and its pods are ready.
    `revision` changes when the pods would, or when their DaemonSet is a new one: what has changed
    is measured again. `tolerations` are those of the pods.
    """

    namespace: str
    wave: str
    rolled_out: pulumi.Output[str]
    revision: pulumi.Output[str]
    tolerations: tuple[Toleration, ...] = ()


def all_measured(
    gateways: WaveGateways,
    *,
    context: str,
    nodes: Sequence[str],
    stop: bool,
    excused: Collection[str] = (),
) -> pulumi.Output[None]:
    """See that the wave has gateways on none but `nodes`, and that each of these can be measured.

    Looks once they have rolled out: those nodes were read when the program began, and one that has
    joined since has a gateway too. Raises pulumi.RunError then, which ends what depends on it; and
    with `stop` when the gateways cannot be seen, which is else a warning. Gateways of `excused`
    nodes need no measurement. A preview changes no gateway and looks for none.
    """

    wave = gateways.wave

    def look(_: str) -> pulumi.Output[None]:
        if pulumi.runtime.is_dry_run():
            return pulumi.Output.from_input(None)
        command = [sys.executable, "-m", "operations.preflight.gateways", "--context", context]
        if gateways.tolerations:
            command += ["--tolerations", as_json(gateways.tolerations)]
        command += nodes
        answer = pulumi_command.local.run_output(
            command=shlex.join(command), logging=pulumi_command.local.Logging.NONE
        )
        return answer.stdout.apply(judge)

    def judge(text: str) -> None:
        answer = json.loads(text)
        if answer["gateways"] is None:
            line = f"gate {wave}: where gateways are cannot be seen: {answer['why']}"
            if stop:
                raise pulumi.RunError(f"{line}: a node might be missed: fix that, and run it again")
            pulumi.log.warn(line)
            return
        seen = [gateway for gateway in answer["gateways"] if gateway["node"] not in excused]
        if lines := list(faults(seen, answer["unfit"], wave, nodes)):
            raise pulumi.RunError("\n".join(lines))

    return gateways.rolled_out.apply(look)


def faults(
    gateways: Iterable[Mapping[str, str]],
    unfit: Mapping[str, str],
    wave: str,
    nodes: Iterable[str],
) -> Iterator[str]:
    """A line for each node whose gateway this gate would pass over, or take another wave's for.

    And for each that cannot be measured: `unfit` says why.
    """
    for node, why in sorted(unfit.items()):
        yield f"gate {wave}: node {node} cannot be measured: {why}: see docs/runbooks/roll-out.md"
    waves: dict[str, set[str]] = {}
    for gateway in gateways:
        waves.setdefault(gateway["node"], set()).add(gateway["wave"])
    measured = set(nodes)
    for node in sorted(set(waves) - measured):
        if wave in waves[node]:
            yield (
                f"gate {wave}: node {node} has a gateway of this wave and was not measured: it has "
                "joined since this update began, or carries another node's label "
                "kubernetes.io/hostname: run the update again, which measures it"
            )
    for node in sorted(measured & set(waves)):
        if wave not in waves[node]:
            yield (
                f"gate {wave}: node {node} has no gateway of this wave, but of "
                f"{', '.join(sorted(waves[node]))}: correct its label kubernetes.io/hostname, "
                "by which waves choose"
            )
