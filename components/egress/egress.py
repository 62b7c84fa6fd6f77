"""A fleet's egress: exit nodes, worker gateways wave after wave, and a gate after each wave."""

from collections.abc import Sequence
from typing import Any

import pulumi

from .egress_args import EgressArgs
from .exit_node import ExitNode, ExitNodeArgs
from .fleet import EgressWave
from .gate import EgressCheck, EgressCheckArgs
from .gateway_access import GatewayAccess, GatewayAccessArgs
from .gateway_pod import GatewayExitNode, GatewayPod
from .gateway_wave import GatewayWave, GatewayWaveArgs
from .tailnet import ApprovedExitNode, ApprovedExitNodeArgs


class Egress(pulumi.ComponentResource):
    """Every node's traffic to the destinations leaves by the address of an exit node.

    Exit nodes change one after another, then gateways wave by wave: a wave starts when the gate of
    the wave before it has measured every node of that wave.
    """

    exit_nodes: pulumi.Output[dict[str, Any]]
    """For each exit node: hostname, egressAddress, tailnetAddress, deviceId."""
    gateway: pulumi.Output[str]
    """The DNS name of the node-local Service in front of the gateways."""
    access: GatewayAccess
    """Done once that Service and the NetworkPolicies are there."""
    gates: pulumi.Output[dict[str, dict[str, str]]]
    """For each wave and node what its gate has measured, if anything; unknown in a preview."""
    last_gate: pulumi.Resource
    """Done once the gate of the last wave has passed."""

    def __init__(
        self, name: str, args: EgressArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("oceanid:index:Egress", name, None, opts)
        self._args = args
        devices = self._exit_nodes()
        used = [
            GatewayExitNode(
                name=exit_node.name, tailnet_address=devices[exit_node.name].tailnet_address
            )
            for exit_node in args.exit_nodes
        ]
        self.access = self._access()
        self.gateway = self.access.service
        gates = self._waves(used)
        # The last wave is always there: the settings want one [settings/egress.py].
        self.last_gate = list(gates.values())[-1]
        said: dict[str, Any] = {wave: gate.findings for wave, gate in gates.items()}
        self.gates = pulumi.Output.from_input(said)
        self.exit_nodes = pulumi.Output.from_input(
            {
                exit_node.name: {
                    "hostname": exit_node.hostname,
                    "egressAddress": exit_node.egress_address,
                    "tailnetAddress": devices[exit_node.name].tailnet_address,
                    "deviceId": devices[exit_node.name].device_id,
                }
                for exit_node in args.exit_nodes
            }
        )
        self.register_outputs(
            {"exit_nodes": self.exit_nodes, "gateway": self.gateway, "gates": self.gates}
        )

    def _child(self, *depends_on: pulumi.Resource) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(
            parent=self,
            depends_on=list(depends_on),
            # Releases before this component had all of these at the top of the stack.
            aliases=[pulumi.Alias(parent=pulumi.ROOT_STACK_RESOURCE)],
        )

    def _exit_nodes(self) -> dict[str, ApprovedExitNode]:
        """The exit nodes' devices by name.

        One after another, the preferred one last: a change of them all ends a session once.
        """
        args = self._args
        devices = {}
        before: list[pulumi.Resource] = []
        for exit_node in reversed(args.exit_nodes):
            made = ExitNode(
                f"exit-{exit_node.name}",
                ExitNodeArgs(
                    namespace=args.namespace,
                    hostname=exit_node.hostname,
                    node=exit_node.node,
                    image=args.tailscale_image,
                    access=args.exit_access,
                    cluster=args.cluster,
                    tolerations=exit_node.tolerations,
                ),
                self._child(*before),
            )
            before = [made]
            devices[exit_node.name] = ApprovedExitNode(
                f"exit-{exit_node.name}-device",
                ApprovedExitNodeArgs(hostname=made.hostname),
                self._child(),
            )
        return devices

    def _access(self) -> GatewayAccess:
        args = self._args
        return GatewayAccess(
            "gateway",
            GatewayAccessArgs(
                namespace=args.namespace,
                credential=args.gateway_access.credential,
                destinations=args.targets.destinations,
                cluster=args.cluster,
                service_ranges=args.service_ranges,
                exit_nodes=len(args.exit_nodes),
            ),
            self._child(),
        )

    def _waves(self, exit_nodes: Sequence[GatewayExitNode]) -> dict[str, EgressCheck]:
        """The gates by wave: a wave starts after the gate before it, on every update."""
        args = self._args
        pod = GatewayPod(egress=args, exit_nodes=tuple(exit_nodes))
        before: pulumi.Resource = self.access
        earlier: tuple[str, ...] = ()
        gates = {}
        for wave in args.waves:
            gateways = GatewayWave(
                f"wave-{wave.name}",
                GatewayWaveArgs(wave=wave, earlier=earlier, pod=pod),
                self._child(before),
            )
            earlier += wave.nodes
            before = gates[wave.name] = self._gate(wave, gateways)
        return gates

    def _gate(self, wave: EgressWave, gateways: GatewayWave) -> EgressCheck:
        nodes = tuple(node for node in wave.nodes if node not in self._args.excused)
        return EgressCheck(
            f"gate-{wave.name}",
            EgressCheckArgs(egress=self._args, gateways=gateways.gateways, nodes=nodes),
            self._child(gateways),
        )
