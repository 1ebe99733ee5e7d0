"""Write every chat template that mistral-common generates into a folder.

    python benchmarks/mistral_templates.py FOLDER

It is run where mistral-common is installed, which wants another numpy than evalsuite: ``nox -s
mistral`` makes an environment for it, and gives the folder to ``template_inference.py``.
"""

from __future__ import annotations

import argparse
import itertools
from pathlib import Path

from mistral_common.integrations.chat_templates.chat_templates import generate_chat_template
from mistral_common.tokens.tokenizers.base import TokenizerVersion

FLAGS = ("spm", "image_support", "audio_support", "thinking_support", "plain_thinking_support")
SYSTEM = "Be brief."
EFFORTS = ("none", "high")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    written: set[str] = set()
    settings = itertools.product(TokenizerVersion, itertools.product((False, True), repeat=5))
    for version, flags in settings:
        for system in (None, SYSTEM):
            thinks = version.supports_model_settings
            names = [flag.partition("_")[0] for flag, on in zip(FLAGS, flags, strict=True) if on]
            try:
                source = generate_chat_template(
                    tokenizer_version=version,
                    default_system_prompt=system,
                    use_special_token_variables=True,
                    model_settings_fields=None,
                    reasoning_effort_values=EFFORTS if thinks else None,
                    reasoning_effort_default=EFFORTS[0] if thinks else None,
                    **dict(zip(FLAGS, flags, strict=True)),
                )
            except ValueError:  # it says of many settings that they do not go together
                continue
            if source in written:
                continue
            written.add(source)
            name = "-".join([version.value, *names, *(["system"] if system else [])])
            (folder / f"mistral-{name}.jinja").write_text(source, "utf-8")
    print(f"{len(written)} templates in {folder}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
