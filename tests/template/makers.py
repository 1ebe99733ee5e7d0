"""Jinja templates that say what the makers' say, so that folders can be checked against them.

They are written after the makers' published formats, tools and errors left out.
"""

from __future__ import annotations

from typing import Final

_SPOKEN: Final = (
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}"
    "{% endfor %}"
)
_ASKED: Final = "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
_QWEN_DEFAULT: Final = (
    "{% if messages[0].role != 'system' %}{{ '<|im_start|>system\nYou are Qwen, created by "
    "Alibaba Cloud. You are a helpful assistant.<|im_end|>\n' }}{% endif %}"
)
_QWEN3: Final = (
    "{% set ns = namespace(last=-1) %}"
    "{% for m in messages %}{% if m.role == 'user' %}"
    "{% set ns.last = loop.index0 %}{% endif %}{% endfor %}"
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' }}"
    "{% if m.role == 'assistant' and loop.index0 > ns.last %}{{ '<think>\n\n</think>\n\n' + "
    "m.content.lstrip('\n') }}{% else %}{{ m.content }}{% endif %}{{ '<|im_end|>\n' }}{% endfor %}"
    + _ASKED
    + "{% if add_generation_prompt and enable_thinking is defined and not enable_thinking %}"
    "{{ '<think>\n\n</think>\n\n' }}{% endif %}"
)
_LLAMA_3: Final = (
    "{% for m in messages %}{{ '<|start_header_id|>' + m.role + '<|end_header_id|>\n\n' + "
    "m.content | trim + '<|eot_id|>' }}{% endfor %}"
)
_LLAMA_3_ASKED: Final = (
    "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}"
    "{% endif %}"
)
_SYSTEM_FIRST: Final = (
    "{% set told = messages[0].content if messages[0].role == 'system' else '' %}"
    "{% set turns = messages[1:] if messages[0].role == 'system' else messages %}"
)

