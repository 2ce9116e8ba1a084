//! A dashboard as one SVG, drawn from the answers of a Prometheus: the view of Grafana for pages without Grafana.
//!
//! The charts of the weekly review (`collector::review`) have another job: they take their colours from the page around
//! them, show intervals and flags per week, and scale for phones. The two have no drawing code in common.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Dashboard, Kind, Panel, Unit};
use crate::observe::query::Line;

const WIDTH: f64 = 1200.0;
const HEAD: f64 = 44.0;
const GAP: f64 = 8.0;

/// Maximum number of names in a legend.
const NAMES_MAX: usize = 6;
const NAME_LETTERS_MAX: usize = 19;

/// Colours on white that most readers can tell apart.
const COLOURS: [&str; 8] =
    ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#6a4c93", "#8d6e63"];

/// A series with its name and its points.
struct ChartSeries {
    name: String,
    points: Vec<(f64, f64)>,
}

impl ChartSeries {
    fn is_threshold(&self) -> bool {
        self.name.starts_with("threshold")
    }
}

/// Draws the picture. `data` is the result of [`super::data`] for the same dashboard and times.
#[must_use]
pub fn svg(dashboard: &Dashboard, data: &[Vec<Vec<Line>>], from: f64, to: f64) -> String {
    let mut body = String::new();
    let (mut left, mut top, mut row) = (0.0, HEAD, 0.0);
    for (panel, lines) in dashboard.panels.iter().zip(data) {
        let (width, height) = size(panel.kind);
        if left + width > WIDTH + 1.0 || (left > 0.0 && height != row) {
            (left, top) = (0.0, top + row);
        }
        row = height;
        let _ = write!(body, "<g transform=\"translate({left:.0} {top:.0})\">");
        draw(&mut body, panel, lines, [width - GAP, height - GAP], [from, to]);
        body.push_str("</g>\n");
        left += width;
    }
    let height = top + row;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH:.0} {height:.0}\" \
         font-family=\"sans-serif\" font-size=\"11\" fill=\"#222\">\n\
         <rect width=\"{WIDTH:.0}\" height=\"{height:.0}\" fill=\"#f4f5f7\"/>\n\
         <text x=\"10\" y=\"28\" font-size=\"18\" font-weight=\"bold\">LLM gauge: {}</text>\n\
         <text x=\"1190\" y=\"28\" text-anchor=\"end\" fill=\"#666\">from a run of cargo gauge demo --observe: \
         a minute of the rules is a second here</text>\n{body}</svg>\n",
        escaped(dashboard.title)
    )
}

fn size(kind: Kind) -> (f64, f64) {
    match kind {
        Kind::Number => (WIDTH / 6.0, 88.0),
        Kind::Lines | Kind::Areas => (WIDTH / 3.0, 214.0),
    }
}

fn draw(out: &mut String, panel: &Panel, queries: &[Vec<Line>], [width, height]: [f64; 2], times: [f64; 2]) {
    let _ = write!(
        out,
        "<rect x=\"4\" width=\"{width:.0}\" height=\"{height:.0}\" rx=\"3\" fill=\"#fff\" stroke=\"#d8dade\"/>\
         <text x=\"12\" y=\"18\" font-weight=\"bold\">{}</text>",
        escaped(panel.title)
    );
    let series_list: Vec<ChartSeries> =
        panel.queries.iter().zip(queries).flat_map(|((_, name), lines)| named(name, lines)).collect();
    if series_list.iter().all(|series| series.points.is_empty()) {
        let _ = write!(
            out,
            "<text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"middle\" fill=\"#999\">no data</text>",
            width / 2.0,
            height / 2.0 + 8.0
        );
        return;
    }
    match panel.kind {
        Kind::Number => number(out, panel.unit, &series_list, width),
        Kind::Lines => plot(out, panel, &series_list, [width, height], times),
        Kind::Areas => plot(out, panel, &stacked(series_list), [width, height], times),
    }
}

