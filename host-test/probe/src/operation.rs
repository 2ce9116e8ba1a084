//! Scripts, and the operations in them.

use std::time::{Duration, UNIX_EPOCH};

use proxy_wasm::hostcalls;
use proxy_wasm::types::{BufferType, LogLevel, MapType, MetricType};

/// The result of a phase of a script.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Continue; accept; done.
    Go,
    /// Pause; refuse; not done yet.
    Stop,
}

/// The commands of each phase.
#[derive(Default)]
pub(crate) struct Script(Vec<(String, Vec<String>)>);

impl Verdict {
    pub(crate) fn accepted(self) -> bool {
        self == Self::Go
    }
}

impl Script {
    pub(crate) fn parse(text: &[u8]) -> Self {
        let text = String::from_utf8_lossy(text);
        let commands = text.split(';').filter_map(|command| {
            let mut words = command.split_whitespace().map(str::to_owned);
            Some((words.next()?, words.collect()))
        });
        Self(commands.collect())
    }

    /// Runs the commands of one phase, in order.
    pub(crate) fn run(&self, phase: &str) -> Verdict {
        let mut verdict = Verdict::Go;
        for (_, words) in self.0.iter().filter(|(of, _)| of == phase) {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            if let ["stop"] = words[..] {
                verdict = Verdict::Stop;
                continue;
            }
            if let Some(answer) = perform(&words) {
                say(words[0], answer);
            }
        }
        verdict
    }
}

/// Logs the answer of an operation.
pub(crate) fn say(operation: &str, answer: String) {
    let line = format!("{operation} = {answer}");
    let _ = hostcalls::log(LogLevel::Info, &line);
}

fn perform(words: &[&str]) -> Option<String> {
    stream(words).or_else(|| shared(words)).or_else(|| system(words))
}

fn stream(words: &[&str]) -> Option<String> {
    Some(match *words {
        ["get", map, key] => show(hostcalls::get_map_value_bytes(map_type(map), key)),
        ["pairs", map] => show(hostcalls::get_map_bytes(map_type(map)).map(|all| all.len())),
        ["set", map, key, value] => show(hostcalls::set_map_value(map_type(map), key, Some(value))),
        ["remove", map, key] => show(hostcalls::set_map_value(map_type(map), key, None)),
        ["add", map, key, value] => show(hostcalls::add_map_value(map_type(map), key, value)),
        ["only", map, key, value] => show(hostcalls::set_map(map_type(map), vec![(key, value)])),
        ["read", buffer, start, max] => {
            show(hostcalls::get_buffer(buffer_type(buffer), number(start), number(max)))
        }
        ["write", buffer, start, size, ref text @ ..] => {
            let text = text.concat();
            let kind = buffer_type(buffer);
            show(hostcalls::set_buffer(kind, number(start), number(size), text.as_bytes()))
        }
        ["property", path] => show(hostcalls::get_property(path.split('.').collect())),
        ["state", key, value] => show(hostcalls::set_property(vec![key], Some(value.as_bytes()))),
        ["reply", status, ref body @ ..] => {
            let body = body.concat();
            let headers = vec![("x-by", "probe")];
            let status = number(status) as u32;
            show(hostcalls::send_http_response(status, headers, Some(body.as_bytes())))
        }
        ["resume", "request"] => show(hostcalls::resume_http_request()),
        ["resume", "response"] => show(hostcalls::resume_http_response()),
        ["reset", "request"] => show(hostcalls::reset_http_request()),
        ["reset", "response"] => show(hostcalls::reset_http_response()),
        _ => return None,
    })
}

