//! How a guest and the proxy around it are set up.

use super::LogLevel;
use crate::proxy_state::SharedProxyState;

/// How a guest is started.
#[derive(Clone)]
pub struct Options {
    /// The plugin's configuration.
    pub configuration: Vec<u8>,
    /// The VM's configuration.
    pub vm_configuration: Vec<u8>,
    /// The VM id: shared data and queues are apart between ids.
    pub vm_id: String,
    /// The proxy that the guest is a worker of. Guests with clones of one state are workers of one proxy.
    pub proxy_state: SharedProxyState,
    /// Most bytes of linear memory.
    pub memory_bytes_max: usize,
    /// Most fuel for one callback: about one unit per wasm instruction.
    pub fuel_max: u64,
    /// Most bytes of a body the proxy holds for a filter that pauses: Envoy's connection buffer limit.
    pub buffer_bytes_max: usize,
    /// Envoy's setting of that name. Without it a pause at the head keeps the body from the filter as well.
    pub allow_on_headers_stop_iteration: bool,
    /// Where random numbers start from.
    pub seed: u64,
    /// Whether the proxy has data that its workers share; not every one has.
    pub has_shared_data: bool,
    /// The level the guest is told; lines below it are recorded all the same.
    pub log_level: LogLevel,
    /// Properties seen from everywhere: a path with dots, and the value.
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
    /// The defaults, with this plugin configuration.
    pub fn configured(configuration: impl Into<Vec<u8>>) -> Self {
        Self { configuration: configuration.into(), ..Self::default() }
    }
}
