"""Write the lists of common words that the leak search weighs names by.

    python benchmarks/frequencies.py --english EN.txt --chinese ZH.txt

``--english`` is ``frequency_dictionary_en_82_765.txt`` of the package symspellpy (MIT): counts of
Google Books Ngram (CC BY 3.0) for the words of SCOWL. ``--chinese`` is ``dict.txt`` of the package
jieba (MIT). Of each the most frequent words are kept, under how rare they are: the negative decimal
logarithm of a word's share of all words, to two digits.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from figures import ROOT

KEPT = 20_000
FOLDER = ROOT / "evalsuite" / "detectors" / "common"
HEADERS = {
    "en": (
        "# The 20,000 most frequent English words, each line under -log10 of its words' shares.\n"
        "# Counts: Google Books Ngram (https://books.google.com/ngrams), CC BY 3.0, for the words\n"
        "# of SCOWL, as SymSpell's frequency_dictionary_en_82_765.txt (MIT, Wolf Garbe) has them.\n"
        "# Made by benchmarks/frequencies.py: shares rounded to two digits, rarer words left out.\n"
    ),
    "zh": (
        "# The 20,000 most frequent Chinese words, each line under -log10 of its words' shares.\n"
        "# Counts: dict.txt of jieba (MIT, Copyright (c) 2013 Sun Junyi).\n"
        "# Made by benchmarks/frequencies.py: shares rounded to two digits, rarer words left out.\n"
    ),
}


def counts(file: Path) -> Iterator[tuple[str, int]]:
    """Each word of a list with how often it occurs; what follows the count is left out."""
    for line in file.read_text("utf-8-sig").splitlines():
        word, count, *_ = line.split()
        yield word, int(count)


def written(file: Path, language: str) -> str:
    """The text of one list."""
    found = list(counts(file))
    total = sum(count for _, count in found)
    ranked = sorted(found, key=lambda pair: (-pair[1], pair[0]))[:KEPT]
    lines: dict[str, list[str]] = defaultdict(list)
    for word, count in ranked:
        lines[f"{-math.log10(count / total):.2f}"].append(word)
    body = "\n".join(f"{rarity} {' '.join(sorted(words))}" for rarity, words in lines.items())
    return f"{HEADERS[language]}{body}\n"


def main(argv: Sequence[str] | None = None) -> int:
    """Write both lists."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--english", type=Path, required=True)
    parser.add_argument("--chinese", type=Path, required=True)
    args = parser.parse_args(argv)
    for language, file in (("en", args.english), ("zh", args.chinese)):
        (FOLDER / f"{language}.txt").write_text(written(file, language), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
