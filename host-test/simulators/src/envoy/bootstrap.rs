//! Variants of the shipped `envoy/bootstrap.yaml`: tests run the file that operators copy, except for a few values.
//!
//! Every change names an entry that has to exist, so a rename in the shipped file is an error and not a test of
//! something else. Envoy also reads JSON, so a variant is written as JSON.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use hyper::Uri;
use serde_json::{Value, json};

use crate::load::Protocol;
use crate::workspace::workspace_dir;

/// The connection manager, which holds the routes, the filters and the access log.
const MANAGER: &str = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config";

/// A bootstrap that can be changed in the places that an operator would change.
#[derive(Clone, Debug)]
pub struct Bootstrap {
    document: Value,
}

impl Bootstrap {
    /// Returns the shipped file unchanged.
    pub fn shipped() -> Result<Self> {
        Ok(Self { document: read("bootstrap.yaml")? })
    }

    /// Returns the whole document, for values without a method here.
    #[must_use]
    pub fn document(&self) -> &Value {
        &self.document
    }

    /// Applies any other change.
    #[must_use]
    pub fn changed(mut self, change: impl FnOnce(&mut Value)) -> Self {
        change(&mut self.document);
        self
    }

    /// Sets the path of the plugin's wasm file.
    pub fn filter(mut self, wasm: &Path) -> Result<Self> {
        let wasm =
            wasm.to_str().context("the path of the filter has to be UTF-8, as Envoy's configuration is")?;
        *at(self.plugin()?, "/vm_config/code/local/filename")? = json!(wasm);
        Ok(self)
    }

    /// Sets the plugin's configuration to this text.
    pub fn configuration(mut self, text: &str) -> Result<Self> {
        *at(self.plugin()?, "/configuration/value")? = json!(text);
        Ok(self)
    }

    /// Adds the stats tag that an extra label needs.
    pub fn label(mut self, name: &str) -> Result<Self> {
        let entry = json!({"tag_name": name, "regex": format!(r"(\.{name}=\.=(.*?);\.;)")});
        list(&mut self.document, "/stats_config/stats_tags")?.push(entry);
        Ok(self)
    }

    /// Adds the shipped price table to the plugin's configuration.
    pub fn priced(mut self) -> Result<Self> {
        self.set("prices", read("prices.json")?)?;
        Ok(self)
    }

    /// Removes the setting that lets the plugin read the body of a request while it holds the head.
    pub fn without_stop_iteration(mut self) -> Result<Self> {
        remove(self.plugin()?, "allow_on_headers_stop_iteration")?;
        Ok(self)
    }

    /// Sends the requests of a cluster to `address` without TLS.
    pub fn upstream(mut self, cluster: &str, address: SocketAddr, protocol: Protocol) -> Result<Self> {
        let cluster = self.endpoint(cluster, &address.ip().to_string(), address.port())?;
        without_tls(cluster, protocol)?;
        Ok(self)
    }

