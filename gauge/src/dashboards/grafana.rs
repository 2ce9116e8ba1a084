//! A dashboard as Grafana (10 and later) imports it.

use serde_json::{Value, json};

use super::{Dashboard, Kind, Panel, Unit};

/// The width of Grafana's grid.
const WIDTH: u64 = 24;

/// Returns the columns and rows of a panel.
fn size(kind: Kind) -> (u64, u64) {
    match kind {
        Kind::Number => (4, 4),
        Kind::Lines | Kind::Areas => (8, 8),
    }
}

/// Returns the whole document.
#[must_use]
pub fn document(dashboard: &Dashboard) -> Value {
    json!({
        "uid": dashboard.name,
        "title": format!("LLM gauge: {}", dashboard.title),
        "description": "Made by `cargo gauge dashboards`: change it there, or save a copy.",
        "tags": ["llm-gauge"],
        "schemaVersion": 38,
        "editable": true,
        "graphTooltip": 1,
        "refresh": "1m",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "browser",
        "links": [{
            "type": "dashboards", "title": "LLM gauge", "tags": ["llm-gauge"], "asDropdown": true, "includeVars": true,
            "keepTime": true, "icon": "external link", "targetBlank": false, "tooltip": "", "url": "",
        }],
        "templating": {"list": variables()},
        "annotations": {"list": [firing()]},
        "panels": panels(dashboard.panels),
    })
}

fn source() -> Value {
    json!({"type": "prometheus", "uid": "${datasource}"})
}

fn variables() -> Value {
    let labels = |name: &str, label: &str, query: &str| {
        json!({
            "type": "query", "name": name, "label": label, "datasource": source(),
            "query": {"query": query, "refId": name}, "refresh": 2, "sort": 1, "multi": true, "includeAll": true,
            "allValue": ".*", "current": {"selected": true, "text": ["All"], "value": ["$__all"]},
        })
    };
    json!([
        {"type": "datasource", "name": "datasource", "label": "Prometheus", "query": "prometheus", "refresh": 1},
        labels("provider", "Provider", "label_values(llm_requests_total, provider)"),
        labels("model", "Model", "label_values(llm_requests_total{provider=~\"$provider\"}, model)"),
    ])
}

/// Returns the annotations that mark firing alerts.
fn firing() -> Value {
    json!({
        "name": "Alerts", "datasource": source(), "enable": true, "iconColor": "red", "titleFormat": "{{alertname}}",
        "textFormat": "{{model}} {{severity}}", "step": "60s",
        "expr": "ALERTS{alertname=~\"LLM.*\",alertstate=\"firing\"}",
    })
}

/// Places panels in rows, as many as fit.
fn panels(panels: &[Panel]) -> Vec<Value> {
    let (mut left, mut top, mut row) = (0, 0, 0);
    let place = |(id, panel): (usize, &Panel)| {
        let (width, height) = size(panel.kind);
        if left + width > WIDTH || (left > 0 && height != row) {
            (left, top) = (0, top + row);
        }
        row = height;
        let place = json!({"x": left, "y": top, "w": width, "h": height});
        left += width;
        document_of(panel, id + 1, place)
    };
    panels.iter().enumerate().map(place).collect()
}

fn document_of(panel: &Panel, id: usize, place: Value) -> Value {
    let letters = ('A'..='Z').map(String::from);
    let targets = panel.queries.iter().zip(letters).map(|((expression, name), letter)| {
        json!({
            "refId": letter, "datasource": source(), "editorMode": "code", "expr": expression, "legendFormat": name,
            "range": true, "instant": false,
        })
    });
    let (kind, custom, options) = match panel.kind {
        Kind::Number => (
            "stat",
            json!({}),
            json!({
                "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": false},
                "colorMode": "value", "graphMode": "area", "textMode": "auto", "justifyMode": "auto", "orientation": "auto",
            }),
        ),
        kind => {
            let stacking = if kind == Kind::Areas { "normal" } else { "none" };
            let fill = if kind == Kind::Areas { 40 } else { 0 };
            let custom = json!({
                "drawStyle": "line", "lineWidth": 1, "fillOpacity": fill, "showPoints": "never",
                "stacking": {"mode": stacking, "group": "A"},
            });
            let options = json!({
                "legend": {"displayMode": "list", "placement": "bottom", "showLegend": true, "calcs": []},
                "tooltip": {"mode": "multi", "sort": "desc"},
            });
            ("timeseries", custom, options)
        }
    };
    let mut defaults = json!({"unit": unit(panel.unit), "custom": custom});
    if panel.unit != Unit::Score {
        defaults["min"] = json!(0);
    }
    json!({
        "id": id, "type": kind, "title": panel.title, "description": panel.about, "datasource": source(),
        "gridPos": place, "targets": targets.collect::<Vec<_>>(), "options": options,
        "fieldConfig": {"defaults": defaults, "overrides": []},
    })
}

/// Returns Grafana's name of a unit.
fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::Count | Unit::Score => "short",
        Unit::PerSecond => "cps",
        Unit::Ratio => "percentunit",
        Unit::Seconds => "s",
        Unit::Dollars => "currencyUSD",
    }
}