fn shared(words: &[&str]) -> Option<String> {
    Some(match *words {
        ["define", kind, name] => show(hostcalls::define_metric(metric_type(kind), name)),
        ["increment", id, offset] => {
            let offset = offset.parse().unwrap_or(0);
            show(hostcalls::increment_metric(number(id) as u32, offset))
        }
        ["record", id, value] => show(hostcalls::record_metric(number(id) as u32, number(value) as u64)),
        ["value", id] => show(hostcalls::get_metric(number(id) as u32)),
        ["data", key] => match hostcalls::get_shared_data(key) {
            Ok((value, cas)) => format!("{} {cas:?}", show_value(value)),
            Err(status) => format!("{status:?}"),
        },
        ["store", key, value, cas] => {
            let cas = Some(number(cas) as u32);
            show(hostcalls::set_shared_data(key, Some(value.as_bytes()), cas))
        }
        ["register", name] => show(hostcalls::register_shared_queue(name)),
        ["resolve", vm, name] => show(hostcalls::resolve_shared_queue(vm, name)),
        ["push", id, item] => {
            let item = Some(item.as_bytes());
            show(hostcalls::enqueue_shared_queue(number(id) as u32, item))
        }
        ["pop", id] => match hostcalls::dequeue_shared_queue(number(id) as u32) {
            Ok(item) => show_value(item),
            Err(status) => format!("{status:?}"),
        },
        ["call", cluster, path, timeout_ms, ref body @ ..] => {
            let headers = vec![(":method", "POST"), (":path", path), (":authority", "x")];
            let timeout = Duration::from_millis(number(timeout_ms) as u64);
            let body = body.concat();
            let body = Some(body.as_bytes());
            show(hostcalls::dispatch_http_call(cluster, headers, body, vec![("t", "1")], timeout))
        }
        ["call_without_path", cluster] => show(hostcalls::dispatch_http_call(
            cluster,
            vec![(":method", "GET")],
            None,
            Vec::new(),
            Duration::ZERO,
        )),
        _ => return None,
    })
}

fn system(words: &[&str]) -> Option<String> {
    Some(match *words {
        ["level"] => show(hostcalls::get_log_level()),
        ["time"] => show(hostcalls::get_current_time().map(|time| {
            let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
            since.as_nanos()
        })),
        ["clock", id] => wasi::clock(number(id) as u32),
        ["random", size] => wasi::random(number(size)),
        ["print", file, text] => wasi::print(number(file) as u32, text),
        ["environment"] => wasi::environment(),
        ["exit", code] => wasi::exit(number(code) as u32),
        ["tick", period_ms] => {
            show(hostcalls::set_tick_period(Duration::from_millis(number(period_ms) as u64)))
        }
        ["effective", id] => show(hostcalls::set_effective_context(number(id) as u32)),
        ["say_done"] => show(hostcalls::done()),
        ["foreign", name] => show(hostcalls::call_foreign_function(name, Some(b"arguments"))),
        ["grpc"] => show(hostcalls::dispatch_grpc_call("c", "s", "m", Vec::new(), None, Duration::ZERO)),
        ["status"] => show(hostcalls::get_grpc_status()),
        ["panic", ref text @ ..] => panic!("{}", text.join(" ")),
        ["grow", bytes] => {
            let grown = vec![1_u8; number(bytes)];
            std::hint::black_box(&grown).len().to_string()
        }
        ["spin"] => loop {
            std::hint::black_box(());
        },
        ["burn", rounds] => {
            let total = (0..number(rounds)).fold(0, |sum, n| std::hint::black_box(sum ^ n));
            total.to_string()
        }
        _ => panic!("no such operation: {words:?}"),
    })
}

/// WASI functions that the filter imports itself, since the SDK does not import them.
mod wasi {
    #[link(wasm_import_module = "wasi_snapshot_preview1")]
    unsafe extern "C" {
        fn clock_time_get(id: u32, precision: u64, time: *mut u64) -> u32;
        fn random_get(at: *mut u8, size: usize) -> u32;
        fn fd_write(file: u32, list: *const [usize; 2], count: usize, written: *mut usize) -> u32;
        fn environ_sizes_get(count: *mut usize, size: *mut usize) -> u32;
        fn proc_exit(code: u32) -> !;
    }

