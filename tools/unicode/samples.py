"""Texts that try every step of the tokenizer, as bytes (some are not UTF-8 on purpose)."""

import unicodedata

SENTENCES = """\
The quick brown fox jumps over the lazy dog; isn't that unaffable?
What's 12,345.67 * (8 + 9) / 3^2 - 1e-5? Please show your work!!
Привет, как дела? Ёлка и ещё щука — это не одно и то же.
Добрий день! Чи можете ви пояснити, що таке їжак?
今天天气怎么样?請幫我寫一個排序程式。
日本語のテキストをトークンに分割します。カタカナとひらがな、漢字ｶﾅ。
안녕하세요, 오늘 날씨가 어때요? 값 읽다 한국어
مرحبا، كيف حالك؟ هَلْ يُمْكِنُكَ المُساعَدَةُ ١٢٣
שלום, מה שלומך? בְּרֵאשִׁית בָּרָא
नमस्ते, क्या आप मेरी मदद कर सकते हैं? हिन्दी में ज़रूर।
আমি বাংলায় গান গাই। কো কৌ ড় ঢ়
ਸਤ ਸ੍ਰੀ ਅਕਾਲ ਜੀ, ਤੁਸੀਂ ਕਿਵੇਂ ਹੋ?
ગુજરાતી ભાષા કેમ છો?
தமிழ் மொழி எப்படி இருக்கிறீர்கள்? கொ கோ கௌ
తెలుగు భాష ఎలా ఉన్నారు? కై
ಕನ್ನಡ ಹೇಗಿದ್ದೀರಾ? ಕೊ ಕೋ
മലയാളം സുഖമാണോ? കൊ കോ കൌ
සිංහල ඔයාට කොහොමද? කෝ
สวัสดีครับ คุณสบายดีไหม น้ำ ๑๒๓
ສະບາຍດີ ເຈົ້າສະບາຍດີບໍ່
བཀྲ་ཤིས་བདེ་ལེགས། ཀཱི ཀྲྀ
မြန်မာဘာသာ နေကောင်းလား။
ជំរាបសួរ តើអ្នកសុខសប្បាយទេ?
Γειά σου Κόσμε, ΤΙ ΚΑΝΕΙΣ ΟΔΥΣΣΕΥΣ; ᾳ ᾍ ῆ ΐ
Բարև Ձեզ, ինչպե՞ս եք։ և
გამარჯობა, როგორ ხარ? ႠႡႢ ᲐᲑᲒ
ሰላም፣ እንደምን ነህ? ፩፪፫
Xin chào, bạn có khoẻ không? Đường phố Việt Nam rất đẹp.
Çok güzel! İstanbul'da ılık bir gün, ığdır ŞĞÜÖ
Zażółć gęślą jaźń. Příliš žluťoučký kůň úpěl ďábelské ódy.
Straße, GROẞE Füße, Æsir, Œuvre, ﬁne ﬂow, ĳ Ĳ ŉ ǅ ǆ Ǉ
Ȧñ ċöṁḃïṅïṅĝ: e\u0301 o\u0302\u0323 q\u0307\u0323 A\u030a \u212b \u1e9b\u0323
Ελληνικά и кириллица vs Latin — mixed\u00a0scripts\u2009here\u3000now
ᚠᚢᚦᚨᚱᚲ ᛫ runes 𐌰𐌱𐌲 gothic 𐎀𐎁 ugaritic 𒀀𒀁 cuneiform 𓀀𓀁
𝕳𝖊𝖑𝖑𝖔 𝟙𝟚𝟛 ℵ₀ ∑_{i=0}^{n} x² ≤ ∞ ∫ √2 ≠ π ± ∂ ⟨a|b⟩ ½ Ⅳ ①
👩‍👩‍👧‍👦 🏳️‍🌈 👍🏽 🇩🇪🇫🇷 ❤️ ☃️ 🧑🏿‍🚀 #️⃣ 😀😃 text😀text
def f(x: int) -> str:\n\treturn f"{x!r:>10}" if x != 0 else '\\\\0'  # 注释
#include <vector>\ntemplate <class T> T&& go(T&& t) { return static_cast<T&&>(t); }
SELECT COUNT(*) AS n FROM `users` WHERE e_mail LIKE '%@example.com' AND id<>0;
{"role": "user", "content": [{"type": "text", "text": "a\\u00e9\\n"}], "n": -1.5e+10}
https://example.com/path/to/page?q=a%20b&x=1#frag user@host.tld C:\\Temp\\x.txt
ꦲꦸꦏꦫ꧀ ᬅᬓ᭄ᬱᬭ ᮅᮕ᮪ ᯂᯬ᯲ ꥆ꥓ 𑄌𑄋𑄴 𑆐𑇀 𑈀𑈵 𑌕𑍍 𞤀𞤁𞤢𞥄 𞀀𞀁
\u202eright to left\u202c \u200bzero\u200bwidth\u200d \ufeffbom soft\u00adhyphen \u2060
tab\tnew\nline\rreturn\x0bvt\x0cff\x85nel\x00nul\x7fdel\u2028ls\u2029ps\u1680og\u180emvs
""".splitlines()
SENTENCES = [sentence.replace("\\n", "\n").replace("\\t", "\t") for sentence in SENTENCES]

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[cls]", "[UNK", "UNK]", "[[UNK]]", "[MASK",
           "[U\u0000NK]", "[unused0]", "[ MASK ]", "[CL\u200bS]"]
