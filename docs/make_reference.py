"""Write what is made from the program: docs/configuration.md, docs/commands.md, and what a shell
completes, mnistlab/config/key_values.json.

python -m docs.make_reference
"""

from collections.abc import Callable
from pathlib import Path

from docs.commands_reference import commands_markdown
from docs.configuration_reference import configuration_markdown
from mnistlab.config import key_values

PAGES: dict[str, Callable[[], str]] = {
    "configuration.md": configuration_markdown,
    "commands.md": commands_markdown,
}


def main() -> None:
    """Write every page beside this file, and the keys beside the configuration."""
    for name, make in PAGES.items():
        page = Path(__file__).with_name(name)
        page.write_text(make(), encoding="utf-8")
        print(page)
    key_values.FILE.write_text(key_values.as_text(key_values.collected()), encoding="utf-8")
    print(key_values.FILE)


if __name__ == "__main__":
    main()
