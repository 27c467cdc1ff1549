"""``lesionkg audit``: who did what on the server."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from lesionkg.cli.context import Home, Json, console, home_folder, print_json


def command(
    person: Annotated[str, typer.Option(help="Of this user only.", show_default=False)] = "",
    action: Annotated[str, typer.Option(help="Of this kind only: query, lesion, export, ...", show_default=False)] = "",
    subject: Annotated[str, typer.Option(help="About this id or name only.", show_default=False)] = "",
    since: Annotated[str, typer.Option(help="From this day or time on, ISO 8601, UTC.", show_default=False)] = "",
    most: Annotated[int, typer.Option(min=1, max=1000, help="Number of entries, the newest first.")] = 100,
    home: Home = None,
    json_: Json = False,
) -> None:
    """Show the audit log: queries, views of lesions, reads of report texts, exports, changes, users."""
    from rich.table import Table
    from rich.text import Text

    from kg.curation.proposal_tables import open_curation
    from lesionkg.server.audit import Audit, Filter

    with open_curation(home_folder(home)) as database:
        found = Audit(database).entries(Filter(person, action, subject, since, most=most))
    if json_:
        print_json([asdict(entry) for entry in found])
        return
    table = Table("moment", "person", "action", "subject", "details")
    for entry in found:
        details = json.dumps(entry.details, ensure_ascii=False) if entry.details else ""
        table.add_row(*(Text(text) for text in (entry.moment, entry.person, entry.action, entry.subject, details)))
    console.print(table)
