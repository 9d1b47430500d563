#include "wire/chat.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "wire/case_file.h"

namespace weir::wire {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

Chat decode(Dialect dialect, const std::string& body) {
  auto chat = decode_chat(dialect, body);
  if (!chat) ADD_FAILURE() << chat.error().message << "\n" << body;
  return chat ? std::move(*chat) : Chat{};
}

std::string error_of(Dialect dialect, const std::string& body) {
  const auto chat = decode_chat(dialect, body);
  if (chat) return "";
  EXPECT_EQ(chat.error().code, ErrorCode::kInvalidArgument);
  return chat.error().message;
}

void run_translations(const std::string& file, Dialect from, Dialect to) {
  const auto cases = read_cases(file);
  ASSERT_GT(cases.size(), 10u);
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const Chat chat = decode(from, c.get("request"));
    if (!chat.body) continue;
    const EncodeTarget target{.dialect = to,
                              .model = to == Dialect::kOpenAi ? "gpt-x" : "claude-x",
                              .default_max_tokens = 32'000};
    const auto encoded = encode_chat(chat, target);
    const auto checked = check_expressible(chat, to);
    EXPECT_EQ(encoded.has_value(), checked.has_value());
    if (c.has("refused")) {
      ASSERT_FALSE(encoded) << encoded->body;
      EXPECT_EQ(encoded.error().code, ErrorCode::kUnsupported);
      EXPECT_THAT(encoded.error().message, StartsWith(c.get("refused")));
      continue;
    }
    ASSERT_TRUE(encoded) << encoded.error().message;
    EXPECT_EQ(compact(encoded->body), compact(c.get("body")));
    EXPECT_EQ(fmt::format("{}", fmt::join(encoded->dropped, " ")), c.get("dropped"));
    // What weir writes, weir reads.
    EXPECT_TRUE(decode_chat(to, encoded->body));
  }
}

TEST(EncodeChat, OpenAiToAnthropic) {
  run_translations("to_anthropic.txt", Dialect::kOpenAi, Dialect::kAnthropic);
}

TEST(EncodeChat, AnthropicToOpenAi) {
  run_translations("to_openai.txt", Dialect::kAnthropic, Dialect::kOpenAi);
}

TEST(DecodeChat, ReadsWhatRoutingNeeds) {
  const Chat chat = decode(Dialect::kOpenAi, R"({"model":"auto","stream":true,"user":"u",
    "prompt_cache_key":"k","max_completion_tokens":5e1,"tools":[{}],
    "stream_options":{"include_usage":true},"reasoning_effort":"low",
    "response_format":{"type":"json_schema"},"messages":[
    {"role":"system","content":"S1"},{"role":"developer","content":[{"type":"text","text":"S2"}]},
    {"role":"user","content":[{"type":"text","text":"a\u00e9"},{"type":"image_url","image_url":{}},
                              {"type":"text","text":"b"}]},
    {"role":"assistant","content":"c"},{"role":"user","content":"d"}]})");
  EXPECT_EQ(chat.model, "auto");
  EXPECT_TRUE(chat.stream && chat.wants_stream_usage);
  EXPECT_EQ(chat.max_output_tokens, 50);
  EXPECT_EQ(chat.system_text, "S1\nS2");
  EXPECT_THAT(chat.first_user_text, ElementsAre("a\u00e9", "b"));
  EXPECT_THAT(chat.last_user_text, ElementsAre("d"));
  EXPECT_EQ(chat.user_turn_count, 2);
  EXPECT_EQ(chat.end_user, "u");
  EXPECT_EQ(chat.prompt_cache_key, "k");
  EXPECT_TRUE(chat.needs.tools && chat.needs.images && chat.needs.json_schema);
  EXPECT_TRUE(chat.needs.thinking);
  EXPECT_FALSE(chat.ends_in_tool_result || chat.tool_call_open);
}