/// Returns each line with the name that its legend makes from its labels.
fn named(legend: &str, lines: &[Line]) -> Vec<ChartSeries> {
    let name = |line: &Line| {
        let named = line
            .labels
            .iter()
            .fold(legend.to_owned(), |name, (label, value)| name.replace(&format!("{{{{{label}}}}}"), value));
        // Missing labels are empty, as in Grafana.
        let mut plain = named.split("{{").map(|part| part.split_once("}}").map_or(part, |(_, after)| after));
        plain.by_ref().collect::<String>().trim().to_owned()
    };
    lines.iter().map(|line| ChartSeries { name: name(line), points: line.points.clone() }).collect()
}

fn number(out: &mut String, unit: Unit, series_list: &[ChartSeries], width: f64) {
    let last = series_list.iter().find_map(|series| series.points.last());
    let value = last.map_or_else(String::new, |(_, value)| shown(*value, unit));
    let _ = write!(
        out,
        "<text x=\"{:.0}\" y=\"58\" text-anchor=\"middle\" font-size=\"28\" fill=\"{}\">{value}</text>",
        width / 2.0 + 4.0,
        COLOURS[0]
    );
}

/// Stacks each series on those before it. A missing value counts as zero.
fn stacked(series_list: Vec<ChartSeries>) -> Vec<ChartSeries> {
    let key = |time: f64| (time * 1000.0).round() as i64;
    let times = series_list.iter().flat_map(|series| &series.points).map(|(time, _)| (key(*time), *time));
    let times = without_gaps(times.collect());
    let mut sums: BTreeMap<i64, f64> = times.keys().map(|key| (*key, 0.0)).collect();
    let mut stack = Vec::new();
    for series in series_list {
        for (time, value) in &series.points {
            *sums.entry(key(*time)).or_default() += value;
        }
        let points = times.iter().map(|(key, time)| (*time, sums.get(key).copied().unwrap_or_default()));
        stack.push(ChartSeries { name: series.name, points: points.collect() });
    }
    // From top to bottom, so that the lower areas are drawn over the upper ones.
    stack.reverse();
    stack
}

/// Adds zeros where all series have gaps, so that areas do not extend over them.
fn without_gaps(mut times: BTreeMap<i64, f64>) -> BTreeMap<i64, f64> {
    let keys: Vec<i64> = times.keys().copied().collect();
    let step = keys.windows(2).map(|pair| pair[1] - pair[0]).min().unwrap_or(1).max(1);
    for pair in keys.windows(2).filter(|pair| pair[1] - pair[0] > step * 3 / 2) {
        for key in [pair[0] + step, pair[1] - step] {
            times.insert(key, key as f64 / 1000.0);
        }
    }
    times
}

/// The mapping of times and values to places in a panel.
struct Scale {
    x: [f64; 2],
    y: [f64; 2],
    times: [f64; 2],
    values: [f64; 2],
}

impl Scale {
    fn x(&self, time: f64) -> f64 {
        let [from, to] = self.times;
        self.x[0] + (time - from) / (to - from).max(1.0) * (self.x[1] - self.x[0])
    }

    fn y(&self, value: f64) -> f64 {
        let [low, high] = self.values;
        self.y[0] - (value - low) / (high - low) * (self.y[0] - self.y[1])
    }
}

fn plot(
    out: &mut String,
    panel: &Panel,
    series_list: &[ChartSeries],
    [width, height]: [f64; 2],
    times: [f64; 2],
) {
    let highest =
        series_list.iter().flat_map(|series| &series.points).fold(0.0, |high, (_, value)| value.max(high));
    let values = if panel.unit == Unit::Score { [1.0, 5.0] } else { [0.0, ceiling(highest)] };
    let scale = Scale { x: [52.0, width - 6.0], y: [height - 44.0, 28.0], times, values };
    axes(out, panel.unit, &scale);
    for (index, series) in series_list.iter().enumerate() {
        let (path, colour) = (path(&series.points, &scale), colour(index, series));
        let ends = series.points.first().zip(series.points.last());
        if let (Kind::Areas, Some((first, last))) = (panel.kind, ends) {
            let (bottom, right, left) = (scale.y[0], scale.x(last.0), scale.x(first.0));
            let area = format!("{path}L{right:.1} {bottom:.0}L{left:.1} {bottom:.0}Z");
            // White first: the area of a higher series lies beneath.
            let _ = write!(out, "<path d=\"{area}\" fill=\"#fff\"/>");
            let _ = write!(out, "<path d=\"{area}\" fill=\"{colour}\" fill-opacity=\"0.45\"/>");
        }
        let dashes = if series.is_threshold() { " stroke-dasharray=\"4 3\"" } else { "" };
        let _ = write!(
            out,
            "<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\"{dashes}/>"
        );
    }
    legend(out, series_list, [width, height]);
}

