"""How many years of school a text asks of its reader, by a published formula."""

import re
from typing import Final

_SENTENCE_END: Final = re.compile(r"(?<=[.!?:;])\s+")
_WORD: Final = re.compile(r"[A-Za-z]+(?:['’][A-Za-z]+)*|\d[\d.,]*\d|\d")
_VOWELS: Final = re.compile(r"[aeiouy]+")


def reading_grade(text: str) -> float:
    """The Flesch-Kincaid grade of an English text: about the years of school that its reader needs.

    Of each word its groups of vowels are counted as syllables, a silent final e left out; a number is one word of one
    syllable, as it can be taken in at a glance. Where a colon or semicolon ends a thought, a sentence ends.

    Returns:
        Years, mostly between 0 and 20; 0 for a text without words.

    Source: Kincaid 1975, Derivation of new readability formulas for Navy enlisted personnel, Research Branch Report
    8-75: 0.39 words a sentence + 11.8 syllables a word - 15.59.

    >>> round(reading_grade("Book a GP or physiotherapist."), 1)
    7.6
    """
    words = _WORD.findall(text)
    if not words:
        return 0.0
    sentences = [part for part in _SENTENCE_END.split(text) if _WORD.search(part)]
    syllables = sum(count_syllables(word) for word in words)
    return max(0.39 * len(words) / len(sentences) + 11.8 * syllables / len(words) - 15.59, 0.0)


def count_words(text: str) -> int:
    """How many words a text has; a number is one."""
    return len(_WORD.findall(text))


def count_syllables(word: str) -> int:
    """How many syllables an English word is heard with, near enough: its groups of vowels, but for a silent e.

    >>> [count_syllables(word) for word in ("knee", "strength", "injuries", "table", "runs", "weakness", "5205")]
    [1, 1, 3, 2, 1, 2, 1]
    """
    heard = word.lower()
    if not heard[0].isalpha():
        return 1
    if re.search(r"[^aeiouy]es?$", heard) and not re.search(r"(?:[^aeiouyl]le|(?:[sxz]|ch|sh|[cg])es)s?$", heard):
        heard = re.sub(r"es?$", "", heard)
    elif re.search(r"[^aeiouytd]ed$", heard):
        heard = heard[:-2]
    # "weakness", "safely": an e in front of an ending is as silent as one at the end.
    heard = re.sub(r"(?<=[^aeiouy])e(?=(?:ly|less|ness|ment|ful)$)", "", heard)
    return max(len(_VOWELS.findall(heard)), 1)