TEST(DecodeChat, AnthropicToolStepIsNoUserTurn) {
  const std::string head = R"({"model":"m","max_tokens":1,"system":[{"type":"text","text":"S"}],
    "metadata":{"user_id":"user_1_session_2"},"messages":[{"role":"user","content":"question"},
    {"role":"assistant","content":[{"type":"tool_use","id":"t1","name":"f","input":{}},
                                   {"type":"tool_use","id":"t2","name":"f","input":{}}]})";
  const std::string one = R"({"type":"tool_result","tool_use_id":"t1","content":"r"})";
  const std::string two =
      R"({"type":"tool_result","tool_use_id":"t2","content":[{"type":"image","source":{}}]})";
  const auto with = [&](const std::string& blocks) {
    return decode(Dialect::kAnthropic, head + R"(,{"role":"user","content":[)" + blocks + "]}]}");
  };
  const Chat open = decode(Dialect::kAnthropic, head + "]}");
  EXPECT_TRUE(open.tool_call_open);
  EXPECT_FALSE(open.ends_in_tool_result);
  EXPECT_EQ(open.end_user, "user_1_session_2");
  EXPECT_EQ(open.system_text, "S");

  const Chat half = with(one);
  EXPECT_TRUE(half.tool_call_open && half.ends_in_tool_result);

  const Chat step = with(one + "," + two);
  EXPECT_FALSE(step.tool_call_open);
  EXPECT_TRUE(step.ends_in_tool_result && step.last_holds_tool_result && step.needs.images);
  EXPECT_EQ(step.user_turn_count, 1);
  EXPECT_THAT(step.last_user_text, ElementsAre("question"));

  const Chat blank = with(one + "," + two + R"(,{"type":"text","text":" \n"})");
  EXPECT_TRUE(blank.ends_in_tool_result);

  const Chat words = with(one + "," + two + R"(,{"type":"text","text":"go on"})");
  EXPECT_FALSE(words.ends_in_tool_result);
  EXPECT_TRUE(words.last_holds_tool_result);
  EXPECT_EQ(words.user_turn_count, 2);
  EXPECT_THAT(words.last_user_text, ElementsAre("go on"));
}

TEST(DecodeChat, OpenAiToolStep) {
  const std::string head = R"({"model":"m","messages":[{"role":"user","content":"q"},
    {"role":"assistant","content":null,"tool_calls":[{"id":"1","type":"function","function":{}},
                                                     {"id":"2","type":"function","function":{}}]},
    {"role":"tool","tool_call_id":"1","content":"r"})";
  const Chat half = decode(Dialect::kOpenAi, head + "]}");
  EXPECT_TRUE(half.tool_call_open && half.ends_in_tool_result);
  const Chat whole =
      decode(Dialect::kOpenAi, head + R"(,{"role":"tool","tool_call_id":"2","content":"r"}]})");
  EXPECT_FALSE(whole.tool_call_open);
  EXPECT_TRUE(whole.ends_in_tool_result);
  EXPECT_EQ(whole.user_turn_count, 1);
  const Chat legacy = decode(Dialect::kOpenAi, R"({"model":"m","functions":[{"name":"f"}],
    "messages":[{"role":"assistant","content":null,"function_call":{"name":"f","arguments":""}},
                {"role":"function","name":"f","content":"r"}]})");
  EXPECT_TRUE(legacy.needs.tools && legacy.ends_in_tool_result);
  EXPECT_FALSE(legacy.tool_call_open);
  EXPECT_EQ(legacy.user_turn_count, 0);
  EXPECT_THAT(legacy.last_user_text, IsEmpty());
}

TEST(DecodeChat, NamesTheFieldThatIsWrong) {
  const struct {
    std::string body, message;
  } cases[] = {
      {"", "invalid JSON at line 1 column 1"},
      {"[]", "the body must be a JSON object"},
      {R"({"messages":[]})", "model must be"},
      {R"({"model":"","messages":[]})", "model must be"},
      {R"({"model":5,"messages":[]})", "model must be"},
      {R"({"model":"m"})", "messages must be an array"},
      {R"({"model":"m","messages":[]})", "messages must not be empty"},
      {R"({"model":"m","messages":{}})", "messages must be an array"},
      {R"({"model":"m","messages":["x"]})", "messages[0] must be an object"},
      {R"({"model":"m","messages":[{"content":"x"}]})", "messages[0].role must be a string"},
      {R"({"model":"m","messages":[{"role":"king"}]})", "messages[0].role: unknown role 'king'"},
      {R"({"model":"m","messages":[{"role":"user","content":5}]})", "messages[0].content must be"},
      {R"({"model":"m","messages":[{"role":"user","content":["x"]}]})",
       "messages[0].content[0] must be an object"},
      {R"({"model":"m","messages":[{"role":"user","content":[{}]}]})",
       "messages[0].content[0].type must be a string"},
      {R"({"model":"m","messages":[{"role":"user","content":[{"type":"text"}]}]})",
       "messages[0].content[0].text must be a string"},
      {R"({"model":"m","messages":[{"role":"user"}],"stream":"yes"})", "stream must be"},
      {R"({"model":"m","messages":[{"role":"user"}],"max_tokens":1.5})", "max_tokens must be"},
      {R"({"model":"m","messages":[{"role":"user"}],"max_tokens":-1})", "max_tokens must be"},
      {R"({"model":"m","messages":[{"role":"user"}],"tools":{}})", "tools must be"},
      {R"({"model":"m","messages":[{"role":"user"}],"model":"n"})", "model: the key stands twice"},
      {R"({"model":"m","messages":[{"role":"user"}],"mod\u0065l":"n"})",
       "model: the key stands twice"},
  };
  for (const auto& c : cases)
    for (const Dialect dialect : {Dialect::kOpenAi, Dialect::kAnthropic})
      EXPECT_THAT(error_of(dialect, c.body), StartsWith(c.message)) << c.body;
  EXPECT_THAT(error_of(Dialect::kOpenAi,
                       R"({"model":"m","messages":[{"role":"user"}],"stream_options":1})"),
              StartsWith("stream_options must be"));
  EXPECT_THAT(
      error_of(Dialect::kAnthropic, R"({"model":"m","messages":[{"role":"tool","content":"x"}]})"),
      HasSubstr("unknown role 'tool'"));
}

