"""A group of commands: strict about what it is given, with an example in the help of each."""

import sys
from collections.abc import Callable
from functools import wraps
from inspect import cleandoc
from typing import ParamSpec

import typer
from typer._click import Context  # the base of typer.Context, which the signature below has
from typer.core import TyperCommand

_Given = ParamSpec("_Given")


class Strict(TyperCommand):
    """A command that refuses an option that is empty, or given twice: nobody can say what is meant.

    Unknown options and arguments are refused by Typer itself, with the nearest name.
    """

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        if ctx.resilient_parsing:  # the shell completes a line that is not finished
            return super().parse_args(ctx, args)
        values, _, order = self.make_parser(ctx).parse_args(list(args))
        for option in order:
            if order.count(option) > 1 and not getattr(option, "multiple", False):
                ctx.fail(f"{option.opts[0]} is given twice: give it once")
            given = values.get(option.name or "")
            if "" in (given if isinstance(given, (list, tuple)) else [given]):
                ctx.fail(f"{option.opts[0]} is empty: give it a value or leave it out")
        return super().parse_args(ctx, args)


class Commands(typer.Typer):
    """Commands under one name, none for those of `oceanid` itself.

    Help is plain text: it is read in CI's logs too.
    """

    def __init__(
        self, says: str, *, example: str, name: str = "", completion: bool = False
    ) -> None:
        super().__init__(
            name=name or None,
            help=cleandoc(says),
            epilog=f"Example: {example}",
            no_args_is_help=True,
            add_completion=completion,
            rich_markup_mode=None,
            pretty_exceptions_enable=False,
        )
        self._name = name

    def add(
        self, name: str, *, example: str, hidden: bool = False
    ) -> Callable[[Callable[_Given, int]], Callable[_Given, int]]:
        """Add a function as a command: what it returns is the exit code.

        One that has a `stack` runs in that stack's turn.
        """

        def added(function: Callable[_Given, int]) -> Callable[_Given, int]:
            @wraps(function)
            def command(*args: _Given.args, **kwargs: _Given.kwargs) -> None:
                try:
                    stack = kwargs.get("stack")
                    if stack is None:
                        code = function(*args, **kwargs)
                    else:
                        from operations.delivery.stack_turn import turn_of

                        with turn_of(f"{self._name} {name}".strip(), str(stack)):
                            code = function(*args, **kwargs)
                except KeyboardInterrupt:
                    print("\noceanid: interrupted", file=sys.stderr)
                    code = 130
                raise typer.Exit(code)

            self.command(name, cls=Strict, epilog=f"Example: {example}", hidden=hidden)(command)
            return function

        return added