    pub(super) fn clock(id: u32) -> String {
        let mut time = 0;
        // SAFETY: the host writes 8 bytes at an address with room for 8 bytes.
        let errno = unsafe { clock_time_get(id, 1, &mut time) };
        format!("{errno} {time}")
    }

    pub(super) fn print(file: u32, text: &str) -> String {
        let mut written = 0;
        let half = text.len() / 2;
        let list = [[text.as_ptr() as usize, half], [text.as_ptr() as usize + half, text.len() - half]];
        // SAFETY: both entries of the list lie within `text`, which outlives the call.
        let errno = unsafe { fd_write(file, list.as_ptr(), list.len(), &mut written) };
        format!("{errno} {written}")
    }

    pub(super) fn environment() -> String {
        let (mut count, mut size) = (9, 9);
        // SAFETY: both addresses are live numbers of the width that the host writes.
        let errno = unsafe { environ_sizes_get(&mut count, &mut size) };
        format!("{errno} {count} {size}")
    }

    pub(super) fn exit(code: u32) -> ! {
        // SAFETY: the function takes a plain number and does not return.
        unsafe { proc_exit(code) }
    }

    pub(super) fn random(size: usize) -> String {
        let mut bytes = vec![0; size];
        // SAFETY: the host writes `size` bytes at an address with room for `size` bytes.
        let errno = unsafe { random_get(bytes.as_mut_ptr(), size) };
        format!("{errno} {bytes:02x?}")
    }
}

trait LogValue {
    fn to_log(self) -> String;
}

fn show<T: LogValue, E: std::fmt::Debug>(result: Result<T, E>) -> String {
    match result {
        Ok(value) => value.to_log(),
        Err(status) => format!("{status:?}"),
    }
}

fn show_value(value: Option<Vec<u8>>) -> String {
    value.map_or("None".to_owned(), |bytes| bytes.escape_ascii().to_string())
}

impl LogValue for () {
    fn to_log(self) -> String {
        "Ok".to_owned()
    }
}

impl LogValue for Option<Vec<u8>> {
    fn to_log(self) -> String {
        show_value(self)
    }
}

macro_rules! logged_by_debug {
    ($($kind:ty),*) => {$(
        impl LogValue for $kind {
            fn to_log(self) -> String {
                format!("{self:?}")
            }
        }
    )*};
}

logged_by_debug!(usize, u32, u64, u128, LogLevel, Option<u32>, (u32, Option<String>));

fn number(word: &str) -> usize {
    match word {
        "max" => usize::MAX,
        _ => word.parse().unwrap_or_else(|_| panic!("not a number: {word}")),
    }
}

fn map_type(word: &str) -> MapType {
    match word {
        "request" => MapType::HttpRequestHeaders,
        "request_trailers" => MapType::HttpRequestTrailers,
        "response" => MapType::HttpResponseHeaders,
        "response_trailers" => MapType::HttpResponseTrailers,
        "answer" => MapType::HttpCallResponseHeaders,
        "answer_trailers" => MapType::HttpCallResponseTrailers,
        _ => panic!("no such map: {word}"),
    }
}

fn buffer_type(word: &str) -> BufferType {
    match word {
        "request" => BufferType::HttpRequestBody,
        "response" => BufferType::HttpResponseBody,
        "answer" => BufferType::HttpCallResponseBody,
        "vm" => BufferType::VmConfiguration,
        "plugin" => BufferType::PluginConfiguration,
        "downstream" => BufferType::DownstreamData,
        _ => panic!("no such buffer: {word}"),
    }
}

fn metric_type(word: &str) -> MetricType {
    match word {
        "counter" => MetricType::Counter,
        "gauge" => MetricType::Gauge,
        "histogram" => MetricType::Histogram,
        _ => panic!("no such kind of metric: {word}"),
    }
}