TEST(DecodeChat, BoundsDepthAndNumberOfValues) {
  const std::string deep = std::string(200, '[') + std::string(200, ']');
  auto chat = decode_chat(Dialect::kOpenAi, R"({"model":"m","messages":[],"x":)" + deep + "}");
  ASSERT_FALSE(chat);
  EXPECT_EQ(chat.error().code, ErrorCode::kTooLarge);
  std::string many = "0";
  for (int i = 0; i < (1 << 20); ++i)
    many += ",0";
  chat = decode_chat(Dialect::kOpenAi, R"({"model":"m","x":[)" + many + "]}");
  ASSERT_FALSE(chat);
  EXPECT_EQ(chat.error().code, ErrorCode::kTooLarge);
}

TEST(DecodeChat, EstimatesTokensWithoutCountingImageBytes) {
  const Chat text =
      decode(Dialect::kOpenAi, R"({"model":"m","messages":[{"role":"user","content":")" +
                                   std::string(4000, 'a') + R"("}]})");
  EXPECT_NEAR(static_cast<double>(text.estimated_input_tokens), 1000 + 13, 3);
  const Chat image = decode(
      Dialect::kAnthropic,
      R"({"model":"m","messages":[{"role":"user","content":[{"type":"image","source":{"data":")" +
          std::string(100'000, 'A') + R"("}}]}]})");
  EXPECT_NEAR(static_cast<double>(image.estimated_input_tokens), 1500 + 15, 5);
}

TEST(EncodeChat, DroppedNamesAreFitForAHeader) {
  std::string members;
  for (int i = 0; i < 100; ++i)
    members += fmt::format(R"(,"x{}\r\n: \u00e9":1)", i);
  const Chat chat =
      decode(Dialect::kOpenAi,
             R"({"model":"m","messages":[{"role":"user","content":"a")" + members + "}]}");
  const auto encoded = encode_chat(chat, {.dialect = Dialect::kAnthropic, .model = "m"});
  ASSERT_TRUE(encoded);
  EXPECT_EQ(encoded->dropped.size(), 32u);
  EXPECT_EQ(encoded->dropped.front(), "messages.x0______");
}

TEST(EncodeChat, SameDialectChangesTheModelOnly) {
  const std::string before =
      "\n{ \"messages\" :[ {\"role\":\"user\",\r\n\"content\":\"\\u00e9\\/\"}"
      ",{\"role\":\"assistant\",\"content\":null,\"x\":{\"k\":1,\"k\":2}}],"
      "\"t\":1.0,\"u\":1e2,\"v\":123456789012345678901234567890,\t\"model\" : ";
  const std::string after = " ,\"max_tokens\":1E1 }\n ";
  for (const Dialect dialect : {Dialect::kOpenAi, Dialect::kAnthropic}) {
    const Chat chat = decode(dialect, before + "\"a\\u0075to\"" + after);
    EXPECT_EQ(chat.model, "auto");
    const auto same = encode_chat(chat, {.dialect = dialect, .model = "auto"});
    ASSERT_TRUE(same);
    EXPECT_EQ(same->body, chat.body->text());
    const auto other = encode_chat(chat, {.dialect = dialect, .model = "m/\"2\""});
    ASSERT_TRUE(other);
    EXPECT_EQ(other->body, before + R"("m/\"2\"")" + after);
    EXPECT_THAT(other->dropped, IsEmpty());
    EXPECT_EQ(other->path, dialect == Dialect::kOpenAi ? "/v1/chat/completions" : "/v1/messages");
    EXPECT_TRUE(check_expressible(chat, dialect));
  }
}

