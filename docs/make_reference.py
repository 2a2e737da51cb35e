"""Write the pages that are made from the program: docs/configuration.md and docs/commands.md.

python -m docs.make_reference
"""

from collections.abc import Callable
from pathlib import Path

from docs.commands_reference import commands_markdown
from docs.configuration_reference import configuration_markdown

PAGES: dict[str, Callable[[], str]] = {
    "configuration.md": configuration_markdown,
    "commands.md": commands_markdown,
}


def main() -> None:
    """Write every page beside this file."""
    for name, make in PAGES.items():
        page = Path(__file__).with_name(name)
        page.write_text(make(), encoding="utf-8")
        print(page)


if __name__ == "__main__":
    main()
