//! Everything at once: traffic through a real Envoy, a real Prometheus with the shipped rules, a real Alertmanager with
//! the shipped routes. Each alert gets pending, firing, delivered and resolved, and every panel of every dashboard
//! shows data.

use gauge::dashboards::{self, table};
use gauge::observe::journal::ALERTS;
use gauge::observe::{MonitoringStack, unix_seconds};

use super::programs;

/// Metrics without data here: nothing is exported, so nothing is dropped. Panels with only these are empty.
const NOT_HERE: &[&str] = &["llm_gauge_dropped_total"];

#[test]
fn every_alert_fires_is_delivered_and_resolves() {
    let Some(programs) = programs("every_alert_fires_is_delivered_and_is_over") else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let stage = MonitoringStack::start(&programs).await.unwrap();
        let mut told = Vec::new();
        let journal = stage.observe(|news| told.push(news.to_owned())).await;
        let journal = journal.unwrap_or_else(|error| panic!("{error:#}\n{}", told.join("\n")));
        for (seen, (alert, receiver)) in journal.seen().iter().zip(ALERTS) {
            assert_eq!((seen.alert, seen.receiver.as_str()), (alert, receiver));
            let steps = [seen.pending_s, seen.firing_s, seen.delivered_s, seen.gone_s, seen.resolved_s];
            let steps: Vec<_> = steps.iter().map(|step| step.expect("every step was seen")).collect();
            // Delivery is recorded when it happens, the other states by polling.
            assert!(steps[0] < steps[1] && steps[2] < steps[3] && steps[2] < steps[4], "{alert}: {steps:?}");
        }
        let summaries: Vec<_> = journal.seen().iter().map(|seen| seen.summary.as_str()).collect();
        for (summary, says) in summaries.iter().zip([
            "o4-mini of openai is slow: p99 1",
            "claude-haiku-4-5 of anthropic fails: ",
            "gpt-4.1 strays from its context: faithfulness ",
            "gpt-4.1 makes things up in ",
            "LLM traffic cost ",
            "text-embedding-3-small of openai uses ",
        ]) {
            assert!(summary.starts_with(says), "{summaries:?}");
        }
        assert_eq!(stage.servers.prometheus.rules().await.unwrap(), [""; 0]);
        every_panel_shows_data(&stage).await;
    });
}

async fn every_panel_shows_data(stage: &MonitoringStack) {
    let to = unix_seconds().unwrap();
    let mut empty = Vec::new();
    for dashboard in table::ALL {
        let data = dashboards::data(dashboard, &stage.servers.prometheus, stage.began, to).await.unwrap();
        for (panel, queries) in dashboard.panels.iter().zip(&data) {
            for ((query, _), lines) in panel.queries.iter().zip(queries) {
                let is_here = !NOT_HERE.iter().any(|name| query.contains(name));
                let has_data = lines.iter().any(|line| !line.points.is_empty());
                if is_here != has_data {
                    empty.push(format!(
                        "{}: {}: {query}: data {has_data}, expected {is_here}",
                        dashboard.title, panel.title
                    ));
                }
            }
        }
        let picture = dashboards::picture::svg(dashboard, &data, stage.began, to);
        assert!(
            picture.len() < 200_000 && !picture.contains("NaN"),
            "{}: {} bytes",
            dashboard.title,
            picture.len()
        );
    }
    assert_eq!(empty, [""; 0]);
}
