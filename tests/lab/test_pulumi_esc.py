"""The stand-in of Pulumi ESC answers as Pulumi's own client (esc-sdk v0.12.1) reads."""

import stat
from pathlib import Path
from typing import Any

import pytest
import yaml
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from workshop.lab.pulumi_esc.app import keep_token, make_app
from workshop.lab.pulumi_esc.organizations import Organizations
from workshop.lab.pulumi_esc.start_values import ENVIRONMENTS, fill

_PROD = f"/api/esc/environments/{ENVIRONMENTS[0]}"
_KEY = 'pulumiConfig["oceanid-cluster:aws.labelStudio.accessKeyId"]'


class _Clock:
    seconds = 1_800_000_000.0

    def __call__(self) -> float:
        return self.seconds


class _Cloud:
    """A stand-in in this process, and the headers of its first token."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = _Clock()
        self.organizations = Organizations(folder / "state.json", self.clock)
        fill(self.organizations)
        self.token = keep_token(self.organizations, folder / "key")
        self.http: FlaskClient = make_app(self.organizations, folder / "key").test_client()

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"token {(self.folder / 'key').read_text().strip()}"}

    def open(self, environment: str = _PROD) -> str:
        answer = self.http.post(f"{environment}/open", headers=self.headers)
        # The client refuses any field but these.
        assert set(_json(answer)) == {"id"}
        return str(_json(answer)["id"])

    def read(self, path: str, session: str | None = None) -> TestResponse:
        url = f"{_PROD}/open//{session or self.open()}"
        return self.http.get(url, headers=self.headers, query_string={"property": path})

    def update(self, values: dict[str, Any]) -> TestResponse:
        text = yaml.safe_dump({"values": values})
        return self.http.patch(_PROD, headers=self.headers, data=text)


def _json(answer: TestResponse) -> dict[str, Any]:
    document = answer.get_json()
    assert isinstance(document, dict)
    return document


def _refused(answer: TestResponse, status: int) -> str:
    assert answer.status_code == status
    document = _json(answer)
    assert set(document) == {"code", "message"}
    assert document["code"] == status
    return str(document["message"])


@pytest.fixture
def cloud(tmp_path: Path) -> _Cloud:
    return _Cloud(tmp_path)


def test_the_operators_setting_is_read_by_open_and_property(cloud: _Cloud) -> None:
    answer = cloud.read(_KEY)
    assert answer.headers["X-Oceanid-Stand-In"] == "pulumi-esc"
    value = _json(answer)
    assert set(value) == {"value", "secret", "trace"}
    assert value["secret"] is True
    assert set(value["trace"]) == {"def"}
    assert str(value["value"]).startswith("AKIA")


def test_a_whole_environment_nests_a_value_in_each_value(cloud: _Cloud) -> None:
    cloud.update({"a": {"b": [1, {"fn::secret": "x"}]}, "c": None})
    answer = cloud.http.get(f"{_PROD}/open/{cloud.open()}", headers=cloud.headers)
    inner = [{"value": 1}, {"value": "x", "secret": True}]
    nested = {"value": {"b": {"value": inner}}}
    assert _untraced(_json(answer)) == {"properties": {"a": nested, "c": {"value": None}}}


def _untraced(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _untraced(item) for name, item in value.items() if name != "trace"}
    return [_untraced(item) for item in value] if isinstance(value, list) else value


def test_a_trace_says_where_in_the_definition_a_value_stands(cloud: _Cloud) -> None:
    text = "values:\n  é: x\n  a: yes"
    assert cloud.http.patch(_PROD, headers=cloud.headers, data=text.encode()).status_code == 200
    assert _json(cloud.read("a"))["trace"] == {
        "def": {
            "environment": ENVIRONMENTS[0].partition("/")[2],
            "begin": {"line": 3, "column": 6, "byte": 21},
            "end": {"line": 3, "column": 9, "byte": 24},
        }
    }


@pytest.mark.parametrize("header", ["", "token ", "token pul-0", "Bearer {}", "{}", "Token {}"])
def test_anything_but_a_token_that_was_issued_is_401(cloud: _Cloud, header: str) -> None:
    issued = cloud.headers["Authorization"].removeprefix("token ")
    headers = {"Authorization": header.format(issued)}
    message = _refused(cloud.http.post(f"{_PROD}/open", headers=headers), 401)
    assert issued not in message


def test_a_token_sees_the_organizations_it_is_for_and_no_other(cloud: _Cloud) -> None:
    cloud.organizations.create("other-inc/web/prod", "values: {a: 1}")
    secret, _ = cloud.organizations.issue(["other-inc"])
    headers = {"Authorization": f"token {secret}"}
    other = "/api/esc/environments/other-inc/web/prod/open"
    assert cloud.http.post(other, headers=headers).status_code == 200
    _refused(cloud.http.post(f"{_PROD}/open", headers=headers), 404)
    _refused(cloud.http.post(other, headers=cloud.headers), 404)


@pytest.mark.parametrize(
    "path", ["goldfish-inc/oceanid-cluster/nope", "goldfish-inc/nope/prod", "nope/nope/prod"]
)
def test_an_environment_there_is_not_is_404(cloud: _Cloud, path: str) -> None:
    answer = cloud.http.post(f"/api/esc/environments/{path}/open", headers=cloud.headers)
    assert path.partition("/")[0] in _refused(answer, 404)


@pytest.mark.parametrize(
    ("path", "status"),
    [("nope", 404), ('pulumiConfig["nope"]', 404), (f"{_KEY}[0]", 404), ("a[", 400), ("", 400)],
)
def test_a_property_that_leads_nowhere_is_named_in_the_refusal(
    cloud: _Cloud, path: str, status: int
) -> None:
    message = _refused(cloud.read(path), status)
    assert path in message or "property path" in message


def test_a_session_shows_what_was_when_it_was_opened_and_ends_in_time(cloud: _Cloud) -> None:
    cloud.update({"a": "before"})
    session = cloud.open()
    cloud.update({"a": "after"})
    assert _json(cloud.read("a", session))["value"] == "before"
    assert _json(cloud.read("a"))["value"] == "after"
    cloud.clock.seconds += 3600
    _refused(cloud.read("a", session), 404)


def test_a_session_of_one_environment_opens_no_other(cloud: _Cloud) -> None:
    dev = cloud.open(f"/api/esc/environments/{ENVIRONMENTS[1]}")
    _refused(cloud.read(_KEY, dev), 404)


@pytest.mark.parametrize(
    "definition",
    [
        "values: [1]",
        "values: {a: 2026-01-01}",
        "values: {1: a}",
        "values: {a: 'x ${b}'}",
        "values: {a: {'fn::open::aws-login': {}}}",
        "imports: [base]",
        "colour: red",
        "a: [",
        "- a",
    ],
)
def test_a_definition_that_cannot_be_evaluated_is_refused_and_changes_nothing(
    cloud: _Cloud, definition: str
) -> None:
    before = _json(cloud.read(_KEY))
    answer = cloud.http.patch(_PROD, headers=cloud.headers, data=definition)
    assert answer.status_code == 400
    assert _json(answer)["diagnostics"][0]["summary"]
    assert _json(cloud.read(_KEY)) == before


def test_an_edit_reads_changes_and_writes_the_definition(cloud: _Cloud) -> None:
    answer = cloud.http.get(f"{_PROD}/decrypt", headers=cloud.headers)
    values = yaml.safe_load(answer.text)["values"]
    values["pulumiConfig"]["oceanid-cluster:aws.labelStudio.accessKeyId"] = {"fn::secret": "new"}
    assert cloud.update(values).status_code == 200
    assert _json(cloud.read(_KEY))["value"] == "new"


def test_environments_tokens_and_counts_outlive_the_process_and_the_file_is_private(
    cloud: _Cloud, tmp_path: Path
) -> None:
    cloud.open()
    value = _json(cloud.read(_KEY))["value"]
    issued = cloud.headers["Authorization"].removeprefix("token ")
    for name in ("state.json", "key"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    assert issued not in (tmp_path / "state.json").read_text()

    again = Organizations(tmp_path / "state.json")
    fill(again)
    assert again.admit(issued).id == cloud.token.id
    assert again.opens()[ENVIRONMENTS[0]] == 2
    assert str(value) in again.definition(ENVIRONMENTS[0])


def test_two_labs_never_have_the_same_values(cloud: _Cloud, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = _Cloud(tmp_path / "other")
    assert _json(cloud.read(_KEY))["value"] != _json(other.read(_KEY))["value"]


def test_a_fault_ordered_by_the_lab_comes_with_the_time_to_wait(cloud: _Cloud) -> None:
    order = {"effect": "status", "status": 429, "retry_after": 2}
    cloud.http.post("/lab/faults", json=order)
    answer = cloud.http.post(f"{_PROD}/open", headers=cloud.headers)
    _refused(answer, 429)
    assert answer.headers["Retry-After"] == "2"
    assert cloud.open()


def test_the_lab_issues_a_token_into_its_file_and_shows_it_to_nobody(cloud: _Cloud) -> None:
    before = cloud.headers
    answer = cloud.http.post("/lab/tokens", json={})
    issued = cloud.headers["Authorization"].removeprefix("token ")
    assert issued not in answer.text
    assert cloud.headers != before
    cloud.http.delete(f"/lab/tokens/{cloud.token.id}")
    _refused(cloud.http.post(f"{_PROD}/open", headers=before), 401)
    cloud.open()
    listed = cloud.http.get("/lab/tokens").text
    assert issued not in listed
    assert cloud.token.id not in listed
    assert cloud.http.get("/lab/opens").get_json() == {
        "opens": {ENVIRONMENTS[0]: 1, ENVIRONMENTS[1]: 0}
    }
