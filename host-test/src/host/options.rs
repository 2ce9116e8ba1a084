//! Options of a guest and the proxy around it.

use super::LogLevel;
use crate::proxy_state::SharedProxyState;

/// The options that a guest is started with.
#[derive(Clone)]
pub struct Options {
    /// The plugin's configuration.
    pub configuration: Vec<u8>,
    /// The VM's configuration.
    pub vm_configuration: Vec<u8>,
    /// The VM id. Each id has its own shared data and queues.
    pub vm_id: String,
    /// The proxy that the guest is a worker of. Guests with clones of one state are workers of one proxy.
    pub proxy_state: SharedProxyState,
    /// Maximum bytes of linear memory.
    pub memory_bytes_max: usize,
    /// Maximum fuel for one callback: about one unit per wasm instruction.
    pub fuel_max: u64,
    /// Maximum bytes of a body that the proxy holds for a filter that pauses: Envoy's connection buffer limit.
    pub buffer_bytes_max: usize,
    /// Envoy's setting `allow_on_headers_stop_iteration`. If it is off, a pause at the head also holds the body.
    pub allow_on_headers_stop_iteration: bool,
    /// The seed of random numbers.
    pub seed: u64,
    /// Whether the proxy has data that its workers share. Not every proxy has.
    pub has_shared_data: bool,
    /// The level that the guest reads. Lines below it are recorded anyway.
    pub log_level: LogLevel,
    /// Properties that are visible everywhere: a path with dots, and the value.
    pub properties: Vec<(String, Vec<u8>)>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            configuration: Vec::new(),
            vm_configuration: Vec::new(),
            vm_id: String::new(),
            proxy_state: SharedProxyState::new(),
            memory_bytes_max: 256 * 1024 * 1024,
            fuel_max: 100_000_000_000,
            buffer_bytes_max: 1024 * 1024,
            allow_on_headers_stop_iteration: false,
            seed: 0,
            has_shared_data: true,
            log_level: LogLevel::Info,
            properties: [("plugin_name", "test"), ("plugin_root_id", "")]
                .map(|(path, value)| (path.to_owned(), value.into()))
                .to_vec(),
        }
    }
}

impl Options {
    /// Returns the defaults with this plugin configuration.
    pub fn configured(configuration: impl Into<Vec<u8>>) -> Self {
        Self { configuration: configuration.into(), ..Self::default() }
    }
}
