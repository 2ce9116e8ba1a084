//! The scanner alone: the speed at which it skips unwanted values and finds wanted ones.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use llm_gauge_engine::scan::{At, Json, NodeId, Paths, Scalar, Sink};

/// A sink that counts scalars.
struct Counter(u64);

impl Sink for Counter {
    fn open(&mut self, _node: NodeId, _at: At) {
        self.0 += 1;
    }

    fn scalar(&mut self, _node: NodeId, _at: At, _value: Scalar<'_>) {
        self.0 += 1;
    }

    fn flow(&mut self, _node: NodeId, _at: At, _piece: &[u8]) {}
}

fn scan(c: &mut Criterion) {
    let text = format!(r#"{{"content":"{}","usage":{{"tokens":7}}}}"#, "plain text ".repeat(6_000));
    let escaped = format!(r#"{{"content":"{}","usage":{{"tokens":7}}}}"#, r#"a\n\"b\" "#.repeat(6_000));
    let numbers = format!(r#"{{"data":[{}1],"usage":{{"tokens":7}}}}"#, "0.0123456,".repeat(6_000));
    let structure = format!(r#"{{"data":[{}1],"usage":{{"tokens":7}}}}"#, r#"{"a":[null]},"#.repeat(6_000));
    let mut paths = Paths::default();
    paths.add("usage.tokens", 0, 0, false);
    let mut group = c.benchmark_group("scan");
    for (name, document) in
        [("text", text), ("escaped", escaped), ("numbers", numbers), ("structure", structure)]
    {
        group.throughput(Throughput::Bytes(document.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let (mut json, mut found) = (Json::default(), Counter(0));
                let rest = json.feed(black_box(document.as_bytes()), &paths, &mut found);
                assert_eq!((rest, json.is_done(), found.0), (Ok(&b""[..]), true, 1));
            });
        });
    }
}

criterion_group!(benches, scan);
criterion_main!(benches);
