"""Prints what `genai-prices` knows as JSON: each model's names, and its prices at noon UTC of a day.

Run by `cargo gauge prices` with the package's own Python. Prices are printed as text, never as floats.
The day comes as the one argument, YYYY-MM-DD; without it today (UTC) is taken.
"""

import dataclasses
import json
import sys
from datetime import UTC, date, datetime, time
from decimal import Decimal

import genai_prices
from genai_prices import types
from genai_prices.data import providers


def clause(match):
    ((name, value),) = ((field.name, getattr(match, field.name)) for field in dataclasses.fields(match))
    if isinstance(value, list):
        value = [clause(inner) for inner in value]
    return {name.rstrip('_'): value}


def text(amount):
    plain = format(amount, 'f')
    return plain.rstrip('0').rstrip('.') if '.' in plain else plain


def price(value):
    if isinstance(value, Decimal):
        return [text(value)]
    return [text(value.base), *(item for tier in value.tiers for item in (tier.start, text(tier.price)))]


def model(known, now):
    listed = known.prices if isinstance(known.prices, list) else []
    limits = [listed.constraint for listed in listed]
    starts = [limit.start_date for limit in limits if isinstance(limit, types.StartDateConstraint)]
    return {
        'id': known.id,
        'match': clause(known.match),
        'prices': {key: price(value) for key, value in known.get_prices(now).__dict__.items() if value is not None},
        'next': min((str(start) for start in starts if start > now.date()), default=None),
        'by_time': any(isinstance(limit, types.TimeOfDateConstraint) for limit in limits),
        'by_tier': bool(known.price_variants),
    }


def main():
    try:
        day = date.fromisoformat(sys.argv[1]) if len(sys.argv) > 1 else datetime.now(UTC).date()
    except ValueError as error:
        sys.exit(f'{sys.argv[1]} is no day: {error}')
    now = datetime.combine(day, time(12), UTC)
    known = [
        {
            'id': provider.id,
            'fallback': provider.fallback_model_providers or [],
            'models': [model(known, now) for known in provider.models],
        }
        for provider in providers
    ]
    json.dump({'version': genai_prices.__version__, 'date': str(day), 'providers': known}, sys.stdout)


main()
