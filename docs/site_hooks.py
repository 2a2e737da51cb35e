"""What mkdocs.yml needs to make a site of pages that are written to be read in the repository.

Pages outside docs/ and the files of the source that pages link to become pages of the site; links
are changed accordingly. Formulas become MathML, which browsers draw without a script.
"""

import html
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from latex2mathml.converter import convert
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import mnistlab  # noqa: E402
from docs.markdown import anchor  # noqa: E402

# The site's name of a page that is elsewhere in the repository, or has another name there.
PAGES = {
    "README.md": "index.md",
    "docs/README.md": "contents.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
}
CONTENTS, API = "contents.md", "api.md"
LANGUAGES = {".py": "python", ".yaml": "yaml", ".yml": "yaml", ".sh": "bash", ".toml": "toml"}
TEXTS = ("LICENSE", ".LICENSE", ".cff")  # shown as they are
FENCE = "`" * 6
CODE = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)\s#]+)(#[^)\s]*)?\)")
SECTION = re.compile(r"^## (.+)\n\n((?:- .*\n)+)", re.MULTILINE)
ENTRY = re.compile(r"\[([^\]]+)\]\(((?:\.\./)?[\w-]+\.md)\)")
FORMULA = re.compile(r'<span class="arithmatex">\\\((.*?)\\\)</span>', re.DOTALL)


def on_config(config: MkDocsConfig) -> None:
    """Headings have the anchors of GitHub; the order of the pages is that of docs/README.md."""
    fence = {"name": "math", "class": "math", "format": displayed}
    config.mdx_configs["pymdownx.superfences"] = {"custom_fences": [fence]}
    config.mdx_configs["toc"] = {"slugify": lambda text, _: anchor(text), "permalink": True}
    config.nav = [{"Overview": "index.md"}, *sections(), {"Contents": CONTENTS}]


def sections() -> Iterator[dict[str, list[dict[str, str]]]]:
    """The sections of docs/README.md, each with its pages."""
    for title, lines in SECTION.findall((ROOT / "docs/README.md").read_text(encoding="utf-8")):
        entries = [
            {name[0].upper() + name[1:]: place(target(CONTENTS, link))}
            for name, link in ENTRY.findall(lines)
        ]
        if {"Python": "python.md"} in entries:
            entries.append({"API reference": API})
        yield {title: entries}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what lies outside docs/: pages, and the source that pages link to."""
    files.remove(files.get_file_from_path("README.md"))
    for path, uri in PAGES.items():
        files.append(File.generated(config, uri, content=(ROOT / path).read_text(encoding="utf-8")))
    files.append(File.generated(config, API, content=api_page()))
    pages = {file.src_uri: file.content_string for file in files.documentation_pages()}
    for path in sorted({path for uri, text in pages.items() for path in sources(uri, text)}):
        files.append(source_file(path, config))
    return files


def api_page() -> str:
    """The public Python API, for mkdocstrings."""
    rooms = mnistlab._ROOM_OF
    parts = [f"::: {rooms[name]}.{name}" for name in mnistlab.__all__]
    return "\n\n".join(["# API reference", "What `import mnistlab` offers.", *parts]) + "\n"


def origin(uri: str) -> str:
    """Where a page of the site lies in the repository."""
    return next((path for path, other in PAGES.items() if other == uri), f"docs/{uri}")


def target(uri: str, link: str) -> str:
    """The path in the repository to which a page of the site links."""
    return os.path.normpath(Path(origin(uri)).parent / link)


def place(path: str) -> str:
    """The name in the site of a path in the repository."""
    if path in PAGES:
        return PAGES[path]
    if path.startswith("docs/") and Path(path).suffix in (".md", ".png"):
        return path.removeprefix("docs/")
    return f"source/{path}.md" if is_shown(path) else f"source/{path}"


def is_shown(path: str) -> bool:
    """Whether a file of the source gets a page; others are copied, for a download."""
    file = ROOT / path
    return file.is_dir() or file.suffix in LANGUAGES or file.name.endswith(TEXTS)


def sources(uri: str, text: str) -> Iterator[str]:
    """The paths in the repository, outside the site's pages, to which a page links."""
    for link, _ in LINK.findall(CODE.sub("", text)):
        path = target(uri, link)
        if place(path).startswith("source/"):
            yield path
            if (ROOT / path).is_dir():
                yield from (f"{path}/{file.name}" for file in (ROOT / path).glob("*.py"))


def source_file(path: str, config: MkDocsConfig) -> File:
    """A file or folder of the source as part of the site."""
    file, uri, hidden = ROOT / path, place(path), InclusionLevel.NOT_IN_NAV
    if not is_shown(path):
        return File.generated(config, uri, abs_src_path=str(file), inclusion=hidden)
    if file.is_dir():
        names = sorted(one.name for one in file.glob("*.py"))
        body = "\n".join(f"- [{name}]({file.name}/{name}.md)" for name in names)
    else:
        language = LANGUAGES.get(file.suffix, "text")
        body = f"{FENCE}{language}\n{file.read_text(encoding='utf-8')}\n{FENCE}"
    # The search finds pages, not code.
    content = f"---\nsearch: {{exclude: true}}\n---\n\n# {path}\n\n{body}\n"
    return File.generated(config, uri, content=content, inclusion=hidden)


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Let links lead to pages of the site."""
    uri = page.file.src_uri
    if uri.startswith("source/"):
        return markdown

    def changed(link: re.Match[str]) -> str:
        to = os.path.relpath(place(target(uri, link[1])), Path(uri).parent)
        return f"]({to}{link[2] or ''})"

    parts = CODE.split(markdown)
    parts[::2] = [LINK.sub(changed, part) for part in parts[::2]]
    return "".join(parts)


def on_page_content(content: str, **_: object) -> str:
    """Formulas of a line as MathML."""
    return FORMULA.sub(lambda found: convert(html.unescape(found[1])), content)


def displayed(source: str, *_: object, **__: object) -> str:
    """A block of a formula as MathML, in a box that scrolls if the formula is wider."""
    return f'<div class="formula">{convert(source, display="block")}</div>'
