#!/usr/bin/env python3
"""Turns LiteLLM's price list into src/catalog/table.cc.

    pip download --no-deps litellm==1.109.1
    python3 tools/prices/make_table.py --wheel litellm-1.109.1-*.whl --date 2026-11-23 \
        --out src/catalog/table.cc

The wheel is unzipped in memory and one JSON file is read; nothing of it is installed or run.
Never take 1.82.7, 1.82.8 or 1.107.0. Only the standard library is used. Prices are read as decimal
text and converted to whole pico-dollars a token without passing through a float; a value that is
not a whole number of pico-dollars, or not plausible, is refused with the model's name.
docs/prices.md says what the columns mean.
"""
import argparse
import json
import re
import sys
import zipfile
from decimal import Decimal
from pathlib import Path

MEMBER = "litellm/model_prices_and_context_window_backup.json"
REFUSED_VERSIONS = {"1.82.7", "1.82.8", "1.107.0"}
# Whose chat models are taken, and who wins when two sell one name at different prices: the maker.
PROVIDERS = ["anthropic", "openai", "gemini", "mistral", "deepseek", "xai", "moonshot", "zai",
             "dashscope", "minimax", "cohere_chat", "cerebras", "groq"]
MAKERS = PROVIDERS[:11]
CAPABILITIES = [("t", "supports_function_calling"), ("i", "supports_vision"),
                ("s", "supports_response_schema"), ("r", "supports_reasoning")]
DOLLARS_TO_PICO = Decimal(10) ** 12
# $1 per thousand tokens is far above any model sold; more means a wrong unit in the source.
LARGEST_PICO = 1_000_000_000
TIER = re.compile(r"^input_cost_per_token_above_(\d+)k_tokens$")


class Implausible(ValueError):
    pass


def picodollars(entry, field):
    """The field in pico-dollars, or None when it is missing or zero (which means "not known")."""
    value = entry.get(field)
    if value is None:
        return None
    pico = Decimal(str(value)) * DOLLARS_TO_PICO
    if pico == 0:
        return None
    if pico < 0 or pico > LARGEST_PICO:
        raise Implausible(f"{field} = {value} USD a token")
    if pico != pico.to_integral_value():
        raise Implausible(f"{field} = {value} is not a whole number of pico-dollars")
    return int(pico)


def tier(entry, suffix):
    columns = [picodollars(entry, name + suffix) for name in (
        "input_cost_per_token", "output_cost_per_token", "cache_read_input_token_cost",
        "cache_creation_input_token_cost", "cache_creation_input_token_cost_above_1hr")]
    if columns[0] is None or columns[1] is None:
        return None
    if columns[2] is not None and columns[2] > columns[0]:
        raise Implausible(f"reading the cache{suffix} costs more than plain input")
    return columns


def tiers(entry):
    base = tier(entry, "")
    if base is None:
        return []
    found = [(0, base)]
    lines = sorted(int(m.group(1)) for m in map(TIER.match, entry) if m)
    for thousand in lines:
        columns = tier(entry, f"_above_{thousand}k_tokens")
        if columns is None:
            raise Implausible(f"half a price above {thousand}k tokens")
        found.append((thousand * 1000, columns))
    return found


def whole(entry, *fields):
    for field in fields:
        value = entry.get(field)
        if isinstance(value, (int, Decimal)) and not isinstance(value, bool) and value > 0:
            return int(value)
    return 0


def convert(entry):
    capabilities = "".join(letter for letter, field in CAPABILITIES if entry.get(field) is True)
    context = whole(entry, "max_input_tokens")
    return {
        "context": context,
        "output": whole(entry, "max_output_tokens", "max_tokens"),
        # Without a context window the entry was not filled in: its missing traits say nothing.
        "capabilities": (capabilities or "-") if context else "?",
        "tiers": tiers(entry),
    }


def plain_name(key, provider):
    prefix = {"cohere_chat": "cohere"}.get(provider, provider) + "/"
    return key.removeprefix(prefix)


def collect(prices):
    """-> {name: row}, refusals as text."""
    models, owner, refused = {}, {}, []
    for provider in PROVIDERS:
        for key, entry in prices.items():
            if not isinstance(entry, dict) or entry.get("litellm_provider") != provider:
                continue
            name = plain_name(key, provider)
            if entry.get("mode") != "chat" or not re.fullmatch(r"[A-Za-z0-9._:/@-]{1,64}", name):
                continue
            try:
                row = convert(entry)
            except Implausible as why:
                refused.append(f"{key}: {why}")
                continue
            if not row["tiers"]:
                continue
            if name not in models:
                models[name], owner[name] = row, provider
            elif models[name]["tiers"] != row["tiers"] and owner[name] not in MAKERS:
                refused.append(f"{name}: {owner[name]} and {provider} differ, neither made it")
                del models[name]
    return models, refused


def lines_of(name, row):
    def text(columns):
        return " ".join("-" if c is None else str(c) for c in columns)
    (_, base), *further = row["tiers"]
    yield f"{name} {row['context']} {row['output']} {row['capabilities']} {text(base)}"
    for above, columns in further:
        yield f"+ {above} {text(columns)}"


def render(models, version, date):
    out = [
        "// Generated by tools/prices/make_table.py; do not edit. Facts of a published price list;",
        "// docs/prices.md says from where, and what the columns are.",
        '#include "catalog/table.h"', "", "namespace weir::catalog {", "",
        f'const std::string_view kTableVersion = "litellm {version}, {date}";', "",
        'const std::string_view kTable = R"(',
    ]
    for name in sorted(models):
        out.extend(lines_of(name, models[name]))
    out += [')";', "", "}  // namespace weir::catalog", ""]
    return "\n".join(out)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--wheel", type=Path, required=True)
    parser.add_argument("--date", required=True, help="the day the list was fetched, YYYY-MM-DD")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    version = options.wheel.name.split("-")[1]
    if version in REFUSED_VERSIONS:
        sys.exit(f"litellm {version} is one of the refused versions")
    with zipfile.ZipFile(options.wheel) as wheel:
        prices = json.loads(wheel.read(MEMBER), parse_float=Decimal)
    models, refused = collect(prices)
    for line in refused:
        print("refused:", line, file=sys.stderr)
    if len(models) < 100:
        sys.exit(f"only {len(models)} models: the list has changed its form")
    options.out.write_text(render(models, version, options.date))
    print(f"{len(models)} models of {len(prices)} entries -> {options.out}")


if __name__ == "__main__":
    main()
