"""What jinja2 and transformers make of chat templates: answers for core's package jinja.

    python reference/make_templates.py

Writes core/src/test/resources/dev/lorikeet/jinja/expected.json: templates written for this purpose,
each with the text that transformers' `_compile_jinja_template` renders for it, or the class and
message of the failure. For published templates, which are not part of this repository, it writes
published.json with the SHA-256 of each rendering only; they are read from ../shared/data where that is.
"""

import hashlib
import json
from datetime import datetime
from pathlib import Path

import jinja2
import transformers
from transformers.utils import chat_template_utils
from transformers.utils.chat_template_utils import (
    _compile_jinja_template, _render_with_assistant_indices)

from template_cases import GENERATION, TEMPLATES, VARIABLES

REPOSITORY = Path(__file__).resolve().parent.parent
OUT = REPOSITORY / "core/src/test/resources/dev/lorikeet/jinja"
DATA = REPOSITORY.parent / "shared/data/chat_templates"


class FixedClock(datetime):
    @classmethod
    def now(cls, tz=None):
        return cls(2024, 7, 6, 14, 5, 9, 42)


chat_template_utils.datetime = FixedClock


def answer(template: str, variables: dict) -> dict:
    try:
        return {"text": _compile_jinja_template(template).render(**variables)}
    except jinja2.TemplateSyntaxError as failure:
        return {"error": type(failure).__name__, "message": failure.message, "line": failure.lineno}
    except Exception as failure:
        return {"error": type(failure).__name__, "message": str(failure)}


def write(name: str, value) -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    text = json.dumps(value, ensure_ascii=True, indent=0)
    (OUT / name).write_text(text + "\n", encoding="utf-8")


def expected() -> dict:
    out = [{"template": template, **answer(template, VARIABLES)} for template in TEMPLATES]
    marks = []
    for template in GENERATION:
        compiled = _compile_jinja_template(template)
        chat = dict(VARIABLES)
        messages = chat.pop("messages")
        prompt = chat.pop("add_generation_prompt")
        text, spans = _render_with_assistant_indices(compiled, messages, None, None, prompt, **chat)
        marks.append({"template": template, "text": text, "spans": spans})
    return {
        "jinja2": jinja2.__version__,
        "transformers": transformers.__version__,
        "variables": VARIABLES,
        "templates": out,
        "generation": marks,
    }


# Conversations for published templates; templates disagree about what they accept.
TURNS = [
    {"role": "system", "content": "You are kind."},
    {"role": "user", "content": "Hi <b>there</b> & \"you\" 'é' 😀"},
    {"role": "assistant", "content": " Hello! \n"},
    {"role": "user", "content": "{{ not }} {% code %}"},
]
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Weather of a \"city\"",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string", "description": "Where"},
                "days": {"type": "integer", "description": "How long", "enum": [1, 2]},
                "unit": {"type": ["string", "null"], "default": None},
            },
            "required": ["city"],
        },
        "return": {"type": "string", "description": "text"},
    },
}
PLAIN_TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Weather of a city",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string", "description": "Where"},
                "tags": {"type": "array", "items": {"type": "string"}},
                "more": {"type": "object", "properties": {"n": {"type": "number"}}},
            },
            "required": ["city"],
        },
    },
}
CALL = {
    "id": "call00001",
    "type": "function",
    "function": {"name": "get_weather",
                 "arguments": {"city": "Zürich", "days": 2, "f": 1.5, "b": True, "x": None}},
}
CALLS = [
    {"role": "user", "content": "Weather?"},
    {"role": "assistant", "content": "", "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "call00001", "name": "get_weather", "content": "{\"t\": 20}"},
    {"role": "assistant", "content": "It is 20."},
    {"role": "user", "content": "Thanks"},
]
SPECIAL = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
CONVERSATIONS = {
    "turns": {"messages": TURNS, "tools": None, "add_generation_prompt": True},
    "turns-no-system": {"messages": TURNS[1:], "tools": None, "add_generation_prompt": False},
    "tool-call": {"messages": CALLS, "tools": [TOOL], "add_generation_prompt": True},
    "tool-call-text": {
        "messages": [
            CALLS[0],
            {"role": "assistant", "content": None, "tool_calls": [
                {**CALL, "function": {"name": "get_weather", "arguments": "{\"city\": \"Bern\"}"}}]},
            *CALLS[2:],
        ],
        "tools": [PLAIN_TOOL], "add_generation_prompt": False},
    "parts": {"messages": [
        {"role": "user", "content": [{"type": "text", "text": "Hi"}]},
        {"role": "assistant", "content": [{"type": "text", "text": "Ho"}]},
        {"role": "user", "content": [{"type": "text", "text": "Hey"}]},
    ], "tools": None, "add_generation_prompt": True},
}


def published() -> dict[str, str]:
    found = {}
    for folder in ("llamacpp", "chujiezheng/chat_templates", "probes/tpl"):
        for file in sorted((DATA / folder).glob("*.jinja")):
            found[f"{folder}/{file.name}"] = file.read_text(encoding="utf-8")
    for entry in json.loads((DATA / "ollama/index.json").read_text(encoding="utf-8")):
        found["ollama/index.json#" + entry["name"]] = entry["template"]
    for i, line in enumerate((DATA / "ollama/testdata/templates.jsonl").read_text().splitlines()):
        for name, template in json.loads(line).items():
            found[f"ollama/testdata/templates.jsonl#{i}-{name}"] = template
    return found


def hashes() -> dict:
    out = {}
    for name, template in published().items():
        out[name] = {}
        for conversation, variables in CONVERSATIONS.items():
            made = answer(template, {**SPECIAL, **variables})
            if "text" in made:
                made = {"sha256": hashlib.sha256(made["text"].encode()).hexdigest()}
            out[name][conversation] = made
    return {
        "jinja2": jinja2.__version__,
        "transformers": transformers.__version__,
        "special": SPECIAL,
        "conversations": CONVERSATIONS,
        "templates": out,
    }


if __name__ == "__main__":
    write("expected.json", expected())
    if DATA.exists():
        write("published.json", hashes())
