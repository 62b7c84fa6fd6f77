"""Pulumi's property paths: `a.b[0]["c:d"]`, as `ReadOpenEnvironmentProperty` takes them.

The syntax is that of https://www.pulumi.com/docs/concepts/config/#structured-configuration.
"""

import re

Step = str | int

_PLAIN = re.compile(r'[^.\["]+')
_INDEX = re.compile(r"\[(0|[1-9][0-9]*)\]")
_QUOTED = re.compile(r'\["((?:[^"\\]|\\.)*)"\]')
_ESCAPE = re.compile(r"\\(.)")


def parse(text: str) -> list[Step]:
    """The steps of a path, names and indexes; raises ValueError that says where it goes wrong."""
    steps: list[Step] = []
    position = 0
    while position < len(text):
        if text[position] == "[":
            found = _QUOTED.match(text, position) or _INDEX.match(text, position)
            if found is None:
                raise ValueError(f'at character {position + 1}: want [NUMBER] or ["NAME"]')
            quoted = found.re is _QUOTED
            steps.append(_ESCAPE.sub(r"\1", found[1]) if quoted else int(found[1]))
        else:
            start = position + 1 if steps and text[position] == "." else position
            found = _PLAIN.match(text, start)
            if found is None or (steps and start == position):
                raise ValueError(f"at character {start + 1}: want a name")
            steps.append(found[0])
        position = found.end()
    if not steps:
        raise ValueError("the path is empty")
    return steps
