//! The review as one self-contained page: no script, no font and no picture from elsewhere.
//!
//! `maud` escapes all contents. The content security policy in the head is a second defence: even an injected script
//! would not run or send a request. Foreign text is in elements of its own (`bdi`), so that its direction ends with it.

mod charts;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::chart::{self, Chart, HEIGHT, LINES_MAX, WIDTH};
use super::drift::{Measure, Verdict};
use super::plain::{name, name_within, p, plain};
use super::report::{MeasuredValue, Model, ModelWeek, Review};
use super::text::{BETTER, TRAFFIC, WORSE, agreement, change, describe_finding, headline, rules, shown};
use super::week::Week;
use super::worst::{Annotation, WorstExchange};

const CHART_CSS: &str = include_str!("chart.css");
const PAGE_CSS: &str = include_str!("page.css");
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// Returns the page.
pub fn page(review: &Review) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                title { "LLM quality review" @if let Some(week) = review.weeks.last() { ", " (week) } }
                style { (PreEscaped(CHART_CSS)) (PreEscaped(PAGE_CSS)) }
            }
            body {
                header {
                    h1 { "LLM quality review" }
                    @if let (Some(first), Some(last)) = (review.weeks.first(), review.weeks.last()) {
                        p class="soft" { (headline(review, *first, *last)) }
                    }
                    (verdict(review))
                }
                main {
                    @if !review.weeks.is_empty() {
                        (section("Quality", review, &charts::quality(review)))
                        (section("Traffic", review, &charts::traffic(review)))
                        @for model in &review.models { (of_model(review, model)) }
                    }
                }
                footer { p class="soft" { (rules(review)) " Made " (review.made_at) " by llm-gauge." } }
            }
        }
    };
    page.into_string()
}

/// Returns the charts of quality alone, as one picture.
pub fn picture(review: &Review) -> String {
    const ACROSS: usize = 3;
    const HEAD: f64 = 30.0;
    let charts = charts::quality(review);
    let (width, row) = (WIDTH * ACROSS as f64, HEIGHT + HEAD);
    let height = HEAD + row * charts.len().div_ceil(ACROSS) as f64;
    let picture = html! {
        svg xmlns="http://www.w3.org/2000/svg" viewBox={"0 0 " (width) " " (height)} width=(width) height=(height) role="img"
            aria-label="Quality by week and model" {
            style { (PreEscaped(CHART_CSS)) ".page { fill: var(--card); } svg .head { font-size: 14px; font-weight: 600; }" }
            rect class="page" width=(width) height=(height) rx="8" {}
            @for (place, model) in review.models.iter().take(LINES_MAX).enumerate() {
                g transform={"translate(" (16.0 + 180.0 * place as f64) " 14)"} {
                    (chart::key(place))
                    text x="36" y="11" { (name_within(&model.model, 20)) }
                }
            }
            @for (place, chart) in charts.iter().enumerate() {
                g transform={"translate(" (WIDTH * (place % ACROSS) as f64) " " (HEAD + row * (place / ACROSS) as f64) ")"} {
                    text class="head" x="16" y="22" { (chart.title) }
                    g transform={"translate(0 " (HEAD) ")"} { (chart::inside(chart)) }
                }
            }
        }
    };
    picture.into_string() + "\n"
}

fn verdict(review: &Review) -> Markup {
    let is_bad = !review.drifts.is_empty();
    html! {
        section class={"verdict" @if is_bad { " bad" }} aria-label="What changed" {
            @if review.weeks.is_empty() {
                p { "No exchange yet. " code { "cargo gauge collect" } " fills the store once the filter's telemetry goes there." }
            } @else if !is_bad {
                p { strong { "No drift." } " Nothing got worse by more than noise." }
            }
            ul {
                @for drift in &review.drifts { li { span class="worse" { (WORSE) " Worse: " } bdi { (describe_finding(drift)) } } }
                @for better in &review.improvements { li { span class="better" { (BETTER) " Better: " } bdi { (describe_finding(better)) } } }
            }
        }
    }
}

fn section(title: &str, review: &Review, charts: &[Chart]) -> Markup {
    let id = title.to_lowercase();
    html! {
        section aria-labelledby=(id) {
            h2 id=(id) { (title) }
            (legend(review))
            div class="charts" {
                @for (place, chart) in charts.iter().enumerate() { (figure(chart, &format!("{id}-{place}"))) }
            }
        }
    }
}

fn legend(review: &Review) -> Markup {
    let left_out = review.models.len().saturating_sub(LINES_MAX);
    html! {
        ul class="legend" {
            @for (place, model) in review.models.iter().take(LINES_MAX).enumerate() {
                li { svg viewBox="0 0 28 14" aria-hidden="true" { (chart::key(place)) } bdi { (name(&model.model)) } }
            }
        }
        @if left_out > 0 { p class="soft" { (left_out) " more models are in the tables below." } }
    }
}

