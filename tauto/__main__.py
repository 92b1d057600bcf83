"""``python -m tauto`` is the command ``tauto``."""

from tauto.cli import main

main()