    /// Sends the requests of a cluster to the host of a URL: with TLS for `https`, over plain HTTP/1.1 for `http`.
    pub fn upstream_url(mut self, cluster: &str, url: &Uri) -> Result<Self> {
        let host = url.host().with_context(|| format!("{url} names no host"))?;
        let tls = match url.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => bail!("{url} has to begin with http:// or https://"),
        };
        let cluster = self.endpoint(cluster, host, url.port_u16().unwrap_or(if tls { 443 } else { 80 }))?;
        if !tls {
            without_tls(cluster, Protocol::Http1)?;
        }
        Ok(self)
    }

    /// Points a cluster at a host, and returns the cluster.
    fn endpoint(&mut self, cluster: &str, host: &str, port: u16) -> Result<&mut Value> {
        let cluster = named(at(&mut self.document, "/static_resources/clusters")?, cluster)?;
        let endpoint = at(cluster, "/load_assignment/endpoints/0/lb_endpoints/0/endpoint")?;
        *at(endpoint, "/hostname")? = json!(host);
        *at(endpoint, "/address/socket_address/address")? = json!(host);
        *at(endpoint, "/address/socket_address/port_value")? = json!(port);
        Ok(cluster)
    }

    /// Sets the timeout of a whole exchange on every route.
    pub fn route_timeout(mut self, timeout: Duration) -> Result<Self> {
        let routes = at(&mut self.document, &format!("{MANAGER}/route_config/virtual_hosts/0/routes"))?;
        for route in routes.as_array_mut().context("routes is a list")? {
            *at(route, "/route/timeout")? = json!(format!("{}s", timeout.as_secs_f64()));
        }
        Ok(self)
    }

    /// Makes every route follow one redirect of the upstream.
    pub fn following_redirects(mut self) -> Result<Self> {
        let routes = at(&mut self.document, &format!("{MANAGER}/route_config/virtual_hosts/0/routes"))?;
        for route in routes.as_array_mut().context("routes is a list")? {
            at(route, "/route")?["internal_redirect_policy"] = json!({});
        }
        Ok(self)
    }

    /// Replaces our filter by these filters, in this order, as the baseline of a measurement.
    pub fn instead(mut self, filters: Vec<Value>) -> Result<Self> {
        let list = at(&mut self.document, &format!("{MANAGER}/http_filters"))?;
        named(list, "llm_gauge")?;
        let list = list.as_array_mut().context("http_filters is a list")?;
        list.retain(|filter| filter["name"] != "llm_gauge");
        list.splice(0..0, filters);
        Ok(self)
    }

    /// Adds a cluster for an HTTP/2 server without TLS.
    pub fn cluster(mut self, name: &str, address: SocketAddr) -> Result<Self> {
        let clusters = at(&mut self.document, "/static_resources/clusters")?;
        let clusters = clusters.as_array_mut().context("clusters is a list")?;
        clusters.push(clusters.last().context("clusters is empty")?.clone());
        *at(clusters.last_mut().context("just pushed")?, "/name")? = json!(name);
        self.upstream(name, address, Protocol::Http2)
    }

    /// Removes the access log.
    pub fn without_access_log(mut self) -> Result<Self> {
        *at(&mut self.document, &format!("{MANAGER}/access_log"))? = json!([]);
        Ok(self)
    }

    /// Adds the pieces of `envoy/ratelimit.yaml` in the places that the file names.
    pub fn rate_limited(mut self) -> Result<Self> {
        let pieces = read("ratelimit.yaml")?;
        let piece = |key: &str| {
            let piece = pieces.get(key).cloned();
            piece.with_context(|| format!("envoy/ratelimit.yaml has no {key} any more"))
        };
        let several = |key: &str| piece(key)?.as_array().cloned().with_context(|| format!("{key} is a list"));
        let host = at(&mut self.document, &format!("{MANAGER}/route_config/virtual_hosts/0"))?;
        let host = host.as_object_mut().context("a virtual host is a mapping")?;
        host.insert("typed_per_filter_config".into(), piece("typed_per_filter_config")?);
        let filters = list(&mut self.document, &format!("{MANAGER}/http_filters"))?;
        let router = filters.len().saturating_sub(1);
        filters.splice(router..router, several("http_filters")?);
        list(&mut self.document, "/static_resources/clusters")?.extend(several("clusters")?);
        Ok(self)
    }

    /// Adds the pieces of `envoy/judge.yaml` in the places that the file names, with `changes` to the filter's key
    /// `judge`. The file has a placeholder for the key of the judge's API, which the filter refuses.
    pub fn judged(self, mut changes: Value) -> Result<Self> {
        if changes.get("headers").is_none() {
            changes["headers"] = json!({"authorization": "Bearer of-the-simulator"});
        }
        self.with_key("judge", &changes)
    }

    /// Adds the pieces of `envoy/telemetry.yaml` in the places that the file names, for this receiver.
    pub fn exporting(self, receiver: SocketAddr, changes: Value) -> Result<Self> {
        let mut bootstrap = self.with_key("telemetry", &changes)?;
        bootstrap.endpoint("otel", &receiver.ip().to_string(), receiver.port())?;
        Ok(bootstrap)
    }

    /// Adds the piece of `envoy/feedback.yaml` in the place that the file names.
    pub fn with_feedback(self, changes: &Value) -> Result<Self> {
        self.with_key("feedback", changes)
    }

    /// Adds the pieces of a file with a key of the filter's configuration, and its clusters if it has any.
    fn with_key(mut self, key: &str, changes: &Value) -> Result<Self> {
        let pieces = read(&format!("{key}.yaml"))?;
        let piece = pieces.get(key).cloned();
        let mut piece = piece.with_context(|| format!("envoy/{key}.yaml has no {key} any more"))?;
        for (key, value) in changes.as_object().context("changes are an object")? {
            piece[key] = value.clone();
        }
        self.set(key, piece)?;
        let clusters = pieces.get("clusters").and_then(Value::as_array).into_iter().flatten();
        list(&mut self.document, "/static_resources/clusters")?.extend(clusters.cloned());
        Ok(self)
    }

    /// Sets a key of the filter's configuration.
    fn set(&mut self, key: &str, piece: Value) -> Result<()> {
        let value = at(self.plugin()?, "/configuration/value")?;
        let mut configuration: Value = serde_json::from_str(value.as_str().context("a text")?)?;
        configuration[key] = piece;
        *value = json!(configuration.to_string());
        Ok(())
    }

    /// Sets the address of the rate-limit service, and the time to wait for it.
    pub fn rate_limit_service(mut self, address: SocketAddr, timeout: Duration) -> Result<Self> {
        let cluster = named(at(&mut self.document, "/static_resources/clusters")?, "ratelimit")?;
        let socket = "/load_assignment/endpoints/0/lb_endpoints/0/endpoint/address/socket_address";
        *at(cluster, &format!("{socket}/address"))? = json!(address.ip());
        *at(cluster, &format!("{socket}/port_value"))? = json!(address.port());
        let filters = at(&mut self.document, &format!("{MANAGER}/http_filters"))?;
        let filter = named(filters, "envoy.filters.http.ratelimit")?;
        *at(filter, "/typed_config/timeout")? = json!(format!("{}s", timeout.as_secs_f64()));
        Ok(self)
    }

    /// Moves the first of two filters with these names from below the second to just above it.
    pub fn above(mut self, first: &str, second: &str) -> Result<Self> {
        let filters = list(&mut self.document, &format!("{MANAGER}/http_filters"))?;
        let place = |name: &str| {
            let found =
                filters.iter().position(|filter| filter.get("name").is_some_and(|found| found == name));
            found.with_context(|| format!("no filter {name}"))
        };
        let (from, to) = (place(first)?, place(second)?);
        ensure!(to < from, "{first} is above {second} already");
        filters[to..=from].rotate_right(1);
        Ok(self)
    }

    /// Compresses responses below the metering filter, as a provider would: `gzip`, `brotli` or `zstd`.
    pub fn compressing(mut self, library: &str) -> Result<Self> {
        let upper = library.split_at_checked(1).map(|(first, rest)| first.to_uppercase() + rest);
        let upper = upper.context("a compressor has a name")?;
        let library = json!({
            "name": library,
            "typed_config": {
                "@type": format!(
                    "type.googleapis.com/envoy.extensions.compression.{library}.compressor.v3.{upper}"
                ),
            },
        });
        let compressor = json!({
            "name": "envoy.filters.http.compressor",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.http.compressor.v3.Compressor",
                "response_direction_config": {
                    "common_config": {
                        "min_content_length": 30,
                        "content_type": ["application/json", "text/event-stream"],
                    },
                },
                "compressor_library": library,
            },
        });
        let filters = list(&mut self.document, &format!("{MANAGER}/http_filters"))?;
        filters.insert(filters.len().saturating_sub(1), compressor);
        Ok(self)
    }

    /// Sets the interval at which histograms are flushed.
    pub fn flush_every(mut self, interval: Duration) -> Result<Self> {
        *at(&mut self.document, "/stats_flush_interval")? = json!(format!("{}s", interval.as_secs_f64()));
        Ok(self)
    }

    /// Moves the listeners to a document for Envoy's file-based discovery, and makes the bootstrap refer to `file`.
    pub(super) fn split(mut self, file: &Path) -> Result<(Value, Value)> {
        let resources = at(&mut self.document, "/static_resources")?.as_object_mut();
        let listeners = resources.and_then(|resources| resources.remove("listeners"));
        let Some(Value::Array(mut listeners)) = listeners else {
            bail!("envoy/bootstrap.yaml has no listeners any more: change the harness along with it");
        };
        for listener in &mut listeners {
            listener["@type"] = json!("type.googleapis.com/envoy.config.listener.v3.Listener");
        }
        // Envoy only accepts replacements if its node has an id.
        self.document["node"] = json!({"id": "llm-gauge", "cluster": "llm-gauge"});
        self.document["dynamic_resources"] = json!({"lds_config": {"path_config_source": {"path": file}}});
        Ok((self.document, json!({"resources": listeners})))
    }

    /// Makes Envoy choose free ports, so that several can run side by side, and log to `access_log`.
    pub(super) fn placed(mut self, access_log: &Path) -> Result<Self> {
        *at(&mut self.document, "/admin/address/socket_address/port_value")? = json!(0);
        let listeners = at(&mut self.document, "/static_resources/listeners")?;
        for listener in listeners.as_array_mut().context("listeners is a list")? {
            *at(listener, "/address/socket_address/port_value")? = json!(0);
        }
        let logs = at(&mut self.document, &format!("{MANAGER}/access_log"))?;
        for log in logs.as_array_mut().context("access_log is a list")? {
            *at(log, "/typed_config/path")? = json!(access_log);
        }
        Ok(self)
    }

    fn plugin(&mut self) -> Result<&mut Value> {
        let filters = at(&mut self.document, &format!("{MANAGER}/http_filters"))?;
        at(named(filters, "llm_gauge")?, "/typed_config/config")
    }
}

