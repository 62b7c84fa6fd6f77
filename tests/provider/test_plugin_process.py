"""The plugin's settings, schema and end: a real process over gRPC."""

import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from providers.plugin.property_value import Secret, encode
from tests.plugin_process import details
from tests.provider.plugin import Plugin
from tests.provider.world import urn
from workshop.testing.checkout import REPOSITORY
from workshop.testing.provider_stand_in import StandIn

ADDRESS = "192.0.2.7"


def test_a_missing_or_refused_key_is_told_with_the_way_to_mend_it(
    tmp_path: Path, stand_in: StandIn
) -> None:
    plugin = Plugin.start(tmp_path)
    with pytest.raises(grpc.RpcError) as caught:
        plugin.configure()
    assert "set crunchybridge:apiKey as a secret, or CRUNCHY_API_KEY" in details(caught)
    with pytest.raises(grpc.RpcError) as caught:
        plugin.configure(apiKey="cbkey_" + "a", baseUrl="http://api.example.org")
    assert "would send the API key in the clear" in details(caught)
    wrong = "cbkey_" + "wrong"
    plugin.configure(apiKey=Secret(wrong), baseUrl=stand_in.url)
    with pytest.raises(grpc.RpcError) as caught:
        plugin.make(networkId=stand_in.network, rule=ADDRESS)
    assert ": 401 " in details(caught)
    assert "set crunchybridge:apiKey" in details(caught)
    assert wrong not in details(caught)
    plugin.stop()
    assert plugin.log.read_text() == ""


def test_a_setting_there_is_not_is_refused(plugin: Plugin) -> None:
    request = provider_pb2.CheckRequest(
        urn="urn:pulumi:test::reef::pulumi:providers:crunchybridge::own",
        news=encode({"apiKey": "x", "apikey": "y", "version": "0.1.0"}),
    )
    assert [each.property for each in plugin.stub.CheckConfig(request).failures] == ["apikey"]


def test_the_schema_names_what_the_resource_has(plugin: Plugin) -> None:
    answer = plugin.stub.GetSchema(provider_pb2.GetSchemaRequest(version=0))
    resource = json.loads(answer.schema)["resources"]["crunchybridge:index:FirewallRule"]
    assert set(resource["inputProperties"]) == {"networkId", "rule", "kind", "description"}


def test_a_cancel_ends_the_waiting_for_a_busy_api(plugin: Plugin, stand_in: StandIn) -> None:
    stand_in.fault("status", status=429, retry_after=200, count=1000)
    stand_in.forget_requests()
    request = provider_pb2.CreateRequest(
        urn=urn("rule"),
        properties=encode(plugin.check(networkId=stand_in.network, rule=ADDRESS)[0]),
    )
    call: Any = plugin.stub.Create
    waiting = call.future(request)
    while not stand_in.requests():
        assert not waiting.done()
    plugin.stub.Cancel(empty_pb2.Empty())
    with pytest.raises(grpc.RpcError) as caught:
        waiting.result()
    assert details(caught) == "cancelled while the API asked to wait: run the command again"


def test_an_interrupt_does_not_end_the_plugin_and_the_end_of_its_engine_does(
    tmp_path: Path, stand_in: StandIn
) -> None:
    # A parent that prints its child's pid and port, and is killed.
    code = (
        "import subprocess, sys\n"
        f"argv = [sys.executable, '-u', {str(REPOSITORY / 'providers/crunchybridge')!r}, '-v=9']\n"
        "child = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)\n"
        "print(child.pid, child.stdout.readline().strip(), flush=True)\n"
        "child.wait()\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid, port = (int(each) for each in parent.stdout.readline().split())
    plugin = os.pidfd_open(pid)
    signal.pidfd_send_signal(plugin, signal.SIGINT)
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = provider_pb2_grpc.ResourceProviderStub(channel)
        assert stub.GetPluginInfo(empty_pb2.Empty()).version == "0.1.0"
    parent.kill()
    parent.wait()
    parent.stdout.close()
    # A pidfd can be read once its process has ended.
    assert select.select([plugin], [], [], 60)[0] == [plugin]
    os.close(plugin)
