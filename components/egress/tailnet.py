"""The stack's place in the tailnet: credentials, tags, the policy file, exit-node approval."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import pulumi
import pulumi_tailscale as tailscale

from ..cluster.ports import HEALTH_PORT
from .tailnet_choices import CredentialKind, PolicyFile

DEFAULT_ROUTES = ("0.0.0.0/0", "::/0")
# The longest life Tailscale gives an auth key: 90 days, in seconds.
_LONGEST_KEY_LIFE = 90 * 24 * 3600
# Of a key or a client (Tailscale's API documentation, "Create an auth key").
_LONGEST_DESCRIPTION = 50
_SECONDS_TO_REGISTER = 120


@dataclass(frozen=True, kw_only=True)
class TailnetArgs:
    """How the stack's pods join.

    `stack` names the stack in descriptions.
    """

    stack: str
    exit_tag: str
    gateway_tag: str
    credential: CredentialKind
    policy_file: PolicyFile


@dataclass(frozen=True, kw_only=True)
class TailnetAccess:
    """A credential, and the tag of the devices that may be registered with it.

    The credential is an auth key or an OAuth client's secret.
    """

    tag: str
    credential: pulumi.Input[str]


class Tailnet(pulumi.ComponentResource):
    """Credentials limited to their tag, and the policy they need: owned here, or as an output."""

    exit_nodes: TailnetAccess
    gateways: TailnetAccess
    policy: pulumi.Output[str]
    key_expiries: dict[str, pulumi.Output[str]]
    """When each auth key ends (RFC 3339), by its role; empty with OAuth clients, which do not."""

    def __init__(
        self, name: str, args: TailnetArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("oceanid:index:Tailnet", name, None, opts)
        self.key_expiries = {}
        text = required_policy(exit_tag=args.exit_tag, gateway_tag=args.gateway_tag)
        # A credential can only be given for tags that the policy knows.
        before: list[pulumi.Resource] = []
        if args.policy_file is PolicyFile.OWNED:
            before.append(
                tailscale.Acl(
                    f"{name}-policy",
                    acl=text,
                    # Else the first `up` would silently replace a policy somebody wrote manually.
                    overwrite_existing_content=False,
                    opts=pulumi.ResourceOptions(parent=self),
                )
            )
        exit_credential = self._credential(name, args, "exit", args.exit_tag, before)
        gateway_credential = self._credential(
            name, args, "gateway", args.gateway_tag, before, ephemeral=True
        )
        self.exit_nodes = TailnetAccess(tag=args.exit_tag, credential=exit_credential)
        self.gateways = TailnetAccess(tag=args.gateway_tag, credential=gateway_credential)
        self.policy = pulumi.Output.from_input(text)
        self.register_outputs(
            {
                "exit_credential": exit_credential,
                "gateway_credential": gateway_credential,
                "policy": self.policy,
            }
        )

    def _credential(
        self,
        name: str,
        args: TailnetArgs,
        role: str,
        tag: str,
        before: Sequence[pulumi.Resource],
        *,
        ephemeral: bool = False,
    ) -> pulumi.Output[str]:
        opts = pulumi.ResourceOptions(parent=self, depends_on=before)
        # A Pulumi stack's name may have 100 characters.
        room = _LONGEST_DESCRIPTION - len(f"oceanid  {role} nodes")
        description = f"oceanid {args.stack[:room]} {role} nodes"
        if args.credential is CredentialKind.OAUTH_CLIENT:
            client = tailscale.OauthClient(
                f"{name}-{role}-client",
                description=description,
                scopes=["auth_keys"],
                tags=[tag],
                opts=opts,
            )
            # Said either way: an OAuth client's devices are ephemeral by default. Preauthorized,
            # because nobody is there to authorize a pod manually.
            suffix = f"?ephemeral={'true' if ephemeral else 'false'}&preauthorized=true"
            return pulumi.Output.secret(client.key.apply(lambda key: f"{key}{suffix}"))
        key = tailscale.TailnetKey(
            f"{name}-{role}-key",
            description=description,
            reusable=True,
            ephemeral=ephemeral,
            preauthorized=True,
            expiry=_LONGEST_KEY_LIFE,
            recreate_if_invalid="always",
            tags=[tag],
            opts=opts,
        )
        self.key_expiries[role] = key.expires_at
        return pulumi.Output.secret(key.key)


@dataclass(frozen=True, kw_only=True)
class ApprovedExitNodeArgs:
    """`hostname` of a device; an output that is known once the device has registered.

    So the first preview of an empty tailnet does not look for it, wait and fail.
    """

    hostname: pulumi.Output[str]


class ApprovedExitNode(pulumi.ComponentResource):
    """The device of an exit node, looked up once it runs, with its default routes approved."""

    tailnet_address: pulumi.Output[str]
    device_id: pulumi.Output[str]

    def __init__(
        self, name: str, args: ApprovedExitNodeArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("oceanid:index:ApprovedExitNode", name, None, opts)
        inside = pulumi.InvokeOutputOptions(parent=self)
        device = tailscale.get_device_output(
            hostname=args.hostname, wait_for=f"{_SECONDS_TO_REGISTER}s", opts=inside
        )
        # After `device`, which waits for the first of them.
        prefix = pulumi.Output.all(args.hostname, device.hostname).apply(lambda names: names[0])
        namesakes = tailscale.get_devices_output(name_prefix=prefix, opts=inside)
        # With the hostname in each: what was not looked up yet knows nothing of what it waits for,
        # and a saved plan holds the update to the dependencies that its preview has seen.
        node_id = pulumi.Output.all(args.hostname, device.node_id, namesakes.devices).apply(
            lambda known: only_device(
                known[1], known[0], cast("list[Mapping[str, object]]", known[2] or [])
            )
        )
        routes = tailscale.DeviceSubnetRoutes(
            f"{name}-routes",
            device_id=node_id,
            routes=list(DEFAULT_ROUTES),
            # An approval ends with its device, and Tailscale answers 404 when it is taken back from
            # a device that is gone: an exit node that registered again would fail every update.
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=True),
        )
        # After the approval: before it, a userspace client of this address dials directly.
        self.tailnet_address = pulumi.Output.all(args.hostname, device.addresses, routes.id).apply(
            lambda known: ipv4_of(known[1])
        )
        self.device_id = node_id
        self.register_outputs(
            {"tailnet_address": self.tailnet_address, "device_id": self.device_id}
        )


def only_device(node_id: str, hostname: str, devices: Sequence[Mapping[str, object]]) -> str:
    """`node_id`, when no other device of the tailnet claims `hostname`.

    Raises pulumi.RunError otherwise: the API gives the first of them, which may be one that is
    gone, and traffic sent to that one would stop.
    """
    # The SDK gives plain mappings here; the case of their keys depends on who made them.
    claims = sorted(
        str(device.get("node_id", device.get("nodeId")))
        for device in devices
        if device["hostname"] == hostname
    )
    if len(claims) > 1:
        raise pulumi.RunError(
            f"{len(claims)} devices of the tailnet claim the hostname {hostname} "
            f"({', '.join(claims)}): remove those that are gone from the tailnet's machines page"
        )
    return node_id


def ipv4_of(addresses: Sequence[str]) -> str:
    """The IPv4 address among a device's tailnet addresses; ValueError when it has none."""
    for address in addresses:
        if "." in address:
            return address.partition("/")[0]
    raise ValueError(
        f"the device's addresses {list(addresses)} hold no IPv4 address: "
        "exit nodes are used by their IPv4 address, so enable IPv4 in the tailnet"
    )


def required_policy(*, exit_tag: str, gateway_tag: str) -> str:
    """What the tailnet's policy file must say for this stack, as JSON (which is HuJSON too).

    Tag owners so that the OAuth client may give the tags, approval of exit nodes on registration,
    and grants: gateways reach the internet through exit nodes, and their health endpoint.
    """
    policy = {
        "tagOwners": {exit_tag: ["autogroup:admin"], gateway_tag: ["autogroup:admin"]},
        "autoApprovers": {"exitNode": [exit_tag]},
        "grants": [
            {"src": [gateway_tag], "dst": ["autogroup:internet"], "ip": ["*"]},
            {"src": [gateway_tag], "dst": [exit_tag], "ip": [f"tcp:{HEALTH_PORT}"]},
        ],
    }
    return json.dumps(policy, indent=2)