# Marks that stay (several canonical classes), marks that go, and marks that go but end a run.
MARKS = [chr(c) for c in (
    0x302E, 0x302F, 0x1B44, 0x1BAA, 0x1BF2, 0x08D4, 0x08D6, 0x08E0, 0x1DFB, 0x1D165, 0x1D16E,
    0x1D16D, 0x1E000, 0x1E02A, 0x1E944, 0x1E94A, 0x11442, 0x11446, 0xA953, 0xA9C0,
    0x0301, 0x0323, 0x034F, 0x0345, 0x0900, 0x0941, 0x093C, 0x094D, 0x3099, 0x309A, 0x05B0, 0x0651,
    0x200B, 0x200D, 0xFE0F, 0x20DD, 0x1D15E, 0x1D160, 0x0DDD, 0x0DCF, 0x0CCB)]
ILL_FORMED = [b"\x80", b"\xbf\xbf", b"\xc0\xaf", b"\xc1", b"\xc3", b"\xe0\x80\x80", b"\xe0\xa0",
              b"\xe2\x82", b"\xed\xa0\x80", b"\xed\xbf\xbf", b"\xed\xa0\xbd\xed\xb8\x80", b"\xf0\x9f",
              b"\xf0\x9f\x98", b"\xf0\x80\x80\x80", b"\xf4\x90\x80\x80", b"\xf5", b"\xf8\x88\x80\x80",
              b"\xff", b"\xfe\xff", b"\xef\xbf\xbd", b"\xef\xbf", b"\xe4\xb8", b"\xcc"]


def boundary_chars():
    """Both sides of every change of the general category, and every letter with a lower case."""
    chars, last = [], None
    for code in range(0x110000):
        char = chr(code)
        category = unicodedata.category(char)
        if category == "Cs":
            continue
        if category != last:
            chars += [chr(code - 1)] if code and not 0xDC00 <= code - 1 <= 0xDFFF else []
            chars.append(char)
        last = category
    return chars


def boundary_texts(per_text=4):
    chars = boundary_chars()
    for start in range(0, len(chars), per_text):
        yield " ".join(f"ab{c}cd {c}" for c in chars[start:start + per_text]).encode()


def length_texts():
    """Words around the limit of 100 characters."""
    for unit in ("a", "z", "é", "e\u0301", "ß", "я", "한", "ア", "a\u200b", "\u302e", "𝕏", "ab", "##"):
        for count in (1, 49, 50, 51, 98, 99, 100, 101, 102, 200):
            yield (unit * count).encode()
            yield f"x {unit * count} y-{unit * count}.".encode()
    for count in (99, 100, 101):
        yield ("a" * count + "\u302e\u1b44").encode()
        yield ("a" * (count - 2) + "\u302e\u0301\u1b44").encode()
        yield ("a" * 50 + "[CLS]" + "a" * count).encode()
        yield ("a" * 50 + "中" + "a" * count).encode()
        yield ("a" * 50 + "\xad" * 60 + "a" * (count - 50)).encode()


def random_char(rng):
    kind = rng.random()
    if kind < 0.35:
        return chr(rng.randrange(0x20, 0x7F))
    if kind < 0.6:
        return chr(rng.randrange(0x80, 0x3100))
    if kind < 0.75:
        return rng.choice(MARKS)
    code = rng.randrange(0x110000)
    return chr(code) if not 0xD800 <= code <= 0xDFFF else "\ufffd"


def random_sentence(rng):
    sentence = rng.choice(SENTENCES)
    start = rng.randrange(len(sentence))
    return sentence[start:start + rng.randrange(1, 80)]


def random_piece(rng):
    kind = rng.randrange(9)
    if kind == 0:
        return "".join(random_char(rng) for _ in range(rng.randrange(1, 12))).encode()
    if kind == 1:
        return ("o" + "".join(rng.choice(MARKS) for _ in range(rng.randrange(1, 9)))).encode()
    if kind == 2:
        return rng.choice(SPECIAL).encode()
    if kind == 3:
        return rng.choice(ILL_FORMED)
    if kind == 4:
        return (random_char(rng) * rng.choice((1, 2, 3, 98, 99, 100, 101))).encode()
    text = random_sentence(rng)
    if kind == 5:
        text = text.upper()
    if kind == 6:
        text = unicodedata.normalize("NFD", text)
    data = text.encode()
    if kind == 7 and data:
        at = rng.randrange(len(data))
        return data[:at] + bytes([rng.randrange(256)]) + data[at + 1:]
    return data


def random_text(rng):
    count = rng.choice((1, 1, 2, 3, 5, 8))
    separator = rng.choice((b"", b" ", b"\n", b"\t", b"-", "\u00a0".encode()))
    return separator.join(random_piece(rng) for _ in range(count))


def random_texts(rng, count):
    return [random_text(rng) for _ in range(count)]


def long_texts(rng, count):
    """More than 512 tokens."""
    return [b" ".join(random_text(rng) for _ in range(100)) for _ in range(count)]


def fixed_texts():
    yield b""
    yield b" "
    yield from (sentence.encode() for sentence in SENTENCES)
    yield from (sentence.upper().encode() for sentence in SENTENCES)
    yield from (unicodedata.normalize("NFD", sentence).encode() for sentence in SENTENCES)
    for special in SPECIAL:
        for pattern in ("{}", "x{}a", "a {} b", "{0}{0}", "é{}\u0301", "\u302e{}\u1b44"):
            yield pattern.format(special).encode()
    for bad in ILL_FORMED:
        for before, after in ((b"", b""), (b"ab", b"cd"), (b"e", b"\xcc\x81"), (b"\xe4\xb8\xad", b" x")):
            yield before + bad + after
    for word in ("unaffable", "banana", "nanana", "Hello!?", "\u00e9", "\u00df", "\u1e9e", "\u0130",
                 "Σ", "ΣΑΣ", "\u0085", "a\u0085b", "a\u000bb", "don't", "...", "_a_", "$5", "`", "´"):
        yield word.encode()
    yield from length_texts()
    yield from boundary_texts()
