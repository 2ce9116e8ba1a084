"""Prints what `genai-prices` itself says that exchanges cost, one JSON object a line, for every model it knows.

`{"provider", "model", "tokens": {class: count}, "dollars"}`; `dollars` is null where it knows no such model.
The day comes as the one argument; prices are those of its noon, as in export.py.
"""

import decimal
import json
import re
import sys
from datetime import UTC, date, datetime, time

import genai_prices
from genai_prices.data import providers

# Our classes and what the package counts them as. It wants a class to have those of its parts in it, as we do.
KEYS = {
    'input': 'input_tokens',
    'cached_input': 'cache_read_tokens',
    'cache_write': 'cache_write_tokens',
    'cache_write_1h': 'cache_write_1h_tokens',
    'audio_input': 'input_audio_tokens',
    'cached_audio_input': 'cache_audio_read_tokens',
    'image_input': 'input_image_tokens',
    'cached_image_input': 'cache_image_read_tokens',
    'video_input': 'input_video_tokens',
    'output': 'output_tokens',
    'reasoning': 'output_reasoning_tokens',
    'citation': 'output_citation_tokens',
    'audio_output': 'output_audio_tokens',
    'image_output': 'output_image_tokens',
    'video_output': 'output_video_tokens',
}

# Sizes without a common factor, so that no two mistakes cancel out.
EVERY_CLASS = {
    'cached_input': 101,
    'cache_write': 67,
    'cache_write_1h': 29,
    'audio_input': 59,
    'cached_audio_input': 13,
    'output': 997,
    'reasoning': 211,
    'audio_output': 83,
}
REST = {'image_input': 43, 'cached_image_input': 17, 'video_input': 31, 'citation': 37, 'image_output': 41, 'video_output': 47}


def usages(model, now):
    yield {}
    yield {'input': 1}
    yield {'output': 1}
    yield {'input': 1009, 'output': 503}
    yield {'input': 1009, 'cached_input': 1009}
    yield {'input': 1009, 'cached_input': 400, 'output': 503}
    yield {'input': 1009, 'cache_write': 300, 'output': 503}
    yield {'input': 1009, 'cache_write': 300, 'cache_write_1h': 300, 'output': 503}
    yield {'input': 1009, 'cached_input': 400, 'cache_write': 300, 'cache_write_1h': 100, 'output': 503}
    yield {'input': 1009, 'audio_input': 1000, 'output': 503, 'audio_output': 500}
    yield {'input': 1009, 'output': 503, 'reasoning': 503}
    starts = {0, 1_000_003}
    for price in model.get_prices(now).__dict__.values():
        starts.update(tier.start for tier in getattr(price, 'tiers', ()))
    for start in sorted(starts):
        for size in (start, start + 1):
            yield {'input': size, 'output': 3}
            if size > 1000:
                yield {'input': size, **EVERY_CLASS}
                yield {'input': size, **EVERY_CLASS, **REST}


def samples(clause):
    """Names that a clause was written for, and names beside them."""
    (field, value), = vars(clause).items()
    if isinstance(value, list):
        for inner in value:
            yield from samples(inner)
    elif field == 'regex':
        for literal in re.split(r'\(\?!.*', value)[:1]:
            plain = re.sub(r'\((\S*?)\)\?', r'\1', literal.strip('^$'))
            plain = re.sub(r'\\d(\{\d\})?', lambda found: '2' * int((found[1] or '{1}')[1:-1]), plain)
            plain = re.sub(r'\[(.)[^]]*\]', r'\1', plain.replace('\\[', '<')).replace('<', '[')
            plain = plain.replace('\\', '')
            yield from (plain, plain[:-1], plain + 'x', plain + '2')
    else:
        yield from (value, value.upper(), value[:-1], f'x{value}', f'{value}x', f'x{value}x')
        yield from (f'{value}-tts', f'{value}-2222', f'{value}-20260131', f'{value}-20260131:x')
        yield re.sub(r'-(20\d\d)-(\d\d)-(\d\d)', r'-\1\2\3', value)


def main():
    decimal.getcontext().prec = 80
    now = datetime.combine(date.fromisoformat(sys.argv[1]), time(12), UTC)

    def say(provider, name, tokens):
        counts = {key: tokens.get(our, 0) for our, key in KEYS.items()}
        try:
            known = genai_prices.calc_price(
                genai_prices.Usage(**counts), name, provider_id=provider.id, genai_request_timestamp=now
            )
            dollars = format(known.total_price, 'f')
        except LookupError:
            dollars = None
        print(json.dumps({'provider': provider.id, 'model': name, 'tokens': tokens, 'dollars': dollars}))

    for provider in providers:
        seen = set()
        for model in provider.models:
            names = [name for name in dict.fromkeys([model.id, *samples(model.match)]) if name]
            own = (name for name in names if provider.find_model(name, all_providers=providers) is model)
            # A model that a former one hides cannot be asked for.
            for name in [next(own, None)]:
                for tokens in usages(model, now) if name else ():
                    say(provider, name, tokens)
            for name in names:
                if name not in seen:
                    say(provider, name, {'input': 1009, **EVERY_CLASS})
                seen.add(name)


main()
