//! Line charts as SVG. They are small enough for a phone, and all have the same size.
//!
//! Colours are variables of the page, so that a dark page has its own. Lines also differ by dash and mark, for readers
//! who cannot distinguish colours. Charts have no scripts.

use maud::{Markup, html};

use super::plain::short;

/// The width of a chart, which the page scales.
pub const WIDTH: f64 = 360.0;
/// The height of a chart.
pub const HEIGHT: f64 = 220.0;
/// Maximum number of lines. More lines cannot be distinguished.
pub const LINES_MAX: usize = 6;

const LEFT: f64 = 46.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 16.0;
const BOTTOM: f64 = 26.0;
/// Maximum number of week names below a chart.
const NAMES_MAX: usize = 8;
const STEPS: f64 = 4.0;
const DASHES: [&str; LINES_MAX] = ["", "6 3", "2 2", "8 3 2 3", "4 4", "1 3"];

/// The units of an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Scores.
    Points,
    /// A rate from 0 to 1, shown in percent.
    Rate,
    /// US dollars.
    Dollars,
    /// A count.
    Count,
}

impl Unit {
    /// Formats a value.
    pub fn shown(self, value: f64) -> String {
        match self {
            Self::Points => format!("{value:.2}"),
            Self::Rate => format!("{:.1} %", value * 100.0),
            Self::Dollars => format!("${value:.2}"),
            Self::Count => short(value),
        }
    }
}

/// The value of a week.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// The index of the week.
    pub week: usize,
    /// The value.
    pub value: f64,
    /// The 95 % interval of the value; `None` if the sample is too small.
    pub interval: Option<(f64, f64)>,
    /// Whether the value is flagged as drift.
    pub is_flagged: bool,
}

/// The line of one model.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// The index of the model, which determines colour, dash and mark.
    pub place: usize,
    /// The name of the model.
    pub name: String,
    /// The values by week. The line has a gap for a missing week.
    pub points: Vec<Point>,
}

/// The data of a chart.
#[derive(Clone, Debug, PartialEq)]
pub struct Chart {
    /// The title.
    pub title: String,
    /// The note below the title: the direction of improvement, or the unit.
    pub note: &'static str,
    /// The unit of the values.
    pub unit: Unit,
    /// The names of the weeks.
    pub weeks: Vec<String>,
    /// The lines of the models.
    pub lines: Vec<Line>,
}

/// The mapping of values to places in the chart.
struct Scale {
    low: f64,
    step: f64,
    steps: f64,
    weeks: usize,
}

impl Scale {
    fn of(chart: &Chart) -> Self {
        let points = || chart.lines.iter().flat_map(|line| &line.points);
        let ends = || points().flat_map(|point| [point.value, point.value]).chain(points().flat_map(within));
        let (least, most) = ends().fold((f64::MAX, f64::MIN), |(a, b), value| (a.min(value), b.max(value)));
        // Scores are far from zero and move little; all other values are shown from zero.
        let least = if chart.unit == Unit::Points { least.min(5.0) } else { 0.0 };
        let most = if most > least { most } else { least + 1.0 };
        let step = round_step((most - least) / STEPS);
        let low = (least / step).floor() * step;
        let high = if chart.unit == Unit::Points { most.min(5.0) } else { most };
        Self { low, step, steps: ((high - low) / step - 1e-9).ceil().max(1.0), weeks: chart.weeks.len() }
    }

    fn x(&self, week: usize) -> f64 {
        let width = WIDTH - LEFT - RIGHT;
        match self.weeks {
            0 | 1 => LEFT + width / 2.0,
            weeks => LEFT + 8.0 + (width - 16.0) * week as f64 / (weeks - 1) as f64,
        }
    }

    fn y(&self, value: f64) -> f64 {
        let part = (value - self.low) / (self.step * self.steps);
        HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * part.clamp(0.0, 1.0)
    }

