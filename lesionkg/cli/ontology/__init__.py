"""``lesionkg ontology``: read, check, change, review, compare and exchange ontologies of lesion labels.

One module a group of commands; each registers its own on :data:`app`.
"""

from lesionkg.cli.ontology import changes, diff, exchange, impact, queues, radlex, release
from lesionkg.cli.ontology.base import app

__all__ = ["app", "changes", "diff", "exchange", "impact", "queues", "radlex", "release"]