TEST(EncodeChat, AsksForUsageInOpenAiStreamsOnly) {
  const std::string tail = R"("model":"m","messages":[{"role":"user","content":"x"}]})";
  const auto body = [&](const std::string& head, bool add = true) {
    const Chat chat = decode(Dialect::kOpenAi, head + tail);
    const auto encoded =
        encode_chat(chat, {.dialect = Dialect::kOpenAi, .model = "m", .add_stream_usage = add});
    return encoded ? encoded->body : encoded.error().message;
  };
  const std::string on = R"("stream":true,)";
  EXPECT_EQ(body("{"), "{" + tail);
  EXPECT_EQ(body("{ " + on), R"({"stream_options":{"include_usage":true}, )" + on + tail);
  EXPECT_EQ(body("{" + on, false), "{" + on + tail);
  EXPECT_EQ(body("{" + on + R"("stream_options": null ,)"),
            "{" + on + R"("stream_options": {"include_usage":true} ,)" + tail);
  EXPECT_EQ(body("{" + on + R"("stream_options":{ },)"),
            "{" + on + R"("stream_options":{"include_usage":true },)" + tail);
  EXPECT_EQ(body("{" + on + R"("stream_options":{"a":1},)"),
            "{" + on + R"("stream_options":{"include_usage":true,"a":1},)" + tail);
  EXPECT_EQ(body("{" + on + R"("stream_options":{"include_usage":false,"include_usage":false},)"),
            "{" + on + R"("stream_options":{"include_usage":true,"include_usage":true},)" + tail);
  const std::string asked = "{" + on + R"("stream_options":{"include_usage":true},)";
  EXPECT_EQ(body(asked), asked + tail);

  const std::string anthropic = "{" + on + tail;
  const auto encoded = encode_chat(decode(Dialect::kAnthropic, anthropic),
                                   {.dialect = Dialect::kAnthropic, .model = "m"});
  ASSERT_TRUE(encoded);
  EXPECT_EQ(encoded->body, anthropic);
}

// Random JSON in odd but legal spelling.
class BodyMaker {
 public:
  explicit BodyMaker(unsigned seed) : random_(seed) {}

  size_t pick(size_t count) { return random_() % count; }
  std::string space() {
    static constexpr const char* kSpaces[] = {"", "", "", " ", "\n", "\r\n\t", "  "};
    return kSpaces[pick(std::size(kSpaces))];
  }
  std::string value(int depth) {
    static constexpr const char* kScalars[] = {"1.0",         "1e2",
                                               "-0",          "123456789012345678901234567890",
                                               "0.10E-5",     "true",
                                               "null",        "\"\"",
                                               "\"x\"",       "\"\\u0041\\/\\ud83d\\ude00\"",
                                               "\"\\ud800\"", "\"\xC3\xA9\\n\\\"\"",
                                               "[]",          "{}"};
    const size_t kind = depth > 3 ? 0 : pick(4);
    if (kind < 2) return kScalars[pick(std::size(kScalars))];
    std::string out = kind == 2 ? "[" : "{";
    const size_t count = pick(4);
    for (size_t i = 0; i < count; ++i) {
      if (i > 0) out += ",";
      out += space();
      // Nested keys may stand twice.
      if (kind == 3) out += (pick(2) == 0 ? "\"k\"" : "\"\\u006b\"") + space() + ":" + space();
      out += value(depth + 1) + space();
    }
    return out + (kind == 2 ? "]" : "}");
  }

 private:
  std::mt19937 random_;
};

TEST(EncodeChat, SameDialectKeepsEveryOtherByteOfRandomBodies) {
  for (unsigned seed = 0; seed < 3'000; ++seed) {
    BodyMaker make(seed);
    std::vector<std::pair<std::string, std::string>> members = {
        {"\"model\"", "\"auto\""},
        {"\"messages\"", R"([ {"role":"user","content":"hi","x":)" + make.value(0) + "}]"},
        {"\"stream\"", make.pick(2) == 0 ? "true" : "false"}};
    for (size_t i = make.pick(4); i > 0; --i)
      members.push_back({fmt::format("\"f{}\"", i), make.value(0)});
    std::ranges::rotate(members,
                        members.begin() + static_cast<std::ptrdiff_t>(make.pick(members.size())));
    std::string body = make.space() + "{", expected = body;
    const std::string head = body;
    for (size_t i = 0; i < members.size(); ++i) {
      const auto& [key, value] = members[i];
      const std::string before =
          (i > 0 ? "," : "") + make.space() + key + make.space() + ":" + make.space();
      const std::string after = make.space();
      body += before + value + after;
      expected += before + (key == "\"model\"" ? "\"served\"" : value) + after;
    }
    const std::string end = "}" + make.space();
    for (const Dialect dialect : {Dialect::kOpenAi, Dialect::kAnthropic}) {
      const Chat chat = decode(dialect, body + end);
      ASSERT_TRUE(chat.body);
      const auto encoded = encode_chat(chat, {.dialect = dialect, .model = "served"});
      ASSERT_TRUE(encoded);
      std::string wanted = expected + end;
      if (dialect == Dialect::kOpenAi && chat.stream)
        wanted.insert(head.size(), R"("stream_options":{"include_usage":true},)");
      ASSERT_EQ(encoded->body, wanted) << "seed " << seed;
    }
  }
}

}  // namespace
}  // namespace weir::wire