    fn ticks(&self) -> impl Iterator<Item = f64> {
        (0..=self.steps as u32).map(|tick| self.low + self.step * f64::from(tick))
    }
}

/// Returns the part of an interval that the chart has room for. The interval of three exchanges would flatten all
/// others.
fn within(point: &Point) -> Vec<f64> {
    let Some((low, high)) = point.interval else { return Vec::new() };
    let reach = if point.value > 1.0 { 0.6 } else { 0.1 };
    vec![low.max(point.value - reach), high.min(point.value + reach)]
}

/// Returns 1, 2 or 5 times a power of ten.
fn round_step(rough: f64) -> f64 {
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0].into_iter().find(|step| step * power >= rough * 0.999);
    step.unwrap_or(10.0) * power
}

/// Returns a chart as SVG, with a title and a description for screen readers.
pub fn svg(chart: &Chart, id: &str) -> Markup {
    let title = format!("{id}-title");
    html! {
        svg viewBox={"0 0 " (WIDTH) " " (HEIGHT)} role="img" aria-labelledby=(title) {
            title id=(title) { (chart.title) ": " (described(chart)) }
            (inside(chart))
        }
    }
}

/// Returns the contents of a chart without its frame.
pub fn inside(chart: &Chart) -> Markup {
    let scale = Scale::of(chart);
    html! {
        (axes(chart, &scale))
        @for line in &chart.lines { (band(line, &scale)) }
        @for line in &chart.lines { (stroke(line, &scale)) }
        @for line in &chart.lines { (marks(chart, line, &scale)) }
    }
}

fn described(chart: &Chart) -> String {
    let ends = chart.lines.iter().filter_map(|line| {
        let (first, last) = (line.points.first()?, line.points.last()?);
        let name = |point: &Point| chart.weeks.get(point.week).map_or("", String::as_str);
        let value = |point: &Point| chart.unit.shown(point.value);
        Some(format!(
            "{} from {} in {} to {} in {}",
            line.name,
            value(first),
            name(first),
            value(last),
            name(last)
        ))
    });
    let ends: Vec<_> = ends.collect();
    if ends.is_empty() { "no data".to_owned() } else { ends.join("; ") }
}

fn axes(chart: &Chart, scale: &Scale) -> Markup {
    let every = chart.weeks.len().div_ceil(NAMES_MAX).max(1);
    let right = round(WIDTH - RIGHT);
    html! {
        g class="axis" {
            @for tick in scale.ticks() {
                @let y = round(scale.y(tick));
                line x1=(LEFT) x2=(right) y1=(y) y2=(y) {}
                text x=(LEFT - 5.0) y=(y + 4.0) text-anchor="end" { (axis_label(chart.unit, tick, scale.step)) }
            }
            @for (week, name) in chart.weeks.iter().enumerate().filter(|(week, _)| week % every == 0) {
                text x=(round(scale.x(week))) y=(HEIGHT - 8.0) text-anchor="middle" { (name) }
            }
        }
    }
}

/// Formats a tick with as many digits as needed to distinguish it from the next.
fn axis_label(unit: Unit, tick: f64, step: f64) -> String {
    match unit {
        Unit::Points => format!("{tick:.*}", if step < 0.1 { 2 } else { 1 }),
        Unit::Rate => format!("{:.*} %", usize::from(step < 0.01), tick * 100.0),
        Unit::Dollars => format!("${tick:.*}", if step < 1.0 { 2 } else { 0 }),
        Unit::Count => match tick {
            tick if tick >= 1e6 => format!("{:.*} M", usize::from(step < 1e6), tick / 1e6),
            tick if tick >= 1e3 => format!("{:.*} k", usize::from(step < 1e3), tick / 1e3),
            tick => format!("{tick:.0}"),
        },
    }
}

/// Returns the parts of a line between missing weeks.
fn parts(line: &Line) -> Vec<&[Point]> {
    line.points.chunk_by(|a, b| a.week + 1 == b.week).collect()
}