/// Removes the parts of a cluster that belong to TLS: the transport socket, and the choice of protocol in its
/// handshake.
fn without_tls(cluster: &mut Value, protocol: Protocol) -> Result<()> {
    remove(cluster, "transport_socket")?;
    let options = "/typed_extension_protocol_options/envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
    let options = at(cluster, options)?;
    remove(options, "auto_config")?;
    let explicit = match protocol {
        Protocol::Http1 => json!({"http_protocol_options": {}}),
        Protocol::Http2 => json!({"http2_protocol_options": {}}),
    };
    let options = options.as_object_mut().context("the protocol options are a mapping")?;
    options.insert("explicit_http_config".into(), explicit);
    Ok(())
}

/// Reads a file that operators copy.
fn read(name: &str) -> Result<Value> {
    let path = workspace_dir().join("envoy").join(name);
    let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    serde_saphyr::from_str(&text).with_context(|| format!("{} is not YAML", path.display()))
}

/// Returns the list at a JSON pointer.
fn list<'a>(value: &'a mut Value, pointer: &str) -> Result<&'a mut Vec<Value>> {
    at(value, pointer)?.as_array_mut().with_context(|| format!("{pointer} is a list"))
}

/// Returns the entry at a JSON pointer.
fn at<'a>(value: &'a mut Value, pointer: &str) -> Result<&'a mut Value> {
    let message =
        || format!("envoy/bootstrap.yaml has no {pointer} any more: change the harness along with it");
    value.pointer_mut(pointer).with_context(message)
}

/// Returns the member of a list with this `name`.
fn named<'a>(list: &'a mut Value, name: &str) -> Result<&'a mut Value> {
    let mut members = list.as_array_mut().into_iter().flatten();
    let message = || format!("envoy/bootstrap.yaml has no {name} any more: change the harness along with it");
    members.find(|member| member.get("name").is_some_and(|found| found == name)).with_context(message)
}

/// Removes a key that has to exist.
fn remove(value: &mut Value, key: &str) -> Result<()> {
    let removed = value.as_object_mut().and_then(|object| object.remove(key));
    ensure!(
        removed.is_some(),
        "envoy/bootstrap.yaml has no {key} any more: change the harness along with it"
    );
    Ok(())
}

#[cfg(test)]
mod tests;
