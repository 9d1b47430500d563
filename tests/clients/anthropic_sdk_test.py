#!/usr/bin/env python3
"""The official anthropic SDK against the running program: plain, streaming, a tool loop, token counts,
error mapping, wrong key, cancel in mid-stream; and Anthropic clients in front of an OpenAI provider."""
import unittest

import anthropic

import weir_process

WEATHER = {"name": "get_weather", "description": "Weather of a city",
           "input_schema": {"type": "object", "properties": {"city": {"type": "string"}},
                            "required": ["city"]}}


def client(server, key="none"):
    return anthropic.Anthropic(base_url=server.url, api_key=key, max_retries=0, timeout=30)


def user(text):
    return [{"role": "user", "content": text}]


class Contract:
    """What holds whatever dialect the provider speaks."""

    def test_plain(self):
        raw = self.client.messages.with_raw_response.create(
            model="auto", max_tokens=200, system="Be brief.", messages=user("What is 12 + 30?"))
        answer = raw.parse()
        self.assertEqual(answer.type, "message")
        self.assertIn("42", answer.content[0].text)
        self.assertEqual(answer.stop_reason, "end_turn")
        self.assertEqual(answer.model, raw.headers["x-weir-model"])
        self.assertGreater(answer.usage.input_tokens, 0)
        self.assertGreater(answer.usage.output_tokens, 0)

    def test_streaming(self):
        with self.client.messages.stream(model="auto", max_tokens=200,
                                         messages=user("What is 5 * 9?")) as stream:
            text = "".join(stream.text_stream)
            final = stream.get_final_message()
        self.assertIn("45", text)
        self.assertEqual(final.stop_reason, "end_turn")
        self.assertGreater(final.usage.output_tokens, 0)

    def test_tool_loop(self):
        messages = user("What is the weather in Paris? Use the tool.")
        first = self.client.messages.create(model="auto", max_tokens=200, messages=messages,
                                            tools=[WEATHER])
        self.assertEqual(first.stop_reason, "tool_use")
        call = next(b for b in first.content if b.type == "tool_use")
        self.assertIn("Paris", call.input["city"])
        messages += [{"role": "assistant", "content": first.content},
                     {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call.id,
                                                   "content": "17 degrees and rain"}]}]
        raw = self.client.messages.with_raw_response.create(
            model="auto", max_tokens=200, messages=messages, tools=[WEATHER])
        second = raw.parse()
        self.assertIn("17", second.content[0].text)
        self.assertEqual(second.model, first.model)
        self.assertEqual(raw.headers["x-weir-reason"], "sticky")

    def test_streamed_tool_call(self):
        with self.client.messages.stream(
                model="auto", max_tokens=200, tools=[WEATHER],
                messages=user("What is the weather in Oslo? Use the tool.")) as stream:
            final = stream.get_final_message()
        call = next(b for b in final.content if b.type == "tool_use")
        self.assertIn("Oslo", call.input["city"])

    def test_errors_map_to_the_sdks_classes(self):
        with self.assertRaises(anthropic.BadRequestError):
            self.client.messages.create(model="auto", max_tokens=200, messages=[])
        with self.assertRaises(anthropic.NotFoundError):
            self.client.get("/v1/nowhere", cast_to=object)

    def test_cancel_in_mid_stream_reaches_the_ledger(self):
        with self.serve("--tokens-per-second", 20) as server:
            with client(server).messages.stream(model="auto", max_tokens=300,
                                                messages=user("What is your return policy?")) as stream:
                identity = stream.response.headers["x-weir-request-id"]
                for _ in stream.text_stream:
                    break
            server.stop()
            row = next(r for r in server.rows() if r["id"] == identity)
            self.assertEqual(row["outcome"], "client_gone")


class WithProvider(Contract):
    dialect = ""

    @classmethod
    def serve(cls, *simulator_options):
        provider = weir_process.Server("simulate", *simulator_options)
        server = weir_process.Server("serve", config=f"""
providers:
  sim: {{dialect: {cls.dialect}, base_url: "{provider.url}/v1", api_key: none}}
routes:
  auto: {{weak: sim/sim-weak, strong: sim/sim-strong}}
""")
        end = server.__exit__

        class Both:
            def __enter__(self):
                return server

            def __exit__(self, *details):
                end(*details)
                provider.__exit__(*details)
        return Both()

    @classmethod
    def setUpClass(cls):
        cls.both = cls.serve()
        cls.server = cls.both.__enter__()
        cls.client = client(cls.server)

    @classmethod
    def tearDownClass(cls):
        cls.both.__exit__()


class AnthropicProvider(WithProvider, unittest.TestCase):
    dialect = "anthropic"

    def test_token_count(self):
        count = self.client.messages.count_tokens(model="auto", messages=user("What is 12 + 30?"))
        self.assertGreater(count.input_tokens, 3)

    def test_models_have_anthropics_shape(self):
        page = self.client.models.list()
        self.assertIn("auto", [m.id for m in page.data])

    def test_wrong_key(self):
        with weir_process.Server("serve", config=f"""
keys:
  alice: sha256:{"ab" * 32}
""") as server, self.assertRaises(anthropic.AuthenticationError):
            client(server, "sk-wrong").messages.create(model="auto", max_tokens=10, messages=user("hi"))


class OpenAiProvider(WithProvider, unittest.TestCase):
    dialect = "openai"

    def test_token_count_is_an_estimate_and_says_so(self):
        raw = self.client.messages.with_raw_response.count_tokens(
            model="auto", messages=user("What is 12 + 30?"))
        self.assertGreater(raw.parse().input_tokens, 3)


if __name__ == "__main__":
    unittest.main()
