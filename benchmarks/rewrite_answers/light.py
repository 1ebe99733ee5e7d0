"""Light edits of accepted rewrites: the answers stay right."""

from __future__ import annotations

import random
import re

from evalsuite.cases import Case, Language
from rewrite_answers import words_en, words_zh
from rewrite_answers.kinds import Light, makes
from rewrite_answers.known import Known, known, reworded
from rewrite_answers.texts import HAN, plain

_FULL_WIDTH = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}


def accepted(case: Case, rng: random.Random) -> str | None:
    """One of the accepted rewrites that differ from the query."""
    if case.expect.unchanged:
        return None
    found = [text for text in case.expect.rewrites if plain(text) != plain(case.query)]
    return rng.choice(found) if found else None


def _with_names(case: Case) -> Known | None:
    """What is known of a case whose names are whole; of people's own rewrites that is not sure."""
    facts = None if reworded(case) else known(case)
    return facts if facts and facts.names else None


def _changed(text: str, made: str) -> str | None:
    return None if made == text else made


@makes(Light.CASE)
def case_of_letters(case: Case, rng: random.Random) -> str | None:
    """All small, all capital, or each word with a capital."""
    text = accepted(case, rng)
    if text is None:
        return None
    made = rng.choice((text.lower(), text.lower(), text.upper(), text[:1].lower() + text[1:]))
    return _changed(text, made)


@makes(Light.FINAL_MARK)
def final_mark(case: Case, rng: random.Random) -> str | None:
    """The mark at the end lost, set apart, doubled, or added to a question without one."""
    text = accepted(case, rng)
    if text is None:
        return None
    body = text.rstrip("?？.。! ")
    mark = text[len(body) :].strip()
    if not mark:
        return f"{body}?" if case.language is Language.EN else f"{body}？"
    options = [body, f"{body} {mark}"] + ([f"{body}{mark}{mark}"] if mark in "?？" else [])
    return rng.choice(options)


@makes(Light.WIDTH)
def width(case: Case, rng: random.Random) -> str | None:
    """Marks or names in the other width, typographic apostrophes, a space that does not break."""
    text, facts = accepted(case, rng), known(case)
    if text is None or facts is None:
        return None
    options = [text.replace("?", "？"), text.replace("？", "?").replace("，", ",")]
    options += [text.replace("'", "’"), text.replace(" ", "\u00a0", 1)]
    for name in facts.names:
        if name.isascii() and name.isalpha() and name in text:
            options.append(text.replace(name, name.translate(_FULL_WIDTH)))
    return rng.choice([made for made in options if made != text] or [None])


@makes(Light.CONTRACTION)
def contraction(case: Case, rng: random.Random) -> str | None:
    """ "What is" as "what's", and back."""
    text = accepted(case, rng)
    if text is None or case.language is Language.ZH:
        return None
    options = []
    for short, long in words_en.CONTRACTIONS:
        for old, new in ((short, long), (long, short)):
            found = re.search(rf"\b{re.escape(old)}\b(?! *[?.])", text, re.IGNORECASE)
            if found:
                new = new.upper() if text.isupper() else new
                new = new if found.group()[0].isupper() else new[0].lower() + new[1:]
                options.append(text[: found.start()] + new + text[found.end() :])
    return rng.choice(options) if options else None


@makes(Light.POSSESSIVE)
def possessive(case: Case, rng: random.Random) -> str | None:
    """ "X's price" as "the price of X", and back; in Chinese 的 left out before a plain noun."""
    text, facts = accepted(case, rng), _with_names(case)
    if text is None or facts is None:
        return None
    names = "|".join(re.escape(name) for name in facts.names)
    if case.language is Language.ZH:
        nouns = "|".join(words_zh.NOUNS)
        return _changed(text, re.sub(rf"({names})的(?={nouns})", r"\1", text, count=1))
    nouns = f"(?:{'|'.join((*words_en.TWO_WORD_NOUNS, *words_en.OWNED))})"
    whose = rf"((?:{names})(?: and (?:{names}))?)"
    made = re.sub(rf"(?<!'s and ){whose}'s ({nouns})\b", r"the \2 of \1", text)
    if made == text:
        made = re.sub(rf"\b[Tt]he ({nouns}) of {whose}(?!'|\w)", r"\2's \1", text)
    return _changed(text, made[:1].upper() + made[1:] if text[:1].isupper() else made)


