"""The program run whole, for each stack, against Pulumi's mocks."""

import json

import pulumi
import pytest

from components.cluster.last_check import fail_at_the_end
from components.egress.tailnet import Tailnet, TailnetArgs
from components.egress.tailnet_choices import CredentialKind, PolicyFile
from workshop.testing.recording import (
    TAILNET_ADDRESS,
    Recording,
    World,
    configured,
    record,
    record_stack,
)

_STACKS = ("dev", "prod")
_ROLES = ("exit", "gateway")


@pytest.mark.parametrize("stack", _STACKS)
def test_every_stack_runs_and_exports_its_egress_addresses(stack: str) -> None:
    recording = record_stack(stack)
    addresses = [node["egressAddress"] for node in configured("exitNodes", stack)]
    assert recording.outputs["egressAddresses"] == addresses
    assert recording.outputs["exitNodes"]["tethys"]["tailnetAddress"] == TAILNET_ADDRESS


@pytest.mark.parametrize("stack", _STACKS)
def test_every_kubernetes_resource_is_made_by_the_provider_of_the_stacks_own_context(
    stack: str,
) -> None:
    recording = record_stack(stack)
    (provider,) = recording.of_type("pulumi:providers:kubernetes")
    assert provider["context"] == f"oceanid-{'lab' if stack == 'dev' else 'prod'}"
    kubernetes = [each for each in recording.resources if each.typ.startswith("kubernetes:")]
    assert kubernetes
    assert all("::cluster::" in str(each.provider) for each in kubernetes)


def test_prod_pins_the_exit_node_to_the_nodes_name_in_the_cluster() -> None:
    (stateful_set,) = record_stack("prod").of_type("kubernetes:apps/v1:StatefulSet")
    selector = stateful_set["spec"]["template"]["spec"]["nodeSelector"]
    assert selector == {"kubernetes.io/hostname": "srv712429"}


def test_a_wrong_setting_ends_the_program_before_any_resource() -> None:
    with pytest.raises(pulumi.RunError, match=r"^oceanid-cluster:exitNodes = \[\]: no exit node"):
        record_stack("dev", exitNodes=[])


def test_an_old_key_works_with_a_warning_that_names_the_new_one(warnings: list[str]) -> None:
    recording = record_stack("dev", monitoring={"enabled": "always", "echoSeconds": 60})
    assert recording.named("monitoring-probe-egress-address")["spec"]["interval"] == "60s"
    (line,) = warnings
    assert line.startswith("oceanid-cluster:monitoring.echoSeconds = 60: ")
    assert line.endswith(': write egressIpInterval: "60s"')


def test_the_policy_file_is_left_alone_unless_the_stack_is_told_to_own_it(
    recording: Recording,
) -> None:
    assert recording.of_type("tailscale:index/acl:Acl") == []
    snippet = json.loads(recording.outputs["tailnetPolicy"])
    assert snippet["autoApprovers"] == {"exitNode": ["tag:oceanid-exit"]}


def test_the_tailnets_credentials_of_a_stack_with_a_long_name_have_a_description_that_fits() -> (
    None
):
    args = TailnetArgs(
        stack="a" * 100,
        exit_tag="tag:exit",
        gateway_tag="tag:gateway",
        credential=CredentialKind.OAUTH_CLIENT,
        policy_file=PolicyFile.NOT_OWNED,
    )
    recording = record(lambda: Tailnet("tailnet", args))
    described = [
        each["description"] for each in recording.of_type("tailscale:index/oauthClient:OauthClient")
    ]
    assert len(described) == len(_ROLES)
    assert all(len(each) <= 50 for each in described)
    assert all(role in each for role, each in zip(_ROLES, described, strict=True))


def test_an_owned_policy_file_never_overwrites_one_written_by_hand() -> None:
    tailnet = configured("tailnet") | {"policyFile": "owned"}
    (acl,) = record_stack("dev", tailnet=tailnet).of_type("tailscale:index/acl:Acl")
    assert acl["overwriteExistingContent"] is False


def test_a_key_can_be_chosen_in_place_of_the_oauth_client() -> None:
    tailnet = configured("tailnet") | {"credential": "auth-key"}
    recording = record_stack("dev", tailnet=tailnet)
    assert recording.of_type("tailscale:index/oauthClient:OauthClient") == []
    exit_key, gateway_key = (recording.named(f"tailnet-{role}-key") for role in _ROLES)
    assert exit_key["tags"] == ["tag:oceanid-exit"]
    assert gateway_key["tags"] == ["tag:oceanid-gateway"]
    assert exit_key["reusable"]
    assert gateway_key["reusable"]
    assert not exit_key["ephemeral"]
    assert gateway_key["ephemeral"]


@pytest.mark.parametrize("role", _ROLES)
def test_an_oauth_client_may_give_nothing_but_its_own_tag(role: str) -> None:
    client = record_stack("dev").named(f"tailnet-{role}-client")
    assert client["scopes"] == ["auth_keys"]
    assert client["tags"] == [f"tag:oceanid-{role}"]


def test_two_devices_with_one_hostname_stop_the_update() -> None:
    hostname = "oceanid-dev-exit-tethys"
    devices = [{"hostname": hostname, "nodeId": node_id} for node_id in ("nGone", "nMocked")]
    with pytest.raises(pulumi.RunError, match=r"2 devices .* claim the hostname .*nGone, nMocked"):
        record_stack("dev", World(devices=devices))


def test_both_default_routes_of_the_looked_up_device_are_approved(recording: Recording) -> None:
    approved = recording.of_type("tailscale:index/deviceSubnetRoutes:DeviceSubnetRoutes")
    assert approved[0] == {"deviceId": "nMocked", "routes": ["0.0.0.0/0", "::/0"]}


_SILENT = {
    "check": "nodes",
    "where": "node styx",
    "what": "NotReady since 2025-10-10",
    "remedy": "fix the node",
}
_LINE = "preflight nodes: node styx: NotReady since 2025-10-10: fix the node"


def test_a_failed_check_of_the_preflight_stops_prod_before_any_resource() -> None:
    with pytest.raises(pulumi.RunError, match=rf"^{_LINE}\nnothing has been changed$"):
        record_stack("prod", World(problems=[{**_SILENT, "verdict": "fail"}]))


@pytest.mark.parametrize(("stack", "verdict"), [("dev", "fail"), ("prod", "warn"), ("prod", "ok")])
def test_what_the_settings_accept_stops_nothing(stack: str, verdict: str) -> None:
    recording = record_stack(stack, World(problems=[{**_SILENT, "verdict": verdict}]))
    assert recording.of_type("kubernetes:apps/v1:DaemonSet")


def test_the_preflight_gets_the_settings_on_its_input_and_logs_nothing() -> None:
    recording = record_stack("prod")
    run = next(
        e.args for e in recording.invokes if "-m operations.preflight" in e.args.get("command", "")
    )
    assert json.loads(run["stdin"])["cluster"]["context"] == "oceanid-prod"
    assert run["logging"] == "none"


def test_the_nodes_get_the_labels_of_the_settings_by_server_side_apply() -> None:
    patch = record_stack("prod").named("fleet-srv712695")
    assert patch["metadata"]["labels"] == {"oceanid.node/name": "styx"}
    assert patch["metadata"]["name"] == "srv712695"


def test_a_last_check_outside_a_program_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulumi.runtime, "get_root_resource", lambda: None)
    with pytest.raises(pulumi.RunError, match="a last check is made by a program"):
        record(lambda: fail_at_the_end(list))
