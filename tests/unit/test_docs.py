"""What the documents refer to is there: files, headings, tests, targets; no page is fetched."""

import ast
import re
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import pytest

from operations.cli import reference
from tests.command import unknown_words
from tests.document import ROOT, Document, documents, files, slug_of
from workshop.lab.runbook import FOLDER as RUNBOOKS
from workshop.lab.runbook import Where, blocks, loose_commands, runbooks

_STATUS = ROOT / "docs" / "status.md"
_PARTS = ["Symptom", "Check", "Fix", "Verify", "Roll back"]
_PART = re.compile(rf"^\*\*({'|'.join(_PARTS)})\.\*\*", re.MULTILINE)
_TEST = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")
_FILE = re.compile(
    r"`((?:\.github|components|docs|operations|policies|providers|settings|tests|workshop)/[\w./-]+)"
    r"(?=`|::)"
)
_DOCUMENT_NAMED = re.compile(r"(?<![\w/.-])docs/[\w/-]+\.md(?:#([\w-]+))?")
# Behind the name, words of a command and options; not the project's own names, `oceanid-…`.
_COMMAND_NAMED = re.compile(r"(?<![\w./-])oceanid((?: (?:--)?[a-z][\w-]*)+)")
# The rest of the code has no command in its messages, and things that are called oceanid.
_HAVE_MESSAGES = ("operations", "components", "policies", "providers", "settings", ".github")
_TARGET_NAMED = re.compile(
    r"(?:^|[`;|&(]|\bor )\s*make ((?:[a-z][a-z-]*|[A-Z_]+=\S+)(?: [a-z-]+)*)"
)


def _wrong(document: Document) -> list[str]:
    found = []
    for link in document.links():
        if link.is_outside:
            continue
        path, _, anchor = unquote(link.target).partition("#")
        target = (document.path.parent / path).resolve() if path else document.path
        if not target.exists() or not target.is_relative_to(document.root):
            found.append(f"{document.name}:{link.line}: {link.target}: there is no such file")
        elif anchor and target.suffix == ".md" and anchor not in Document(target).anchors:
            found.append(f"{document.name}:{link.line}: {link.target}: there is no such heading")
    return found


@pytest.mark.parametrize("document", documents(), ids=lambda document: document.name)
def test_every_link_and_anchor_leads_somewhere(document: Document) -> None:
    assert _wrong(document) == []


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    # Or the test above would prove nothing.
    (tmp_path / "other.md").write_text("# There\n")
    path = tmp_path / "probe.md"
    path.write_text(
        "# A `b` (c)\n[x](gone.md) [y](other.md#gone) [z](#a-b-c) [u](other.md#there)\n"
        "`[code](gone.md)` [out](../other.md)\n"
        "```\n# d\n[w](gone.md)\n```\n[v](https://example.invalid/gone)\n"
    )
    wrong = _wrong(Document(path, tmp_path))
    assert [each.split(": ")[1] for each in wrong] == ["gone.md", "other.md#gone", "../other.md"]


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [
        ("A node is NotReady", "a-node-is-notready"),
        (
            "`workshop/lab/network` for a fleet: `make test-network`",
            "workshoplabnetwork-for-a-fleet-make-test-network",
        ),
        ("1. Build, *then* test", "1-build-then-test"),
        ("CI on [GitHub](x)", "ci-on-github"),
    ],
)
def test_an_anchor_is_the_one_that_github_makes(heading: str, anchor: str) -> None:
    assert slug_of(heading) == anchor


def test_documents_that_code_and_messages_name_exist() -> None:
    missing = []
    for path in files(".py", ".yaml", ".yml", ".json", "Makefile"):
        if path.is_relative_to(ROOT / "tests"):
            continue
        for named in _DOCUMENT_NAMED.finditer(path.read_text("utf-8", errors="replace")):
            target = ROOT / named[0].partition("#")[0]
            if not target.exists() or (named[1] and named[1] not in Document(target).anchors):
                missing.append(f"{path.relative_to(ROOT)}: {named[0]}")
    assert missing == []


