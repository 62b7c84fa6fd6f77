"""``docs/policies.md``, written from the rules: ``python -m policies docs [FILE]``."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from .coverage import coverage
from .rules import every_rule
from .rules._cross_resource import CrossResourceRule

DEFAULT_FILE = Path(__file__).resolve().parent.parent / "docs" / "policies.md"

_HEAD = """\
# The policies

<!-- Written by `python -m policies docs` from the rules themselves: change those, not this. -->

Each rule is defined once, in `policies/rules/`, and enforced by

- **preview**: CrossGuard, in every `pulumi preview` and `pulumi up` (`--policy-pack policies`);
- **scan**: `python -m policies scan PATH...`, over manifests in a pull request;
- **cluster**: a ValidatingAdmissionPolicy, for what reaches the API server past both. Only rules
  that CEL can express: the column says which.

A *mandatory* violation fails a preview and a scan and is denied in the cluster; an *advisory* one
is shown. In a preview a value may be unknown; a rule that needs it says so, at the rule's level,
and how to mend it: give a plain value and not an Output.

## A scan

| exit code | meaning |
| ---: | --- |
| 0 | everything was judged, and nothing mandatory was found |
| 1 | mandatory violations |
| 2 | something was not judged, or an exception has expired or matches nothing |

What is not judged is shown and counted, and ends a scan with 2:

- a manifest that kubectl cannot read, a link out of the folder, a path that is not there;
- an empty standard input or an empty folder;
- a finding of `not-evaluated`: a chart that is not rendered, what a controller renders or fetches,
  an object of another API group with fields of pods outside of a pod. `--accept-not-evaluated`, an
  exception or a baseline accepts it.

A file that names neither `apiVersion` nor a kind and cannot be read is no manifest (comments in
JSON, tags of CloudFormation or GitLab). It is passed over with one line and fails no scan. A key in
plain text in such a file ends the scan with 2.

YAML is read as kubectl reads it: `=` is text, `on` is a boolean, `0o0` is a number. A key that
stands twice in one mapping is refused.

**Charts**: a template is rendered where `helm` is on PATH, with the chart's own values, offline and
in at most 30 seconds; its objects are judged at the template's first line. A template that gives
nothing with those values is not evaluated. The values of a release may give other objects: scan
what `helm template --values` prints.

**Single files**: that something is missing, or that nothing needs an exception, can only be said of
a folder, of standard input, or with `--whole`, which says that the files are all there are (`make
scan` without FILES).

**Options**: `--format` is `text`, `json` or `sarif`. `--write-baseline FILE`
writes today's findings, and `--baseline FILE` accepts them. `-`, `/dev/stdin` and `<(...)` are read
as files are.

**Without the rest of the project**: `pip install ./policies` gives `oceanid-scan`, and
`.pre-commit-hooks.yaml` a hook.

## Exceptions

`policies/exceptions.yaml` lists what is put up with, for how long and why. It is always shown in
the output. An exception that has expired, or that nothing needs, is an error.

```yaml
- rule: host-path
  resource: DaemonSet monitoring/agent   # as the findings show it
  reason: it reads the node's logs until the collector is replaced
  expires: 2026-01-31                    # the last day
  enforcers: [preview, cluster]          # who will meet it: preview, scan, cluster
  stacks: [prod]                         # in whose previews; all when left out
```

A resource that only one stack has is excepted for that stack, or the previews of the others fail:
nothing there needs the exception. A scan and the cluster know of no stack and ignore `stacks`.

In the cluster an exception ends with its last day (UTC) by itself, also in a policy that was
deployed before: the policy compares the time that the API server writes into what is created or
changed. Its annotation `oceanid.io/exceptions` says what it lets pass and until when. Render the
policies anew (`python -m policies admission`) after a change of the file; a test says so too.

## Where the three differ

Fixtures and made-up workloads are put before all three in every run of the tests; these are the
differences, and where a rule has one of its own, it says so below under "In the cluster".

- **What is unknown** exists in a preview only.
- **Rules over several resources** are judged in a preview (the stack) and a scan (the folder, the
  stream, or with `--whole` the files); the API server sees one object at a time.
- **Resources that are no objects of Kubernetes** (firewall rules, commands, Helm releases) exist
  in a preview only.
- **Patches**: a preview judges what a patch says; the cluster judges the whole object after it.
- **Old API groups** (`extensions/v1beta1`) and `List` are judged in a preview and a scan; the API
  server serves neither.
- **Values of a wrong type** (`hostNetwork: "true"`) count as violations in a preview and a scan,
  in every field that a rule reads (`field-type`); the API server refuses them by itself.
- **Objects of other API groups** are searched for pods (a list `containers` of mappings with an
  image or a name) in a preview and a scan; in the cluster, when their controller makes the pods.
- **Rights** (roles and bindings) are judged in a preview and a scan: the policies in the cluster
  are about workloads.
- **PodTemplate** is judged in a preview and a scan; in the cluster nothing runs from it.
- **System namespaces** are left out in the cluster, so that no fault of a policy stops the cluster
  itself.
"""


def text() -> str:
    """The whole document."""
    return "\n".join([_HEAD, *_table(), "", *_details()])


def main(arguments: Sequence[str]) -> int:
    """Write the document to a file, by default its own; 2 for a wrong call."""
    return written("docs", text(), DEFAULT_FILE, arguments)


def written(command: str, document: str, default: Path, arguments: Sequence[str]) -> int:
    """What a command does that writes `document`: to `default` or the one argument; 2 for more."""
    if len(arguments) > 1 or (arguments and arguments[0].startswith("-")):
        sys.stderr.write(f"usage: python -m policies {command} [FILE]\n")
        return 2
    file = Path(arguments[0]) if arguments else default
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(document, "utf-8")
    return 0


def _table() -> Iterator[str]:
    yield "## The rules"
    yield ""
    yield "| rule | severity | level | preview | scan | cluster |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for rule in coverage():
        marks = ("yes" if each else "" for each in (rule.preview, rule.scan, rule.cluster))
        yield (
            f"| [{rule.name}](#{rule.name}) | {rule.severity} | {rule.level} "
            f"| {' | '.join(marks)} |"
        )


def _details() -> Iterator[str]:
    for rule in every_rule():
        yield f"### {rule.name}"
        yield ""
        yield rule.description
        yield ""
        yield f"- Remedy: {rule.remedy}."
        yield f"- Source: {rule.source}. [More]({rule.url})"
        yield f"- Limitations: {rule.limitations}"
        if rule.cel_differs_because:
            yield f"- In the cluster: {rule.cel_differs_because}"
        if isinstance(rule, CrossResourceRule):
            yield "- Judged over all resources together, not one by one."
        yield ""
