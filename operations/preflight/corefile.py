"""CoreDNS' configuration as CoreDNS reads it: server blocks, their keys, and what is imported.

By github.com/coredns/caddy v1.1.4 (caddyfile/lexer.go, parse.go) and coredns v1.15.0
(core/dnsserver/register.go, plugin/normalize.go). tests/unit/test_corefile_live.py holds it to the
real CoreDNS. Before 1.15 a zone in upper case is one of its own, which answers no query: what a
block with such a key is good for, transparent_hosts.py judges for both.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

_DNS_PORT = 53
_SCHEMES = ("tls", "dns", "quic", "grpc", "https3", "https", "unix")
# A comment right behind a word ends at the next space, one that stands by itself with its line.
_WORDS = re.compile(
    r'"(?P<quoted>(?:\\.|[^"\\])*)(?:"|\Z)|(?P<word>[^\s#]+)(?:#\S*)?|#[^\n]*|\s+', re.DOTALL
)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_MOST_IMPORTS = 1000


class CorefileError(ValueError):
    """Text that CoreDNS would not read; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Token:
    """A word of the file, and the line it begins on."""

    text: str
    line: int

    @property
    def last_line(self) -> int:
        """The line it ends on: a quoted word may have line breaks."""
        return self.line + self.text.count("\n")


@dataclass(frozen=True, kw_only=True)
class Block:
    """A server block: its keys as written, and the words of its body."""

    keys: tuple[str, ...]
    body: tuple[Token, ...]

    def arguments(self, directive: str) -> list[tuple[str, ...]]:
        """For each line of the body that begins with `directive`, the words behind it."""
        lines: list[list[str]] = []
        line: list[str] | None = None
        end = 0
        for token in self.body:
            if token.line > end:
                line = [] if token.text == directive else None
                lines += [line] if line is not None else []
            elif line is not None and token.text != "{":
                line.append(token.text)
            end = token.last_line
        return [tuple(words) for words in lines]


@dataclass(kw_only=True)
class Reading:
    """What has been read so far; snippets of one file may be imported by the next."""

    blocks: list[Block] = field(default_factory=list)
    imports: list[str] = field(default_factory=list)
    """Files and patterns that are imported outside every block."""
    snippets: dict[str, list[Token]] = field(default_factory=dict)

    def read(self, text: str) -> list[Block]:
        """The server blocks of one file, in order; raises CorefileError."""
        before = len(self.blocks)
        _Parser(tokens=list(_tokens(text)), reading=self).run()
        return self.blocks[before:]


def zone_of(key: str) -> str | None:
    """The zone that a block with `key` answers by plain DNS on port 53, in lower case with a dot.

    None for another port or protocol. A network such as 10.0.0.0/8 stays as it is written: it is
    never the name of a host.
    """
    scheme = next((scheme for scheme in _SCHEMES if key.startswith(f"{scheme}://")), None)
    if scheme not in (None, "dns"):
        return None
    host = key.removeprefix("dns://")
    name, colon, port = host.rpartition(":")
    if colon and port.removeprefix("-").removeprefix("+").isdecimal():
        if int(port) != _DNS_PORT:
            return None
        host = name
    return f"{host.lower().removesuffix('.')}."


def has_variable(key: str) -> bool:
    """Whether a key holds a variable of CoreDNS' environment, `{$NAME}` or `{%NAME%}`."""
    return any(
        start in key and end in key.partition(start)[2]
        for start, end in (("{$", "}"), ("{%", "%}"))
    )


def _tokens(source: str) -> Iterator[Token]:
    line = 1
    for match in _WORDS.finditer(source.removeprefix("\ufeff").replace("\r", "")):
        quoted, word = match["quoted"], match["word"]
        if quoted is not None:
            # Only a quote loses its backslash.
            text = _ESCAPED.sub(lambda pair: pair[1] if pair[1] == '"' else pair[0], quoted)
            yield Token(text=text, line=line)
        elif word is not None:
            yield Token(text=word, line=line)
        line += match[0].count("\n")


@dataclass(kw_only=True)
class _Parser:
    tokens: list[Token]
    reading: Reading
    at: int = 0
    expanded: int = 0

    def run(self) -> None:
        while self.at < len(self.tokens):
            keys = self._keys()
            if self._is_snippet(keys):
                name = keys[0][1:-1]
                if name in self.reading.snippets:
                    raise CorefileError(f"the snippet {name} is there twice")
                self.reading.snippets[name] = self._body(expand=False)
            elif keys:
                body = self._body() if self.at < len(self.tokens) else []
                self.reading.blocks.append(Block(keys=tuple(keys), body=tuple(body)))
            elif self.at < len(self.tokens):
                # CoreDNS reads a block without keys and keeps none of it.
                self._body()

    @staticmethod
    def _is_snippet(keys: list[str]) -> bool:
        return len(keys) == 1 and keys[0].startswith("(") and keys[0].endswith(")")

    def _keys(self) -> list[str]:
        keys: list[str] = []
        more = False
        while self.at < len(self.tokens):
            text = self.tokens[self.at].text
            if text == "import" and self._begins_line():
                self._import()
                continue
            if text == "{":
                if more:
                    raise CorefileError("a comma with no address behind it")
                return keys
            if text:
                more = text.endswith(",")
                keys.append(text.removesuffix(","))
            self.at += 1
            if not more and self.at < len(self.tokens) and self._begins_line():
                return keys
        if more:
            raise CorefileError("a comma with no address behind it")
        return keys

    def _begins_line(self) -> bool:
        if self.at == 0:
            return True
        return self.tokens[self.at - 1].last_line < self.tokens[self.at].line

    def _import(self, *, outside: bool = True) -> None:
        """Put what is imported in the place of the two words, as CoreDNS does."""
        argument = self.tokens[self.at + 1 : self.at + 2]
        if not argument or argument[0].line != self.tokens[self.at].last_line:
            raise CorefileError("import of nothing")
        name = argument[0].text
        snippet = self.reading.snippets.get(name)
        if snippet is None and outside:
            self.reading.imports.append(name)
        self.expanded += 1
        if self.expanded > _MOST_IMPORTS:
            raise CorefileError("imports without end")
        # On the line of the import, so that what follows still begins a line.
        line = self.tokens[self.at].line
        self.tokens[self.at : self.at + 2] = _moved(snippet or (), line)

    def _body(self, *, expand: bool = True) -> list[Token]:
        """The words up to the brace that closes the block; to the end where no brace opens it."""
        braces = self.tokens[self.at].text == "{"
        self.at += braces
        body: list[Token] = []
        depth = 0
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            if expand and token.text == "import" and self._begins_line():
                self._import(outside=False)
                continue
            self.at += 1
            if token.text == "}":
                if depth == 0:
                    return body
                depth -= 1
            depth += token.text == "{"
            body.append(token)
        if braces or depth:
            raise CorefileError("a brace that is not closed")
        return body


def _moved(tokens: Iterable[Token], line: int) -> list[Token]:
    moved = list(tokens)
    first = moved[0].line if moved else 0
    return [replace(token, line=line + token.line - first) for token in moved]
