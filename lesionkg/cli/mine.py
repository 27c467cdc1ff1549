"""``lesionkg mine``: reports in; sentences, mentions and labels out. A subcommand need not be named for that."""

from __future__ import annotations

from importlib import import_module

import typer
from typer.core import TyperGroup

_DEFAULT, _SUGGEST = "reports", "--suggest"

COMMANDS: tuple[str, ...] = ("reports", "show", "export", "suggest", "findings", "train", "evaluate")
"""Names of the subcommands; ``lesionkg.cli.mine_NAME`` defines the ``command`` of each."""


class _DefaultsToReports(TyperGroup):
    """``mine REPORTS`` is ``mine reports REPORTS``, and ``mine --suggest REPORTS`` is ``mine suggest REPORTS``."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        if args and args[0] not in self.commands and args[0] != "--help":
            chosen = "suggest" if _SUGGEST in args else _DEFAULT
            args = [chosen, *(word for word in args if word != _SUGGEST)]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_DefaultsToReports,
    no_args_is_help=True,
    help="Find in reports which labels are about which lesion: `lesionkg mine REPORTS`, short for "
    "`lesionkg mine reports REPORTS`. `lesionkg mine --suggest REPORTS` lists candidate labels.",
)
for name in COMMANDS:
    app.command(name)(import_module(f"lesionkg.cli.mine_{name}").command)
