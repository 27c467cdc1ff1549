"""``python -m lesionkg``."""

from lesionkg.cli import main

main()