fn axes(out: &mut String, unit: Unit, scale: &Scale) {
    let ([left, right], [low, high]) = (scale.x, scale.values);
    for step in 0..=4 {
        let value = low + (high - low) * f64::from(step) / 4.0;
        let (y, value) = (scale.y(value), shown(value, unit));
        let _ = write!(
            out,
            "<path d=\"M{left:.0} {y:.0}H{right:.0}\" stroke=\"#e8e9ec\"/>\
             <text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"end\" fill=\"#666\" font-size=\"9\">{value}</text>",
            left - 4.0,
            y + 3.0,
        );
    }
    let [from, to] = scale.times;
    for second in (0..=(to - from) as u32).step_by(30) {
        let x = scale.x(from + f64::from(second));
        // The last label would exceed the panel.
        if x < right - 12.0 {
            let _ = write!(
                out,
                "<text x=\"{x:.0}\" y=\"{:.0}\" text-anchor=\"middle\" fill=\"#666\" font-size=\"9\">{second} s</text>",
                scale.y[0] + 12.0
            );
        }
    }
}

fn colour(index: usize, series: &ChartSeries) -> &'static str {
    if series.is_threshold() { "#c4162a" } else { COLOURS[index % COLOURS.len()] }
}

/// Returns a path with one decimal, which breaks where values are missing.
fn path(points: &[(f64, f64)], scale: &Scale) -> String {
    let step = points.windows(2).map(|pair| pair[1].0 - pair[0].0).fold(f64::INFINITY, f64::min);
    let mut path = String::new();
    let mut before = f64::NEG_INFINITY;
    for (time, value) in points {
        let letter = if time - before > step * 1.5 { 'M' } else { 'L' };
        let _ = write!(path, "{letter}{:.1} {:.1}", scale.x(*time), scale.y(*value));
        before = *time;
    }
    path
}

/// Draws names in three columns, as many as fit.
fn legend(out: &mut String, series_list: &[ChartSeries], [width, height]: [f64; 2]) {
    let column = (width - 16.0) / 3.0;
    for (index, series) in series_list.iter().take(NAMES_MAX).enumerate() {
        let (left, top) = (12.0 + column * (index % 3) as f64, height - 20.0 + 13.0 * (index / 3) as f64);
        let colour = colour(index, series);
        let more = match index + 1 == NAMES_MAX && series_list.len() > NAMES_MAX {
            true => format!(" +{}", series_list.len() - NAMES_MAX),
            false => String::new(),
        };
        let name = match series.name.char_indices().nth(NAME_LETTERS_MAX) {
            Some((end, _)) => format!("{}…", series.name.get(..end).unwrap_or_default()),
            None => series.name.clone(),
        };
        let _ = write!(
            out,
            "<rect x=\"{left:.0}\" y=\"{:.0}\" width=\"8\" height=\"3\" fill=\"{colour}\"/>\
             <text x=\"{:.0}\" y=\"{top:.0}\" font-size=\"9\">{}{more}</text>",
            top - 5.0,
            left + 11.0,
            escaped(&name)
        );
    }
}

/// Returns the next round number: one, two or five times a power of ten. A value just above one is rounded down to it.
fn ceiling(value: f64) -> f64 {
    if value <= 0.0 {
        return 1.0;
    }
    let power = 10f64.powf(value.log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|step| step * power)
        .find(|bound| *bound * 1.02 >= value)
        .unwrap_or(value)
}

