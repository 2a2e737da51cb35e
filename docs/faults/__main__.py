"""Compute the effect of the reports' faults, and print it or write it into docs/reports.md."""

import argparse
import importlib
import time

import threadpoolctl

from docs.faults.common import Section, load
from docs.page import PAGE, replaced
from mnistlab.figures.style import rendered
from mnistlab.support.durable import write_file

IMAGES = PAGE.parent / "images"
REPORTS = "abcde"


def write(report: str, section: Section) -> None:
    """Write a section into the page, and its figure into the page's image folder."""
    text = section.text.strip()
    if section.figure is not None:
        name = f"faults-{report}.png"
        write_file(IMAGES / name, rendered(section.figure))
        text += f"\n\n![{section.caption}](images/{name})"
    page = replaced(PAGE.read_text(encoding="utf-8"), f"faults {report}", text)
    write_file(PAGE, page)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m docs.faults", description=__doc__)
    parser.add_argument("reports", nargs="*", default=[*REPORTS], help="a to e; default: all")
    parser.add_argument("--write", action="store_true", help="write docs/reports.md and its images")
    parser.add_argument("--full", action="store_true", help="train as long as the reports: hours")
    options = parser.parse_args()
    if unknown := set(options.reports) - set(REPORTS):
        parser.error(f"found {', '.join(sorted(unknown))}; the reports are {', '.join(REPORTS)}")
    digits = load()
    for report in options.reports:
        began = time.perf_counter()
        with threadpoolctl.threadpool_limits(1):
            module = importlib.import_module(f"docs.faults.report_{report}")
            section = module.section(digits, module.FULL if options.full else module.SETTINGS)
        print(
            f"## Report {report.upper()}, {time.perf_counter() - began:.0f} s\n\n{section.text}",
            flush=True,
        )
        if options.write:
            write(report, section)


if __name__ == "__main__":
    main()
