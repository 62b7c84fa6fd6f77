"""The secrets operator's chart and CRDs of another line replace those there, and no secret goes.

The nodes are simulated: only one version of the operator's program can be built here.
"""

import pytest
import yaml

from tests.e2e.lab_fixture import lab_fixture
from tests.e2e.operator_lab import NAMESPACE, OperatorLab
from workshop.testing.checkout import passed
from workshop.testing.lab_fleet import Fleet

pytestmark = pytest.mark.e2e

_SECRET = "labelstudio-s3-credentials"
_DEPLOYMENTS = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments"
_CRD = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/externalsecrets.external-secrets.io"
_EXTERNAL = f"/apis/external-secrets.io/v1/namespaces/apps/externalsecrets/{_SECRET}"
_NEXT = ".toolchain/bin/external-secrets-next"

synced = lab_fixture(deployed=True)


def test_the_chart_and_crds_of_another_line_lose_no_secret(synced: Fleet) -> None:
    OperatorLab(fleet=synced).make_by_hand(_SECRET, {"AWS_ACCESS_KEY_ID": "synced before"})
    paths = (_EXTERNAL, f"/api/v1/namespaces/apps/secrets/{_SECRET}")
    before = [synced.get(path)["metadata"]["uid"] for path in paths]
    settings = synced.home.path / "project" / "Pulumi.dev.yaml"
    document = yaml.safe_load(settings.read_text())
    change = {"chart": {"path": f"{_NEXT}-chart"}, "crds": f"{_NEXT}-crds.yaml"}
    document["config"]["oceanid-cluster:externalSecrets"] |= change
    changed = synced.home.path / "next.yaml"
    changed.write_text(yaml.safe_dump(document))
    passed(synced.on_dev(changed, "up", "--yes", "--skip-preview"))
    images = {
        container["image"].rpartition(":")[2]
        for deployment in synced.get(_DEPLOYMENTS)["items"]
        for container in deployment["spec"]["template"]["spec"]["containers"]
    }
    # What the chart in the module of v1.3.2 calls itself.
    assert images == {"v1.3.1"}
    # That of v0.19.2 is made by v0.18.0.
    made_by = synced.get(_CRD)["metadata"]["annotations"]["controller-gen.kubebuilder.io/version"]
    assert made_by == "v0.19.0"
    assert [synced.get(path)["metadata"]["uid"] for path in paths] == before