/// Returns a value with its unit, in short form.
fn shown(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Ratio => format!("{} %", short(value * 100.0)),
        Unit::Seconds if value < 1.0 && value > 0.0 => format!("{} ms", short(value * 1000.0)),
        Unit::Seconds => format!("{} s", short(value)),
        Unit::Dollars => format!("${}", short(value)),
        Unit::PerSecond => format!("{}/s", short(value)),
        Unit::Count | Unit::Score => short(value),
    }
}

/// Returns a number with three significant digits.
fn short(value: f64) -> String {
    let (value, letter) = match value.abs() {
        size if size >= 1e6 => (value / 1e6, "M"),
        size if size >= 1e3 => (value / 1e3, "k"),
        _ => (value, ""),
    };
    let decimals = match value.abs() {
        size if size >= 100.0 || value.fract() == 0.0 => 0,
        size if size >= 10.0 => 1,
        _ => 2,
    };
    let digits = format!("{value:.decimals$}");
    let digits =
        if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { &digits };
    format!("{digits}{letter}")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::{Line, Unit, ceiling, named, shown, stacked, svg};
    use crate::dashboards::table;

    fn line(labels: &[(&str, &str)], points: &[(f64, f64)]) -> Line {
        let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Line { labels: labels.collect(), points: points.to_vec() }
    }

    #[test]
    fn numbers_are_short() {
        let all = [(0.0, Unit::Ratio), (0.0533, Unit::Ratio), (0.25, Unit::Seconds), (19.94, Unit::Seconds)];
        assert_eq!(all.map(|(value, unit)| shown(value, unit)), ["0 %", "5.33 %", "250 ms", "19.9 s"]);
        assert_eq!(shown(1_234_567.0, Unit::Count), "1.23M");
        assert_eq!(shown(50.0, Unit::Dollars), "$50");
        assert_eq!([0.0, 0.03, 7.0, 501.0, 511.0].map(ceiling), [1.0, 0.05, 10.0, 500.0, 1000.0]);
    }

    #[test]
    fn legends_take_labels_and_leave_out_others() {
        let lines = [line(&[("model", "a"), ("x", "b")], &[])];
        let names = |legend| {
            named(legend, &lines).into_iter().map(|series_list| series_list.name).collect::<Vec<_>>()
        };
        assert_eq!(names("{{model}} of {{x}}"), ["a of b"]);
        assert_eq!(names("threshold {{absent}}"), ["threshold"]);
    }

    #[test]
    fn areas_stand_upon_each_other() {
        let lines = [line(&[], &[(1.0, 2.0), (2.0, 2.0)]), line(&[], &[(2.0, 3.0)])];
        let stack = stacked(named("", &lines));
        assert_eq!(stack[0].points, [(1.0, 2.0), (2.0, 5.0)]);
        assert_eq!(stack[1].points, [(1.0, 2.0), (2.0, 2.0)]);
        let apart = stacked(named("", &[line(&[], &[(1.0, 2.0), (2.0, 2.0), (9.0, 2.0)])]));
        assert_eq!(apart[0].points, [(1.0, 2.0), (2.0, 2.0), (3.0, 0.0), (8.0, 0.0), (9.0, 2.0)]);
    }

    #[test]
    fn a_picture_shows_every_panel_and_is_xml() {
        for dashboard in table::ALL {
            let data: Vec<_> = dashboard
                .panels
                .iter()
                .map(|panel| {
                    panel
                        .queries
                        .iter()
                        .map(|_| vec![line(&[("model", "<a&b>")], &[(0.0, 1.0), (9.0, 2.0)])])
                        .collect()
                })
                .collect();
            let picture = svg(dashboard, &data, 0.0, 60.0);
            for panel in dashboard.panels {
                assert!(picture.contains(&format!(">{}</text>", panel.title)), "{}", panel.title);
            }
            assert!(!picture.contains("<a&b>") && !picture.contains("no data") && !picture.contains("NaN"));
            assert_eq!(picture.matches("<g ").count(), picture.matches("</g>").count());
        }
    }
}