def test_every_file_and_test_that_a_document_names_exists() -> None:
    missing = []
    for document in documents():
        text = document.path.read_text("utf-8")
        missing += [
            f"{document.name}: {path}" for path in _FILE.findall(text) if not (ROOT / path).exists()
        ]
        missing += [
            f"{document.name}: {path}::{name}"
            for path, name in _TEST.findall(text)
            if name and name not in _tests_of(path)
        ]
    assert missing == []


@cache
def _tests_of(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_every_row_of_the_status_names_what_proves_it_or_why_not() -> None:
    rows = [line for line in _STATUS.read_text("utf-8").splitlines() if line.startswith("| ")]
    items = [row for row in rows if not row.startswith(("| item", "| ---"))]
    assert len(items) > 60
    silent = [
        row
        for row in items
        if not _TEST.search(row.rpartition(" | ")[2]) and "**" not in row.rpartition(" | ")[2]
    ]
    assert silent == []


def test_every_make_target_that_a_document_names_exists() -> None:
    targets = set(re.findall(r"^([a-z][a-z0-9-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    missing = []
    for document in documents():
        for named in _TARGET_NAMED.finditer(document.path.read_text("utf-8")):
            missing += [
                f"{document.name}: make {word}"
                for word in named[1].split()[:1]
                if "=" not in word and word not in targets
            ]
    assert missing == []


def test_every_command_that_a_document_or_a_message_names_exists() -> None:
    wrong = []
    messages = [
        path for path in files(".py", ".yml") if path.parts[len(ROOT.parts)] in _HAVE_MESSAGES
    ]
    for path in (*files(".md", "Makefile"), *messages):
        for named in _COMMAND_NAMED.finditer(path.read_text("utf-8")):
            unknown = unknown_words(named[1].split())
            wrong += [f"{path.relative_to(ROOT)}: {word}" for word in unknown]
    assert wrong == []


def test_a_command_there_is_not_is_found() -> None:
    # Or the test above would prove nothing.
    named = [found[1] for found in _COMMAND_NAMED.finditer("`oceanid paln` $ oceanid up --stak x")]
    assert [bool(unknown_words(words.split())) for words in named] == [True, True]


def test_the_page_of_commands_is_written_from_the_commands() -> None:
    assert reference.FILE.read_text("utf-8") == reference.text(), "run `oceanid reference`"


@pytest.mark.parametrize("runbook", runbooks(), ids=lambda path: path.stem)
def test_a_runbook_goes_from_symptom_to_roll_back(runbook: Path) -> None:
    text = runbook.read_text("utf-8")
    sections = [part for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:] if "**Sym" in part]
    for section in sections or [text]:
        assert list(dict.fromkeys(_PART.findall(section))) == _PARTS, section.splitlines()[0]


def test_every_command_of_a_runbook_says_whether_a_test_runs_it() -> None:
    found = [block for runbook in runbooks() for block in blocks(runbook)]
    assert {block.where for block in found} == set(Where)


def test_every_command_within_a_sentence_of_a_runbook_stands_in_a_block_too() -> None:
    lines = [
        line for each in runbooks() for block in blocks(each) for line in block.text.splitlines()
    ]
    loose = {path.name: loose_commands(path.read_text("utf-8"), lines) for path in runbooks()}
    assert {name: commands for name, commands in loose.items() if commands} == {}


def test_a_command_that_no_block_holds_is_found() -> None:
    # Or the test above would prove nothing.
    text = (
        "**Check.** `kubectl get a`.\n\n**Fix.** `kubectl get\nb`, `kubectl get nodes`, `make`, "
        '`tailscale up` <!-- runnable=no why="x" -->\n\n```sh runnable=lab\n`kubectl get c`\n```\n'
        "| do | `make go TO=<commit>` and `make go BY=<commit>` |\n\n## Next\n`kubectl get d`\n"
        "**Roll back.** `kubectl get node`"
    )
    lines = ["  kubectl get nodes -o wide", "make go TO=HEAD~1  # one back"]
    assert loose_commands(text, lines) == [
        "kubectl get b",
        "make go BY=<commit>",
        "kubectl get node",
    ]


def test_the_runbooks_are_all_in_their_readme() -> None:
    readme = Document(RUNBOOKS / "README.md")
    assert {link.target for link in readme.links()} >= {path.name for path in runbooks()}
