"""The verbs at a terminal: ``tauto profile`` and its siblings."""

__all__ = ["main"]


def main() -> None:
    """Run the command line; the commands load only what they need."""
    from tauto.cli.app import run

    run()