@makes(Light.ARTICLE)
def article(case: Case, rng: random.Random) -> str | None:
    """ "The" before a proper name lost; "a" before a common noun as "the"."""
    text, facts = accepted(case, rng), _with_names(case)
    if text is None or facts is None or case.language is Language.ZH:
        return None
    options = []
    for name in facts.names:
        written = re.escape(name)
        if name[:1].isupper():
            options.append(re.sub(rf"\bthe (?={written}\b)", "", text))
        else:
            options.append(re.sub(rf"\ban? (?=(?:decent )?{written}\b)", "the ", text))
            if name in words_en.COUNTED:
                options.append(re.sub(rf"\bthe (?={written}\b)", "a ", text))
    options = [made for made in options if made != text]
    return rng.choice(options) if options else None


@makes(Light.POLITENESS)
def politeness(case: Case, rng: random.Random) -> str | None:
    """Please, 请, 请问, 谢谢: added or left out."""
    text = accepted(case, rng)
    if text is None:
        return None
    rules = words_zh.POLITENESS if case.language is Language.ZH else words_en.POLITENESS
    options = [re.sub(pattern, other, text, count=1) for pattern, other in rules]
    options = [made for made in options if plain(made) != plain(text)]
    if not options:
        return None
    made = rng.choice(options)
    if made.startswith("Please") and not text.startswith("Please"):
        head, _, rest = made.partition(" ")
        return f"{head} {rest[0].lower()}{rest[1:]}"
    return made[:1].upper() + made[1:] if text[:1].isupper() else made


@makes(Light.TRADITIONAL)
def traditional(case: Case, rng: random.Random) -> str | None:
    """The whole rewrite in traditional characters."""
    text = accepted(case, rng)
    if text is None or case.language is Language.EN:
        return None
    return _changed(text, text.translate(words_zh.TRADITIONAL))


@makes(Light.NAME_SPACING)
def name_spacing(case: Case, rng: random.Random) -> str | None:
    """A hyphen for the space inside a name; in Chinese text a space around a name, or none."""
    text, facts = accepted(case, rng), _with_names(case)
    if text is None or facts is None:
        return None
    name = rng.choice(facts.names)
    if " " in name:
        other = name.replace(" ", "-")
    elif case.language is Language.ZH and f"《{name}》" not in text:
        parts = re.findall(f"[{HAN}]+|[^{HAN}]+", name)
        other = " ".join(parts) if len(parts) > 1 else f" {name} "
    else:
        return None
    return _changed(text, text.replace(name, other).strip().replace("  ", " "))


@makes(Light.NUMERAL)
def numeral(case: Case, rng: random.Random) -> str | None:
    """3, three, 三."""
    text = accepted(case, rng)
    if text is None:
        return None
    rules = words_zh.NUMERALS if case.language is Language.ZH else words_en.NUMERALS
    options = [re.sub(pattern, other, text, count=1) for pattern, other in rules]
    options = [made for made in options if made != text]
    return rng.choice(options) if options else None


@makes(Light.TREEBANK)
def treebank(case: Case, rng: random.Random) -> str | None:
    """Marks, "'s" and "n't" set apart, as treebank tokenizers do."""
    text = accepted(case, rng)
    if text is None or case.language is Language.ZH:
        return None
    made = re.sub(r"\s*([?.,!]+)(?=\s|$)", r" \1", text)
    made = re.sub(r"(?i)\bcan't\b", "ca n't", made)
    made = re.sub(r"(?i)(?<=\w)n't\b", " n't", made)
    made = re.sub(r"(?i)(?<=\w)('(?:s|m|re|ll|d|ve))\b", r" \1", made)
    return _changed(text, re.sub(r"\bca  n't", "ca n't", made))


@makes(Light.SOFTENER)
def softener(case: Case, rng: random.Random) -> str | None:
    """一下 behind the verb of a request, or left out."""
    text = accepted(case, rng)
    if text is None or case.language is Language.EN:
        return None
    if "一下" in text:
        return text.replace("一下", "", 1)
    verbs = "总结|描述|介绍|解释"
    return _changed(text, re.sub(rf"({verbs})(?!一下)", r"\1一下", text, count=1))