fn band(line: &Line, scale: &Scale) -> Markup {
    let corner = |point: &Point, y: f64| format!("{},{}", round(scale.x(point.week)), round(scale.y(y)));
    let outline = |part: &[Point]| {
        let with = |point: &Point| point.interval.map(|interval| (point.clone(), interval));
        let known: Vec<_> = part.iter().filter_map(with).collect();
        let upper = known.iter().map(|(point, (_, high))| corner(point, *high));
        let lower = known.iter().rev().map(|(point, (low, _))| corner(point, *low));
        upper.chain(lower).collect::<Vec<_>>().join(" ")
    };
    html! {
        @for part in parts(line) {
            @if part.len() > 1 { polygon class={"band c" (line.place)} points=(outline(part)) {} }
            // A single week has no width, so its interval is a stroke.
            @else if let Some(Point { week, interval: Some((low, high)), .. }) = part.first() {
                @let x = round(scale.x(*week));
                line class={"line c" (line.place)} x1=(x) x2=(x) y1=(round(scale.y(*low))) y2=(round(scale.y(*high))) {}
            }
        }
    }
}

fn stroke(line: &Line, scale: &Scale) -> Markup {
    let places = |part: &[Point]| {
        let place = |point: &Point| format!("{},{}", round(scale.x(point.week)), round(scale.y(point.value)));
        part.iter().map(place).collect::<Vec<_>>().join(" ")
    };
    let dash = DASHES.get(line.place).copied().unwrap_or_default();
    html! {
        @for part in parts(line) {
            polyline class={"line c" (line.place)} stroke-dasharray=[(!dash.is_empty()).then_some(dash)] points=(places(part)) {}
        }
    }
}

fn marks(chart: &Chart, line: &Line, scale: &Scale) -> Markup {
    let said = |point: &Point| {
        let week = chart.weeks.get(point.week).map_or("", String::as_str);
        let flag = if point.is_flagged { ", got worse" } else { "" };
        format!("{}, {week}: {}{flag}", line.name, chart.unit.shown(point.value))
    };
    html! {
        @for point in &line.points {
            @let (x, y) = (round(scale.x(point.week)), round(scale.y(point.value)));
            g {
                title { (said(point)) }
                @if point.is_flagged {
                    line class="flag" x1=(x) x2=(x) y1=(TOP - 4.0) y2=(HEIGHT - BOTTOM) {}
                    path class="flag-mark" d={"M" (x - 6.0) " 2h12l-6 10z"} {}
                    circle class="flag-ring" cx=(x) cy=(y) r="7" {}
                }
                (mark(line.place, x, y))
            }
        }
    }
}

/// Returns the mark of a model: circle, square, diamond, triangle, and then the same with a hole.
pub fn mark(place: usize, x: f64, y: f64) -> Markup {
    let shape = match place % 4 {
        0 => format!("M{} {y}a3 3 0 1 0 6 0a3 3 0 1 0 -6 0", round(x - 3.0)),
        1 => format!("M{} {}h5v5h-5z", round(x - 2.5), round(y - 2.5)),
        2 => format!("M{x} {}l3.6 3.6l-3.6 3.6l-3.6 -3.6z", round(y - 3.6)),
        _ => format!("M{x} {}l3.4 5.8h-6.8z", round(y - 3.6)),
    };
    html! { path class={(if place < 4 { "mark" } else { "mark hole" }) " c" (place)} d=(shape) {} }
}

/// Rounds to a tenth of a unit, since longer numbers would be most of the page.
pub fn round(place: f64) -> f64 {
    (place * 10.0).round() / 10.0
}

/// Returns the line of a model for a legend.
pub fn key(place: usize) -> Markup {
    let dash = DASHES.get(place).copied().unwrap_or_default();
    html! {
        line class={"line c" (place)} x1="0" x2="28" y1="7" y2="7" stroke-dasharray=[(!dash.is_empty()).then_some(dash)] {}
        (mark(place, 14.0, 7.0))
    }
}
