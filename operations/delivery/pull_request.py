"""What the last previews of the stacks show: the comment on a pull request, the page of a run."""

import os
from pathlib import Path

from operations.delivery import comment, events, plan, run, work_tree
from operations.delivery.environment import RECORDS, config_file, stacks
from operations.delivery.github import Repository
from operations.delivery.shell import COMMIT
from operations.errors import OperationError
from settings import read_file

_COMMENT = RECORDS / "comment.md"
# The stacks for which the job has no credentials [.github/workflows/pr.yml].
_NOT_PREVIEWED = "OCEANID_NOT_PREVIEWED"


def write_comment() -> str:
    """Keep the comment's text for the job that posts it, and give it back.

    Of every stack: one whose preview never began is no longer as an older comment shows it.
    """
    text = _previewed(stacks())
    run.record(_COMMENT.name).write_text(text)
    return text


def post_comment() -> str:
    """Keep one comment with that text on the pull request PULL_REQUEST; its address."""
    number = os.environ.get("PULL_REQUEST", "")
    if not number.isdigit():
        raise OperationError("PULL_REQUEST must be the number of the pull request")
    if not _COMMENT.exists():
        raise OperationError("there is no comment: run `oceanid ci comment` first")
    text = _COMMENT.read_text()
    return Repository.of_job().keep_comment(int(number), comment.MARKER, text)


def write_summary() -> None:
    """Write it on the page of the run, with the stacks that could not be previewed."""
    page = os.environ.get("GITHUB_STEP_SUMMARY")
    if not page:
        raise OperationError("GITHUB_STEP_SUMMARY is not set: a job of GitHub Actions has it")
    with Path(page).open("a") as sink:
        sink.write(_previewed([stack for stack in stacks() if plan.events_file(stack).exists()]))
        sink.writelines(map(comment.not_previewed, os.environ.get(_NOT_PREVIEWED, "").split()))


def _previewed(chosen: list[str]) -> str:
    logs = {stack: plan.events_file(stack) for stack in chosen}
    previews = {stack: events.read(log) if log.exists() else None for stack, log in logs.items()}
    settings = {
        stack: read_file(config_file(stack)) for stack, preview in previews.items() if preview
    }
    commit = os.environ.get(COMMIT) or work_tree.git("rev-parse", "HEAD").strip()
    return comment.comment(previews, settings, commit)
