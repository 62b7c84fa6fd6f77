"""`$(VAR)` in a container's environment, by Kubernetes' own rules.

Rules: k8s.io/kubernetes, third_party/forked/golang/expansion. A reference to a variable defined
earlier is replaced, any other stays as it is written, and `$$` is an escaped `$`.
"""

from collections.abc import Mapping


def expand(text: str, defined: Mapping[str, str]) -> str:
    """The text with every reference to a defined variable replaced; one pass, left to right."""
    out: list[str] = []
    position = 0
    while position < len(text):
        following = text[position + 1 : position + 2]
        if text[position] != "$" or not following:
            out.append(text[position])
            position += 1
        elif following == "(":
            end = text.find(")", position + 2)
            if end < 0:
                # An unclosed reference is plain text.
                out.append("$(")
                position += 2
                continue
            name = text[position + 2 : end]
            out.append(defined.get(name, f"$({name})"))
            position = end + 1
        else:
            # `$$` is one `$`; before any other character the `$` is plain.
            out.append("$" if following == "$" else f"${following}")
            position += 2
    return "".join(out)
