#!/usr/bin/env python3
"""Makes the compressed files here, with the reference encoders: zlib, Brotli and Zstandard (pip install brotli zstandard).

The contents are those that `contents.rs` makes. Of an event stream, `cuts.txt` says where each event's flush ended."""

import zlib

import brotli
import zstandard

WORDS = "the of and stream token model usage answer input output data event time way world house".split()


def text(words):
    state, parts = 7, []
    for _ in range(words):
        state = (state * 1103515245 + 12345) % 2**31
        parts.append(WORDS[(state >> 16) % 16])
    return " ".join(parts).encode()


def mixed():
    state, result = 7, bytearray()
    for place in range(9000):
        state = (state * 1103515245 + 12345) % 2**31
        random = state >> 16
        kind = place // 1000 % 3
        if kind == 1:
            result.append(192 + random % 60 if place % 2 == 0 else 128 + random % 60)
        else:
            result.append(32 + random % 90 if kind == 0 else (random % 40 + 236) % 256)
    return bytes(result)


LONG = text(9000) * 2 + b"ab" * 15000 + text(500)
EVENTS = [b'data: {"delta":"%s","n":%d}\n\n' % (text(3 + 40 * n)[-20 - 30 * n :], n) for n in range(6)]


def deflate(bits, level=9):
    return zlib.compressobj(level, zlib.DEFLATED, bits)


def whole(encoder, data):
    return encoder.compress(data) + encoder.flush()


def brotli_whole(data, **options):
    return brotli.compress(data, **options)


cuts = open("cuts.txt", "w")


def write(name, data):
    with open(name, "wb") as file:
        file.write(data)


def stream(name, compress, flush, finish):
    stream, at = b"", []
    for event in EVENTS:
        stream += compress(event) + flush()
        at.append(len(stream))
    write(name, stream + finish())
    print(name, *at, file=cuts)


write("long.gz", whole(deflate(31), LONG))
write("long.zlib", whole(deflate(15, 1), LONG))
write("long.deflate", whole(deflate(-15), LONG))
write("long.br", brotli_whole(LONG, quality=11))
write("long_fast.br", brotli_whole(LONG, quality=4, lgwin=16))
write("long.zst", zstandard.ZstdCompressor(level=19, write_checksum=True).compress(LONG))
fast = zstandard.ZstdCompressor(level=1, write_content_size=False).compressobj()
write("long_fast.zst", whole(fast, LONG))
write("mixed.br", brotli_whole(mixed(), quality=11))
write("mixed_utf8.br", brotli_whole(mixed(), quality=7, mode=brotli.MODE_TEXT))
write("zeros.gz", whole(deflate(31), bytes(3 << 20)))
write("zeros.br", brotli_whole(bytes(3 << 20)))

for name, bits in [("events.gz", 31), ("events.zlib", 15), ("events.deflate", -15)]:
    encoder = deflate(bits)
    stream(name, encoder.compress, lambda: encoder.flush(zlib.Z_SYNC_FLUSH), encoder.flush)
encoder = brotli.Compressor(quality=5)
stream("events.br", encoder.process, encoder.flush, encoder.finish)
encoder = zstandard.ZstdCompressor(level=3, write_checksum=True).compressobj()
stream(
    "events.zst", encoder.compress, lambda: encoder.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK), encoder.flush
)
