#!/usr/bin/env python3
"""The published SDKs read the answers, streams and errors that the case files of src/wire expect. The C++
tests show that weir writes these bytes; this shows that clients understand them. No network: the SDKs get
their bytes from an in-memory transport."""
import json
import pathlib
import unittest

import anthropic
import httpx2
import openai
import pydantic

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "src/wire/testdata"
MESSAGES = [{"role": "user", "content": "x"}]


def read_cases(name):
    cases, section = [], None
    for line in (FOLDER / name).read_text(encoding="utf-8").splitlines(keepends=True):
        if line.startswith("=== "):
            cases.append({"name": line[4:].strip()})
            section = None
        elif line.startswith("--- "):
            section = line[4:].strip()
            cases[-1][section] = ""
        elif section is not None:
            cases[-1][section] += line
    return cases


def select(name, dialect):
    """Cases of a client dialect that end well, with the bytes that the client gets."""
    for case in read_cases(name):
        body = case["in"] if case["out"].strip() == "same" else case["out"]
        whole = name == "answers.txt" or " ended " in " " + case["facts"]
        if case["options"].split()[1] == dialect and body.strip() and whole:
            yield case, body


def http(body, content_type):
    return httpx2.Client(transport=httpx2.MockTransport(
        lambda request: httpx2.Response(200, content=body.encode(), headers={"content-type": content_type})))


def openai_client(body, content_type):
    return openai.OpenAI(api_key="k", base_url="http://weir/v1", max_retries=0,
                         http_client=http(body, content_type))


def anthropic_client(body, content_type):
    return anthropic.Anthropic(api_key="k", base_url="http://weir", max_retries=0,
                               http_client=http(body, content_type))


def assemble(chunks):
    text, calls, finish, usage = "", {}, None, None
    for chunk in chunks:
        usage = chunk.usage or usage
        for choice in chunk.choices:
            text += choice.delta.content or ""
            finish = choice.finish_reason or finish
            for call in choice.delta.tool_calls or []:
                entry = calls.setdefault((choice.index, call.index), ["", ""])
                entry[0] += call.function.name or ""
                entry[1] += call.function.arguments or ""
    return text, list(calls.values()), finish, usage


class WireCases(unittest.TestCase):
    def test_anthropic_streams(self):
        seen = 0
        for case, body in select("streams.txt", "anthropic"):
            with self.subTest(case["name"]):
                client = anthropic_client(body, "text/event-stream")
                with client.messages.stream(model="m", max_tokens=9, messages=MESSAGES) as stream:
                    message = stream.get_final_message()
                self.assertIn(message.stop_reason, ("end_turn", "max_tokens", "tool_use", "refusal"))
                calls = [(b.name, b.input) for b in message.content if b.type == "tool_use"]
                if "parallel tools" in case["name"]:
                    self.assertEqual(calls, [("f", {"k": "\u00e9"}), ("g", {})])
                    usage = message.usage
                    self.assertEqual((usage.input_tokens, usage.cache_read_input_tokens, usage.output_tokens),
                                     (12, 8, 9))
                seen += 1
        self.assertGreaterEqual(seen, 4)

    def test_openai_streams(self):
        seen = 0
        for case, body in select("streams.txt", "openai"):
            with self.subTest(case["name"]):
                client = openai_client(body, "text/event-stream")
                chunks = client.chat.completions.create(model="m", messages=MESSAGES, stream=True)
                text, calls, _, usage = assemble(chunks)
                if "thinking and tools" in case["name"]:
                    self.assertEqual(text, 'Okay, \u00fc"x"')
                    self.assertEqual(calls, [["get_weather", '{"location": "San Francisco"}'], ["now", "{}"]])
                    self.assertEqual((usage.prompt_tokens, usage.completion_tokens), (572, 89))
                if "no_client_usage" in case["options"] or "added_usage" in case["options"]:
                    self.assertIsNone(usage)
                seen += 1
        self.assertGreaterEqual(seen, 4)

    def test_anthropic_answers(self):
        for case, body in select("answers.txt", "anthropic"):
            with self.subTest(case["name"]):
                message = anthropic_client(body, "application/json").messages.create(
                    model="m", max_tokens=9, messages=MESSAGES)
                # The SDK builds leniently; its types, applied once more, do not.
                anthropic.types.Message.model_validate(message.model_dump(warnings=False))
                self.assertIsNotNone(message.stop_reason)

    def test_openai_answers(self):
        for case, body in select("answers.txt", "openai"):
            with self.subTest(case["name"]):
                answer = openai_client(body, "application/json").chat.completions.create(
                    model="m", messages=MESSAGES)
                if case["out"].strip() != "same":
                    openai.types.chat.ChatCompletion.model_validate(answer.model_dump(warnings=False))
                    self.assertIsNotNone(answer.choices[0].finish_reason)

    def test_translated_requests_fit_the_parameter_types(self):
        from anthropic.types import message_create_params as anthropic_params
        from openai.types.chat import completion_create_params as openai_params
        for name, kind in (("to_anthropic.txt", anthropic_params.MessageCreateParamsBase),
                           ("to_openai.txt", openai_params.CompletionCreateParamsBase)):
            adapter, seen = pydantic.TypeAdapter(kind), 0
            for case in read_cases(name):
                if "body" not in case:
                    continue
                with self.subTest(case["name"]):
                    checked = adapter.validate_python(json.loads(case["body"]))
                    for message in checked["messages"]:  # iterables are checked as they are read
                        if not isinstance(message["content"], (str, type(None))):
                            list(message["content"])
                    seen += 1
            self.assertGreaterEqual(seen, 6)

    def test_stream_errors_raise(self):
        body = 'data: {"error":{"message":"x","type":"server_error","param":null,"code":null}}\n\n'
        with self.assertRaisesRegex(openai.APIError, "x"):
            list(openai_client(body, "text/event-stream").chat.completions.create(
                model="m", messages=MESSAGES, stream=True))
        body = 'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"x"}}\n\n'
        with self.assertRaisesRegex(anthropic.APIStatusError, "x"):
            list(anthropic_client(body, "text/event-stream").messages.create(
                model="m", max_tokens=9, messages=MESSAGES, stream=True))


if __name__ == "__main__":
    unittest.main()