JINJA: Final = {
    "chatml": _SPOKEN + _ASKED,
    "qwen2.5": _QWEN_DEFAULT + _SPOKEN + _ASKED,
    "qwen3": _QWEN3,
    "qwen3-no-thinking": _QWEN3,
    "llama-2": (
        _SYSTEM_FIRST + "{% for m in turns %}{% if m.role == 'user' %}{{ bos_token + '[INST] ' }}"
        "{% if loop.first and told %}{{ '<<SYS>>\n' + told | trim + '\n<</SYS>>\n\n' }}{% endif %}"
        "{{ m.content | trim + ' [/INST]' }}{% else %}{{ ' ' + m.content | trim + ' ' }}"
        "{{ eos_token }}{% endif %}{% endfor %}"
    ),
    "llama-3": "{{ bos_token }}" + _LLAMA_3 + _LLAMA_3_ASKED,
    "llama-3.2": (
        "{{ bos_token }}" + _SYSTEM_FIRST
        + "{% set today = strftime_now('%d %b %Y') if strftime_now is defined else '26 Jul 2024' %}"
        "{{ '<|start_header_id|>system<|end_header_id|>\n\nCutting Knowledge Date: December 2023"
        "\nToday Date: ' + today + '\n\n' + told | trim + '<|eot_id|>' }}"
        + _LLAMA_3.replace("in messages", "in turns") + _LLAMA_3_ASKED
    ),
    "vicuna": (
        "{{ bos_token }}" + _SYSTEM_FIRST + "{% if told %}{{ told | trim + ' ' }}{% else %}"
        "{{ 'A chat between a curious user and an artificial intelligence assistant. The assistant "
        "gives helpful, detailed, and polite answers to the user\\'s questions. ' }}{% endif %}"
        "{% for m in turns %}{% if m.role == 'user' %}{{ 'USER: ' + m.content | trim + "
        "' ASSISTANT:' }}{% else %}{{ ' ' + m.content | trim + eos_token }}{% endif %}{% endfor %}"
    ),
    "mistral-v1": (
        "{{ bos_token }}" + _SYSTEM_FIRST + "{% for m in turns %}{% if m.role == 'user' %}"
        "{{ '[INST] ' }}{% if loop.first and told %}{{ told + '\n\n' }}{% endif %}"
        "{{ m.content + ' [/INST]' }}{% else %}{{ ' ' + m.content + eos_token }}{% endif %}"
        "{% endfor %}"
    ),
    "mistral-v3": (
        "{{ bos_token }}" + _SYSTEM_FIRST + "{% set users = turns | selectattr('role', 'equalto', "
        "'user') | list %}{% for m in turns %}{% if m.role == 'user' %}{{ '[INST] ' }}"
        "{% if told and m == users[-1] %}{{ told + '\n\n' }}{% endif %}"
        "{{ m.content + '[/INST]' }}{% else %}{{ ' ' + m.content + eos_token }}{% endif %}"
        "{% endfor %}"
    ),
    "mistral-v7": (
        "{{ bos_token }}{% for m in messages %}{% if m.role == 'system' %}"
        "{{ '[SYSTEM_PROMPT] ' + m.content + '[/SYSTEM_PROMPT]' }}{% elif m.role == 'user' %}"
        "{{ '[INST] ' + m.content + '[/INST]' }}{% else %}{{ ' ' + m.content + eos_token }}"
        "{% endif %}{% endfor %}"
    ),
    "zephyr": (
        "{% for m in messages %}{{ '<|' + m.role + '|>\n' + m.content + eos_token + '\n' }}"
        "{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}"
    ),
    "gemma-2": (
        "{{ bos_token }}{% if messages[0].role == 'system' %}{{ raise_exception('System role not "
        "supported') }}{% endif %}{% for m in messages %}{{ '<start_of_turn>' + "
        "('model' if m.role == 'assistant' else m.role) + '\n' + m.content | trim + "
        "'<end_of_turn>\n' }}{% endfor %}{% if add_generation_prompt %}"
        "{{ '<start_of_turn>model\n' }}{% endif %}"
    ),
    "gemma-3": (
        "{{ bos_token }}" + _SYSTEM_FIRST + "{% for m in turns %}{{ '<start_of_turn>' + "
        "('model' if m.role == 'assistant' else m.role) + '\n' }}{% if loop.first and told %}"
        "{{ told + '\n\n' }}{% endif %}{{ m.content | trim + '<end_of_turn>\n' }}"
        "{% endfor %}{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"
    ),
    "phi-3": (
        "{% for m in messages %}{{ '<|' + m.role + '|>\n' + m.content + '<|end|>\n' }}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% else %}{{ '<|endoftext|>' }}"
        "{% endif %}"
    ),
    "alpaca": (
        "{{ bos_token }}" + _SYSTEM_FIRST + "{% if told %}{{ 'Below is an instruction that "
        "describes a task, paired with an input that provides further context. Write a response "
        "that appropriately completes the request.\n\n' }}{% else %}{{ 'Below is an instruction "
        "that describes a task. Write a response that appropriately completes the request.\n\n' }}"
        "{% endif %}{% for m in turns %}{% if m.role == 'user' %}{{ '### Instruction:\n' }}"
        "{% if loop.first and told %}{{ told + '\n\n### Input:\n' }}{% endif %}"
        "{{ m.content + '\n\n### Response:' }}{% else %}{{ m.content + eos_token + '\n\n' }}"
        "{% endif %}{% endfor %}"
    ),
    "deepseek-v3": (
        "{{ bos_token }}{% for m in messages %}{% if m.role == 'system' %}{{ m.content }}"
        "{% elif m.role == 'user' %}{{ '<｜User｜>' + m.content + '<｜Assistant｜>' }}{% else %}"
        "{{ m.content + '<｜end▁of▁sentence｜>' }}{% endif %}{% endfor %}"
    ),
}  # fmt: skip
JINJA["mistral-v3-tekken"] = (
    JINJA["mistral-v3"].replace("[INST] ", "[INST]").replace("' ' + m", "m")
)
