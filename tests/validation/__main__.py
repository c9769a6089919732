"""`python -m tests.validation [SAMPLES]` draws the samples and writes docs/validation.md."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from tests.validation.known import known
from tests.validation.page import page
from tests.validation.run import run
from tests.validation.summary import coverage, rejections

PAGE = Path(__file__).parents[2] / "docs" / "validation.md"
SAMPLES = 1000


def main() -> None:
    count, start = int(sys.argv[1]) if len(sys.argv) > 1 else SAMPLES, time.monotonic()
    runs = run(count, processes=min(2, os.cpu_count() or 1), progress=True)
    text = page(count, coverage(runs, known()), rejections(runs))
    if count == SAMPLES:
        PAGE.write_text(text, encoding="utf-8")
    else:  # a trial does not replace the record
        print(text)
    print(f"{count} samples in {time.monotonic() - start:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
