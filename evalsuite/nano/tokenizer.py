"""nano's tokenizer: byte-level BPE in Qwen2's manner, one token for each Chinese character.

English merges are learned from the curriculum, with every word of the grammar and with invented
names cut in their two syllables, so that a name is two tokens as in Chinese. Chinese ones are
constructed: every character of the grammar is three bytes, so two merges make it one token, and the
pre-tokenizer isolates characters so that no merge ever spans two of them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, normalizers, pre_tokenizers
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer

from evalsuite.cases import Language
from evalsuite.prompts import FORMATS, build
from evalsuite.scenarios import LEXICONS, sample_episodes, sample_skills, sample_texts
from evalsuite.scenarios import names as name_lists
from evalsuite.scenarios.frames import vocabulary

CONTROL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
"""Control tokens in id order, as in Qwen2."""

_REPEATED = 20
"""How often a word is added to the texts: enough to become one token."""

# Qwen2's pattern with ideographs and Chinese punctuation isolated and digits single.
PATTERN = (
    r"[\p{Han}，。？！：；、（）]"
    r"|(?i:'s|'t|'re|'ve|'m|'ll|'d)"
    r"|[^\r\n\p{L}\p{N}，。？！：；、（）]?(?:(?!\p{Han})\p{L})+"
    r"|\p{N}"
    r"| ?[^\s\p{L}\p{N}，。？！：；、（）]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)

CHAT_TEMPLATE = """\
{%- for message in messages %}
{{- '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
{{- '<|im_start|>assistant\\n' }}
{%- endif %}
"""


def corpus(n: int = 1500) -> list[str]:
    """Texts of the curriculum from which the tokenizer learns its merges."""
    texts: list[str] = []
    for index, episode in enumerate(sample_episodes(0, n)):
        name = tuple(FORMATS)[index % len(FORMATS)]
        prompt = build(episode.case, format=name, demonstrations=episode.demonstrations)
        texts += [m.content for m in prompt.messages]
    texts += [i.prompt + i.answer for i in sample_skills(0, 2 * n, "train")]
    texts += [i.text for i in sample_texts(0, n, "train")]
    return texts


def _words(texts: Iterable[str]) -> Iterator[str]:
    """What English merges are learned from: the texts' ASCII part, words, syllables."""
    first, second = name_lists.syllables()
    name = re.compile(rf"\b({'|'.join(first)})({'|'.join(second)})\b")
    for text in texts:
        yield name.sub(r"\1\n\2", "".join(c for c in text if ord(c) < 128))
    for word in (*vocabulary(Language.EN), *second):
        yield from (word, f" {word}") * _REPEATED
    for word in (*(w.capitalize() for w in vocabulary(Language.EN)), *first):
        yield from (word, f" {word}") * _REPEATED


def characters(texts: Iterable[str]) -> list[str]:
    """Every non-ASCII character of the texts and of the whole grammar, sorted."""
    found = {c for text in texts for c in text}
    found |= set(name_lists._ZH_FIRST + name_lists._ZH_SECOND + name_lists._ZH_SURNAMES)
    found |= set(repr(LEXICONS[Language.ZH]))
    return sorted(c for c in found if ord(c) > 127)


def _byte_alphabet() -> dict[int, str]:
    """Map each byte to the character that byte-level BPE writes for it (Radford et al. 2019).

    Bytes that are printable in Latin-1 stand for themselves, the others follow from U+0100 on.
    """
    shown = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    hidden = [byte for byte in range(256) if byte not in shown]
    return {byte: chr(byte) for byte in shown} | {b: chr(256 + i) for i, b in enumerate(hidden)}


def _pre_tokenizer() -> pre_tokenizers.PreTokenizer:
    return pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PATTERN), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )


def _english_merges(texts: Iterable[str], vocab_size: int) -> list[tuple[str, str]]:
    learner = Tokenizer(BPE())
    learner.pre_tokenizer = _pre_tokenizer()
    trainer = BpeTrainer(
        vocab_size=vocab_size,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    learner.train_from_iterator(_words(texts), trainer)
    merges = json.loads(learner.to_str())["model"]["merges"]
    return [(left, right) for left, right in merges]


def _chinese_merges(chars: Iterable[str], alphabet: dict[int, str]) -> list[tuple[str, str]]:
    merges: dict[tuple[str, str], None] = {}
    for char in chars:
        shown = [alphabet[b] for b in char.encode()]
        joined = shown[0]
        for piece in shown[1:]:
            merges[(joined, piece)] = None
            joined += piece
    return list(merges)


@cache
def _merges(english: int) -> tuple[tuple[str, str], ...]:
    texts = corpus()
    chinese = _chinese_merges(characters(texts), _byte_alphabet())
    return (*_english_merges(texts, english), *chinese)


def build_tokenizer(*, english: int = 2600) -> Tokenizer:
    """Build nano's tokenizer from the curriculum; ``english`` counts bytes and English tokens."""
    merges = _merges(english)
    vocab = {symbol: i for i, symbol in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    for left, right in merges:
        vocab.setdefault(left + right, len(vocab))
    tokenizer = Tokenizer(BPE(vocab=vocab, merges=list(merges)))
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = _pre_tokenizer()
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in CONTROL])
    return tokenizer


def save_tokenizer(tokenizer: Tokenizer, folder: Path, *, context: int) -> None:
    """Write tokenizer.json, tokenizer_config.json and chat_template.jinja."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": context,
        "eos_token": "<|im_end|>",
        "pad_token": "<|endoftext|>",
        "clean_up_tokenization_spaces": False,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n", "utf-8")
    (folder / "chat_template.jinja").write_text(CHAT_TEMPLATE, "utf-8")
