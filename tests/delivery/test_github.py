"""One comment and one issue, however often the workflow runs."""

import secrets
from collections.abc import Iterator

import pytest

from operations.delivery.github import Repository
from operations.errors import OperationError
from tests.delivery.github_api import JOB, GitHub, running

_MARK = "<!-- mark -->"


@pytest.fixture
def github() -> Iterator[GitHub]:
    with running(GitHub(token=secrets.token_hex(8))) as one:
        yield one


def _repository(github: GitHub) -> Repository:
    return Repository(api=github.api, name=github.name, token=github.token)


def test_the_second_run_changes_the_comment_of_the_first(github: GitHub) -> None:
    first = _repository(github).keep_comment(7, _MARK, f"{_MARK}\none")
    second = _repository(github).keep_comment(7, _MARK, f"{_MARK}\ntwo")
    assert first == second
    assert [each["body"] for each in github.comments[7]] == [f"{_MARK}\ntwo"]


def test_the_comment_is_found_among_hundreds(github: GitHub) -> None:
    others = [{"id": 1000 + n, "body": None if n % 2 else "talk"} for n in range(250)]
    mine = {"id": 1, "html_url": "here", "user": JOB, "body": f"{_MARK}\none"}
    github.comments[7] = [*others, mine]
    assert _repository(github).keep_comment(7, _MARK, f"{_MARK}\ntwo") == "here"
    assert len(github.comments[7]) == 251
    assert mine["body"] == f"{_MARK}\ntwo"


@pytest.mark.parametrize("author", [{"login": "mallory"}, {"login": "some-app[bot]"}, None])
def test_a_mark_that_somebody_else_wrote_owns_no_comment(
    github: GitHub, author: dict[str, str] | None
) -> None:
    planted = {"id": 1, "number": 1, "user": author, "body": f"{_MARK}\nplanted"}
    github.comments[7] = [dict(planted)]
    _repository(github).keep_comment(7, _MARK, f"{_MARK}\none")
    _repository(github).keep_comment(7, _MARK, f"{_MARK}\ntwo")
    assert [each["body"] for each in github.comments[7]] == [planted["body"], f"{_MARK}\ntwo"]


def test_neither_somebody_elses_issue_nor_a_pull_request_is_that_of_drift(github: GitHub) -> None:
    body = f"{_MARK}\nplanted"
    theirs = {"number": 1, "state": "open", "user": {"login": "mallory"}, "body": body}
    request = {"number": 2, "state": "open", "user": JOB, "body": body, "pull_request": {"url": ""}}
    github.issues = [dict(theirs), dict(request)]
    repository = _repository(github)
    assert repository.close_issue(_MARK, "over") is None
    repository.keep_issue(_MARK, "Drift", f"{_MARK}\none")
    *planted, own = github.issues
    assert planted == [theirs, request]
    assert own["body"] == f"{_MARK}\none"


def test_drift_has_one_issue_that_is_closed_when_it_is_gone(github: GitHub) -> None:
    repository = _repository(github)
    assert repository.close_issue(_MARK, "over") is None
    repository.keep_issue(_MARK, "Drift", f"{_MARK}\none")
    repository.keep_issue(_MARK, "Drift", f"{_MARK}\ntwo")
    (issue,) = github.issues
    assert issue["body"] == f"{_MARK}\ntwo"
    repository.close_issue(_MARK, "over")
    assert issue["state"] == "closed"
    assert github.comments[issue["number"]][0]["body"] == "over"
    repository.keep_issue(_MARK, "Drift", f"{_MARK}\nagain")
    assert [each["state"] for each in github.issues] == ["closed", "open"]


def test_a_token_without_the_permission_is_told_from_other_faults(github: GitHub) -> None:
    github.forbidden = True
    with pytest.raises(OperationError, match=r"GitHub answers 403 .*permissions") as caught:
        _repository(github).keep_comment(7, _MARK, "text")
    assert github.token not in str(caught.value)


def test_an_api_that_does_not_answer_is_said_so() -> None:
    nowhere = Repository(api="http://127.0.0.1:1", name="a/b", token="x")
    with pytest.raises(OperationError, match="GitHub does not answer"):
        nowhere.keep_issue(_MARK, "title", "text")


def test_outside_of_a_job_the_missing_variables_are_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("GITHUB_TOKEN", raising=False)
    monkeypatch.setenv("GITHUB_REPOSITORY", "a/b")
    with pytest.raises(OperationError, match="GITHUB_TOKEN not set"):
        Repository.of_job()