fn figure(chart: &Chart, id: &str) -> Markup {
    let value = |line: &chart::Line, week: usize| {
        let point = line.points.iter().find(|point| point.week == week);
        point.map(|point| (chart.unit.shown(point.value), point.interval, point.is_flagged))
    };
    html! {
        figure {
            figcaption { h3 { (chart.title) } span class="soft" { (chart.note) } }
            (chart::svg(chart, id))
            details {
                summary { "Values" }
                (scroll(&format!("{}, values", chart.title), html! {
                    thead { tr { th scope="col" { "week" } @for line in &chart.lines { th scope="col" { bdi { (line.name) } } } } }
                    tbody {
                        @for (week, name) in chart.weeks.iter().enumerate() {
                            tr {
                                th scope="row" { (name) }
                                @for line in &chart.lines {
                                    td {
                                        @if let Some((shown, interval, is_flagged)) = value(line, week) {
                                            @if is_flagged { span class="worse" { (WORSE) " " } } (shown)
                                            @if let Some((low, high)) = interval {
                                                small { (chart.unit.shown(low)) " to " (chart.unit.shown(high)) }
                                            }
                                        } @else { "-" }
                                    }
                                }
                            }
                        }
                    }
                }))
            }
        }
    }
}

/// Returns a table that scrolls by itself if it is wider than the page, also by the keyboard.
fn scroll(label: &str, rows: Markup) -> Markup {
    html! { div class="scroll" role="region" tabindex="0" aria-label=(label) { table { (rows) } } }
}

fn of_model(review: &Review, model: &Model) -> Markup {
    let weeks = || review.weeks.iter().map(|week| (*week, model.week(*week)));
    let traffic: Vec<_> = TRAFFIC.iter().map(|(head, _)| (*head).to_owned()).collect();
    let all = review.measures();
    let measures: Vec<_> = all.iter().filter(|measure| **measure != Measure::Errors).collect();
    let heads = measures.iter().map(|measure| name(measure.name())).chain(["judge = users".to_owned()]);
    html! {
        section {
            h2 { bdi { (name(&model.model)) } }
            (table("Traffic", &traffic, weeks(), &|week| html! {
                @for (_, cell) in TRAFFIC { td { (cell(week)) } }
            }))
            (table("Quality, with 95 % intervals, and the change against the week before", &heads.collect::<Vec<_>>(), weeks(), &|week| html! {
                @for measure in &measures { td { (quality(week.measured(measure))) } }
                td { (agreement(week)) }
            }))
            @for week in model.weeks.iter().rev().filter(|week| !week.worst.is_empty()) { (worst(week)) }
        }
    }
}

fn table<'a>(
    caption: &str,
    heads: &[String],
    weeks: impl Iterator<Item = (Week, Option<&'a ModelWeek>)>,
    cells: &dyn Fn(&ModelWeek) -> Markup,
) -> Markup {
    // The title is above the scrolling part, so that a phone shows all of it.
    let rows = html! {
            thead { tr { th scope="col" { "week" } @for head in heads { th scope="col" { bdi { (head) } } } } }
            tbody {
                @for (week, of_model) in weeks {
                    tr {
                        th scope="row" { (week) @if of_model.is_some_and(|week| week.is_so_far) { " so far" } }
                        @if let Some(of_model) = of_model { (cells(of_model)) }
                        @else { td colspan=(heads.len()) { "no exchange" } }
                    }
                }
            }
    };
    html! { h3 class="title" { (caption) } (scroll(caption, rows)) }
}

fn quality(measured: Option<&MeasuredValue>) -> Markup {
    let Some(measured) = measured else { return html! { "-" } };
    let value = |value| shown(&measured.measure, value);
    let (class, sign) = match measured.judgement.verdict {
        Verdict::Worse => ("worse", WORSE),
        Verdict::Better => ("better", BETTER),
        Verdict::Noise | Verdict::NotCompared => ("", ""),
    };
    html! {
        @if sign.is_empty() { (value(measured.value)) }
        @else { span class=(class) { (sign) " " (value(measured.value)) } }
        small {
            @if let Some((low, high)) = measured.interval { (value(low)) " to " (value(high)) ", " }
            "n " (measured.n)
        }
        @if let Some(before) = measured.judgement.against_week_before {
            small { (change(&measured.measure, Some(measured))) ", " (p(before.by.p)) }
        }
    }
}

fn worst(week: &ModelWeek) -> Markup {
    let has_drift = week.measures.iter().any(|measured| measured.judgement.verdict == Verdict::Worse);
    html! {
        details open[has_drift] {
            summary { (week.week) ": the worst exchanges (" (week.worst.len()) ")" }
            ol class="exchanges" { @for bad in &week.worst { li { (exchange(bad)) } } }
        }
    }
}

fn exchange(bad: &WorstExchange) -> Markup {
    html! {
        div class="soft" { (bad.at) ", trace " code { (name(&bad.trace_id)) } }
        dl {
            @if let Some(question) = &bad.question { dt { "asked" } dd { (foreign(question)) } }
            @if let Some(answer) = &bad.answer { dt { "answer" } dd { (foreign(answer)) } }
            @for word in &bad.words { (said(word)) }
        }
    }
}

fn said(word: &Annotation) -> Markup {
    html! {
        dt { @if word.is_by_user { "user" } @else { bdi { (name(&word.name)) } } }
        dd {
            strong { (name(&word.label)) }
            @if let Some(explanation) = &word.explanation { " " (foreign(explanation)) }
        }
    }
}

/// Returns foreign text in an element with its own direction.
fn foreign(text: &str) -> Markup {
    html! { bdi { (plain(text)) } }
}
