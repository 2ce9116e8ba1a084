//! Slow senders: they cannot keep others out.

use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use super::*;

/// A receiver with few connections and places.
struct Receiver {
    address: SocketAddr,
    shared: Arc<ReceiverState>,
    stop: watch::Sender<bool>,
    accepting: JoinHandle<()>,
}

/// The limits of a receiver.
struct Limits {
    connections: usize,
    places: usize,
    place_patience: Duration,
    grace: Duration,
}

/// A time that no test waits for.
const FOREVER: Duration = Duration::from_secs(3600);

impl Receiver {
    async fn start(limits: Limits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (writing, _jobs) = tokio::sync::mpsc::channel(1);
        let shared = Arc::new(ReceiverState {
            hosts: HostPolicy::default(),
            connections: Arc::new(Connections::new(limits.connections, limits.grace)),
            places: Semaphore::new(limits.places),
            place_patience: limits.place_patience,
            turns: Semaphore::new(1),
            writing,
            totals_cell: Arc::new(SharedTotals::new(&[])),
            targets: Vec::new(),
        });
        let (stop, stopped) = watch::channel(false);
        let accepting = tokio::spawn(receive::accept(listener, Arc::clone(&shared), stopped));
        Self { address, shared, stop, accepting }
    }

    /// Opens a connection and sends a text.
    async fn connect(&self, text: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        stream
    }

    /// Sends a body that is received completely, and returns the status: 400, since it is no JSON.
    async fn status_of(&self, body: String) -> u16 {
        let request = Request::post_of("/v1/traces", "application/json", body);
        Client::new(self.address, Protocol::Http2).send(request).await.unwrap().finish().await.status
    }

    async fn until(&self, mut is_so: impl FnMut(&ReceiverState) -> bool) {
        while !is_so(&self.shared) {
            tokio::task::yield_now().await;
        }
    }

    async fn stop(self) -> Totals {
        self.stop.send_replace(true);
        self.accepting.await.unwrap();
        self.shared.totals_cell.totals()
    }
}

/// Returns a request whose body lacks its last byte.
fn unfinished(bytes: usize) -> String {
    format!(
        "POST /v1/traces HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{}",
        bytes + 1,
        "x".repeat(bytes)
    )
}

fn large() -> String {
    "x".repeat(receive::SMALL_BODY_BYTES + 1)
}

async fn answer(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    // The peer may reset the connection, as it has not read everything.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_place_no_large_body_is_taken() {
    let limits = Limits { connections: 8, places: 1, place_patience: Duration::ZERO, grace: FOREVER };
    let receiver = Receiver::start(limits).await;
    let place = receiver.shared.places.acquire().await.unwrap();
    let answer = answer(receiver.connect(&unfinished(receive::SMALL_BODY_BYTES + 1)).await).await;
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("retry-after: 5\r\n"), "{answer}");
    assert!(answer.ends_with(r#"{"code":14,"message":"too many requests are coming in"}"#), "{answer}");
    assert_eq!(receiver.shared.totals_cell.totals().unavailable, 1);
    assert_eq!(
        receiver.status_of("x".repeat(receive::SMALL_BODY_BYTES)).await,
        400,
        "a small one needs none"
    );

    drop(place);
    assert_eq!(receiver.status_of(large()).await, 400);
    assert_eq!(receiver.shared.places.available_permits(), 1, "the place is free again");
    assert_eq!(receiver.stop().await.refused, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_bodies_lose_their_places_to_those_that_wait() {
    let limits =
        Limits { connections: 8, places: 2, place_patience: FOREVER, grace: Duration::from_millis(1) };
    let receiver = Receiver::start(limits).await;
    let slow = [
        receiver.connect(&unfinished(receive::SMALL_BODY_BYTES + 1)).await,
        receiver.connect(&unfinished(receive::SMALL_BODY_BYTES + 1)).await,
    ];
    receiver.until(|shared| shared.places.available_permits() == 0).await;
    assert_eq!(receiver.status_of(large()).await, 400);
    for stream in slow {
        let answer = answer(stream).await;
        assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
        assert!(
            answer.ends_with(r#"{"code":14,"message":"the body was slow, and others wait"}"#),
            "{answer}"
        );
    }
    let totals = receiver.stop().await;
    assert_eq!((totals.refused, totals.unavailable, totals.connections_closed), (1, 2, 0));
}

/// Fills all connections with slow senders, and sends with another one.
async fn with_all_connections(text: &str, grace: Duration) {
    let limits = Limits { connections: 4, places: 1, place_patience: FOREVER, grace };
    let receiver = Receiver::start(limits).await;
    let mut slow = Vec::new();
    for _ in 0..4 {
        slow.push(receiver.connect(text).await);
    }
    assert_eq!(receiver.status_of("x".into()).await, 400);
    receiver.until(|shared| shared.totals_cell.totals().connections_closed == 1).await;
    // One was closed, without an answer: it is the only one that ends.
    let mut ends: JoinSet<_> = slow.into_iter().map(answer).collect();
    assert_eq!(ends.join_next().await.unwrap().unwrap(), "");
    assert_eq!(ends.len(), 3);
    ends.shutdown().await;
    let refused = 1 + 3 * bodies(text);
    receiver.until(|shared| shared.totals_cell.totals().refused == refused).await;
    let totals = receiver.stop().await;
    assert_eq!((totals.refused, totals.unavailable, totals.connections_closed), (refused, 0, 1));
}

/// Returns the number of requests of a text, which are refused when their connection ends before their body.
fn bodies(text: &str) -> u64 {
    u64::from(text.contains("\r\n\r\n"))
}

#[tokio::test(flavor = "multi_thread")]
async fn silent_connections_make_room_for_others() {
    with_all_connections("", FOREVER).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unfinished_heads_make_room_for_others() {
    with_all_connections("POST /v1/traces HTTP/1.1\r\nhost: a\r\n", FOREVER).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_bodies_make_room_for_others() {
    with_all_connections(&unfinished(1), Duration::from_millis(1)).await;
}
