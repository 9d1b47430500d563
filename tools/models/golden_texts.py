"""Composes texts for golden files from word lists of our own: sentences, requests, code, numbers,
many scripts, odd punctuation. Seeded; nothing is copied from a data set."""

import random

PEOPLE = (
    "Ana,Bashir,Chidi,Dolores,Emre,Freya,Goran,Hanae,"
    "Ines,Jorge,Kwame,Léa,Mirela,Nils,Oyelaran,Priya"
).split(",")
PLACES = (
    "the harbour,a railway station,Lisbon,the old observatory,a bakery in Graz,"
    "the reading room,Nairobi,"
    "the tide pools,an airport hotel,the county archive,Ålesund,the greenhouse"
).split(",")
THINGS = (
    "invoice,lighthouse,bicycle,spreadsheet,telescope,sourdough starter,passport,"
    "thermostat,violin,river delta,"
    "compiler,mortgage,vaccine,satellite,glossary,tax return,solar panel,"
    "database index,chess opening,umbrella"
).split(",")
ADJECTIVES = (
    "broken,unusual,overdue,translucent,second-hand,reliable,noisy,forgotten,"
    "expensive,half-finished,ancient,"
    "well-documented,microscopic,controversial"
).split(",")
VERBS = (
    "repaired,photographed,misplaced,refactored,borrowed,described,auctioned,"
    "calibrated,ignored,measured,"
    "postponed,translated,inherited,optimised"
).split(",")
REASONS = (
    "because the forecast changed,although nobody had asked,before the bank closed,"
    "after two failed attempts,"
    "while the kettle boiled,so that the audit could start,"
    "unless the warranty covers it,as the manual suggests"
).split(",")
REQUESTS = (
    "Explain how a {a} {t} works to a ten-year-old.|Could you compare a {t} with a {t2}, please?|"
    "Write a polite e-mail to {p} about the {a} {t}.|"
    "What is the capital cost of {n} {t}s at ${m} each?|"
    "Summarise in {n} words why {p} {v} the {t}.|Is it safe to leave a {t} near {l}?|"
    "List {n} synonyms of '{a}' and use each in a sentence.|"
    "My {t} shows error {m}; what should I do first?|"
    'Translate "the {a} {t}" into French, German and Swahili.|'
    "Prove that {n}^2 + {m} is not divisible by {n}."
).split("|")
CODE = (
    "for (int i = 0; i < {n}; ++i) { total_{n} += rows[i] * {m}; }|"
    "def f_{n}(xs: list[int]) -> int:\n    return sum(x % {m} for x in xs if x > {n})|"
    "SELECT name, COUNT(*) FROM t{n} WHERE price >= {m}.50 GROUP BY name;|"
    '{"id": {n}, "tags": ["a_b", "c-d"], "ok": true, "ratio": {m}e-3}|'
    "curl -X POST http://localhost:{m}/v{n}/items -H 'Accept: */*'|"
    "Traceback: IndexError at line {m}, column {n}: list index out of range|"
    'fn main() -> Result<(), Error> { println!("{n:?}"); Ok(()) } // see #{m}'
).split("|")
SCRIPTS = (
    "Où est la bibliothèque la plus proche ?|¿Cuánto cuesta el billete de ida y vuelta?|"
    "Straße, Größe und Übermut – drei Wörter|Где находится ближайшая аптека?|Πού είναι ο σταθμός;|"
    "今日は天気がいいですね。|这本书多少钱？|오늘 회의는 몇 시에 시작합니까?|متى يفتح المتحف؟|आज मौसम कैसा है?|"
    "İstanbul'da kaç köprü var?|Zażółć gęślą jaźń|naïve café résumé coöperate|ＦＵＬＬ ｗｉｄｔｈ １２３|"
    "👩‍🔬 tested 🧪 twice 👍🏽|ﬁne ﬂour Ⅷ ½ ² € £ ¥|zero\u200bwidth soft\u00adhyphen e\u0301 combining"
).split("|")
MATHS = [
    "∫_0^{n} x^2 dx = {n}³/3",
    "If {n}x + {m} = 0 then x = -{m}/{n} ≈ …",
    "∀ε>0 ∃δ>0 such that |x−{n}| < δ implies |f(x)−{m}| < ε",
    "{n} + {m} × 7 − 3 ÷ 2 = ?",
]


def _fill(pattern: str, rng: random.Random) -> str:
    values = {
        "{p}": rng.choice(PEOPLE),
        "{l}": rng.choice(PLACES),
        "{t}": rng.choice(THINGS),
        "{t2}": rng.choice(THINGS),
        "{a}": rng.choice(ADJECTIVES),
        "{v}": rng.choice(VERBS),
        "{n}": str(rng.randint(2, 99)),
        "{m}": str(rng.randint(100, 99999)),
        "{r}": rng.choice(REASONS),
    }
    for key, value in values.items():
        pattern = pattern.replace(key, value)
    return pattern


def _sentence(rng: random.Random) -> str:
    pattern = rng.choice(
        [
            "{p} {v} the {a} {t} at {l} {r}.",
            "At {l}, {p} {v} a {t} and a {a} {t2} {r}!",
            "The {t} was {a}; {p} {v} it {r}.",
            "Nobody at {l} knew why the {a} {t} was {v} {n} times {r}.",
            'it was {a} ... {p} said: "{v} by {m} people, {r}"',
        ]
    )
    return _fill(pattern, rng)


def compose(count: int, seed: int) -> list[str]:
    """`count` different texts of 1 to about 400 tokens."""
    rng = random.Random(seed)
    texts: dict[str, None] = {}
    while len(texts) < count:
        kind = rng.random()
        if kind < 0.35:
            text = " ".join(_sentence(rng) for _ in range(rng.choice([1, 1, 2, 3, 6, 14])))
        elif kind < 0.60:
            text = _fill(rng.choice(REQUESTS), rng)
        elif kind < 0.75:
            text = "\n".join(_fill(rng.choice(CODE), rng) for _ in range(rng.choice([1, 2, 4])))
        elif kind < 0.87:
            text = " ".join(
                [rng.choice(SCRIPTS), _sentence(rng), rng.choice(SCRIPTS)][: rng.randint(2, 3)]
            )
        elif kind < 0.95:
            text = _fill(rng.choice(MATHS), rng)
        else:
            text = rng.choice([rng.choice(THINGS), rng.choice(PEOPLE).upper(), _fill("{m}", rng)])
        texts[text] = None
    return list(texts)
