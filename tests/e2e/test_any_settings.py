"""Whatever settings pass, the real API server takes every object that is rendered from them."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
import yaml
from hypothesis import HealthCheck, assume, given, settings

from components.secrets.crds import definitions
from components.secrets.operator_access import served_crds
from tests.components.generated_settings import Stack, spoiled, stacks
from tests.components.test_limits import with_longest_names, with_most_destinations
from workshop.lab.home import BIN
from workshop.lab.kube import Objects
from workshop.testing.lab_fleet import Fleet
from workshop.testing.recording import Recording, record_stack
from workshop.testing.waiting import until

pytestmark = pytest.mark.e2e

Json = dict[str, Any]
_NAMESPACE = "any-settings"
_DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_OPERATORS = {"ExternalSecret", "SecretStore"}
_BOUNDED = settings(
    max_examples=16,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


class _Server:
    """The API server, asked to make objects without making them."""

    def __init__(self, api: httpx.Client) -> None:
        self._api = api
        self._objects = Objects(api)

    def refusals(self, objects: list[Json]) -> list[str]:
        """What the server says against the objects; nothing where it would make them all.

        They go to one namespace that exists: the stack's own are objects among them.
        """
        return [line for each in objects if (line := self._refusal(each)) is not None]

    def _refusal(self, body: Json) -> str | None:
        metadata = {key: value for key, value in body["metadata"].items() if key != "uid"}
        # The engine gives a name to what has none.
        name = metadata.setdefault("name", "named-by-the-engine")
        if "namespace" in metadata:
            metadata["namespace"] = _NAMESPACE
        sent = {**body, "metadata": metadata}
        # As the provider does it.
        answer = self._api.patch(
            self._objects.path(sent),
            params={
                "dryRun": "All",
                "fieldManager": _NAMESPACE,
                "fieldValidation": "Strict",
                "force": "true",
            },
            # As YAML: JSON writes some characters as two escapes, which YAML does not read.
            content=yaml.safe_dump(sent),
            headers={"Content-Type": "application/apply-patch+yaml"},
        )
        if answer.is_success:
            return None
        return f"{body['kind']} {name}: {answer.status_code} {answer.text}"


@pytest.fixture(scope="module")
def server(fleet: Fleet) -> Iterator[_Server]:
    """With the operator's kinds, as the stack makes them, and one namespace."""
    made = definitions(str(BIN / "external-secrets-crds.yaml"), served_crds(cluster_kinds=False))
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": _NAMESPACE}}
    with fleet.api() as api:
        try:
            for each in made:
                api.post(_DEFINITIONS, json=each).raise_for_status()
            api.post("/api/v1/namespaces", json=namespace).raise_for_status()
            until(lambda: _kinds(api) >= _OPERATORS, "the operator's kinds are served")
            yield _Server(api)
        finally:
            api.delete(f"/api/v1/namespaces/{_NAMESPACE}")
            for each in made:
                api.delete(f"{_DEFINITIONS}/{each['metadata']['name']}")


def _kinds(api: httpx.Client) -> set[str]:
    """The operator's kinds that the server serves."""
    answer = api.get("/apis/external-secrets.io/v1")
    return {each["kind"] for each in answer.json()["resources"]} if answer.is_success else set()


def _sent(recording: Recording) -> list[Json]:
    """All objects but the stand-ins of the operator's definitions."""
    return [each for each in recording.manifests if each["kind"] != "CustomResourceDefinition"]


_RECORDED = {
    "dev": lambda: record_stack("dev"),
    "prod": lambda: record_stack("prod"),
    "the longest names": with_longest_names,
    "the most destinations": with_most_destinations,
}


@pytest.mark.parametrize("recorded", _RECORDED.values(), ids=_RECORDED)
def test_the_api_server_takes_the_objects_of_the_stack(
    server: _Server, recorded: Callable[[], Recording]
) -> None:
    assert server.refusals(_sent(recorded())) == []


def test_the_api_server_refuses_a_name_that_is_too_long(server: _Server) -> None:
    service = next(each for each in record_stack("dev").manifests if each["kind"] == "Service")
    service["metadata"]["name"] = "x" * 64
    (refusal,) = server.refusals([service])
    assert "no more than 63 characters" in refusal


def test_the_api_server_takes_what_any_settings_render(server: _Server) -> None:
    @_BOUNDED
    @given(stacks() | spoiled())
    def takes(stack: Stack) -> None:
        assume(stack.passes())
        assert server.refusals(_sent(stack.recording())) == []

    takes()
