"""The rules over manifest files: ``python -m policies scan PATH...``, without Pulumi."""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from policies.rules import all_rules
from policies.rules._model import Enforcement, judge
from policies.rules._subject import subjects_of_manifest

CLEAN, FOUND, UNREADABLE = 0, 1, 2
_SUFFIXES = (".yaml", ".yml", ".json")


class UnreadableError(Exception):
    """A path that cannot be scanned. Its text is one line that says which, why and what to do."""


@dataclass(frozen=True, slots=True)
class Line:
    """One finding in a file, ready to print; `blocks` when it makes the scan fail."""

    text: str
    blocks: bool


def main(arguments: Sequence[str]) -> int:
    """Run the command line; returns 0 clean, 1 violations found, 2 something was not judged."""
    parser = argparse.ArgumentParser(prog="python -m policies", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    scan = commands.add_parser("scan", help="judge the manifests in files and folders")
    scan.add_argument("paths", nargs="+", metavar="PATH", help="a YAML or JSON file, or a folder")
    parsed = parser.parse_args(arguments)

    files = documents = violations = 0
    result = CLEAN
    for path in parsed.paths:
        try:
            for file in manifest_files(Path(path)):
                files += 1
                for document in scan_file(file):
                    documents += 1
                    for line in document:
                        violations += line.blocks
                        sys.stdout.write(f"{line.text}\n")
        except UnreadableError as error:
            sys.stderr.write(f"{error}\n")
            result = UNREADABLE
    sys.stderr.write(f"{files} files, {documents} documents, {violations} violations\n")
    return result or (FOUND if violations else CLEAN)


def manifest_files(path: Path) -> Iterator[Path]:
    """The file itself, or every YAML and JSON file under a folder, hidden folders left out.

    Raises UnreadableError for a path that is not there or a folder without a manifest: a scan of
    nothing must not look like a clean one.
    """
    if path.is_file():
        yield path
        return
    if not path.is_dir():
        raise UnreadableError(f"{path}: no such file or folder; give a path that exists")
    empty = True
    for folder, folders, names in os.walk(path):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if name.endswith(_SUFFIXES):
                empty = False
                yield Path(folder, name)
    if empty:
        raise UnreadableError(f"{path}: holds no {', '.join(_SUFFIXES)} file; give another folder")


def scan_file(file: Path) -> Iterator[list[Line]]:
    """The findings of each YAML document of a file, in order.

    Raises UnreadableError, which gives a position and never the text at that position.
    """
    for number, document in enumerate(_documents(file), start=1):
        yield [
            Line(f"{file}: document {number}: {rule.line(finding)}", _blocks(rule.enforcement))
            for subject in subjects_of_manifest(document)
            for rule in all_rules()
            for finding in judge(rule, subject).findings
        ]


def _blocks(enforcement: Enforcement) -> bool:
    return enforcement is Enforcement.MANDATORY


def _documents(file: Path) -> Iterator[object]:
    try:
        with file.open("rb") as stream:
            yield from yaml.load_all(stream, Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "somewhere"
        raise UnreadableError(
            f"{file}: {where}: not plain YAML ({type(error).__name__}); mend it there"
        ) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UnreadableError(
            f"{file}: not plain YAML ({type(error).__name__}); give a file that a cluster takes"
        ) from None
    except OSError as error:
        raise UnreadableError(f"{file}: {error.strerror}; make the file readable") from None
