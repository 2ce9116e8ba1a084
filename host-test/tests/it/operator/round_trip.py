import json, sys
from grafana_foundation_sdk.cog import encoder, plugins
from grafana_foundation_sdk.models import dashboard

plugins.register_default_plugins()

def lost(before, after, path):
    if isinstance(before, dict):
        if not isinstance(after, dict):
            yield path
            return
        for key, value in before.items():
            if key not in after:
                yield f"{path}.{key}"
            else:
                yield from lost(value, after[key], f"{path}.{key}")
    elif isinstance(before, list):
        if not isinstance(after, list) or len(before) != len(after):
            yield path
            return
        for place, (one, other) in enumerate(zip(before, after)):
            yield from lost(one, other, f"{path}[{place}]")
    elif before != after:
        yield f"{path}: {before!r} became {after!r}"

for name in sys.argv[1:]:
    with open(name, encoding="utf-8") as file:
        before = json.load(file)
    parsed = dashboard.Dashboard.from_json(before)
    after = json.loads(json.dumps(parsed, cls=encoder.JSONEncoder))
    for path in lost(before, after, "$"):
        print(f"{name}: {path}")
