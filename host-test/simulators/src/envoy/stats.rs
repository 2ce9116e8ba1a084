//! Prometheus text, as Envoy's `/stats/prometheus` prints it, parsed into a map that tests can compare.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use anyhow::{Context, Result, ensure};

/// The name and the labels of a series.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Series {
    /// The name of the metric. A histogram has three: `_bucket`, `_sum` and `_count`.
    pub name: String,
    /// Labels and their unescaped values.
    pub labels: BTreeMap<String, String>,
}

/// Every series of one scrape.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stats {
    series: BTreeMap<Series, f64>,
}

impl Stats {
    /// Reads the text form. Comments are skipped; a line that is neither a comment nor a sample is an error,
    /// as it would be for Prometheus, and so is a series that is there twice.
    pub fn parse(text: &str) -> Result<Self> {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let mut series = BTreeMap::new();
        for line in lines {
            let (key, value) = sample(line).with_context(|| format!("not a Prometheus sample: {line}"))?;
            ensure!(series.insert(key, value).is_none(), "this series is there twice: {line}");
        }
        Ok(Self { series })
    }

    /// Returns the value of the series with exactly these labels.
    #[must_use]
    pub fn get(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let labels = labels.iter().map(|&(label, value)| (label.to_owned(), value.to_owned())).collect();
        self.series.get(&Series { name: name.to_owned(), labels }).copied()
    }

    /// Returns the sum over all series of this name that have at least these labels; 0 if there are none.
    #[must_use]
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        // `sum()` is not used, because it returns -0 for an empty iterator.
        self.matching(name, labels).fold(0.0, |sum, (_, value)| sum + value)
    }

    /// Returns the values that a label has in series of this name.
    #[must_use]
    pub fn values_of(&self, name: &str, label: &str) -> Vec<String> {
        let mut values: Vec<_> =
            self.matching(name, &[]).filter_map(|(series, _)| series.labels.get(label).cloned()).collect();
        values.sort();
        values.dedup();
        values
    }

    /// Adds to a series, which begins at 0.
    pub fn add(&mut self, name: &str, labels: &[(&str, &str)], by: u64) {
        let labels = labels.iter().map(|&(label, value)| (label.to_owned(), value.to_owned())).collect();
        // Exact up to 2^53, which is also the limit in Prometheus.
        *self.series.entry(Series { name: name.to_owned(), labels }).or_default() += by as f64;
    }

    /// Returns the number of series.
    #[must_use]
    pub fn len(&self) -> usize {
        self.series.len()
    }

    /// Whether there are no series.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.series.is_empty()
    }

    /// Returns the series that satisfy `keep`.
    #[must_use]
    pub fn only(&self, keep: impl Fn(&Series) -> bool) -> Self {
        let kept = self.series.iter().filter(|(series, _)| keep(series));
        Self { series: kept.map(|(series, value)| (series.clone(), *value)).collect() }
    }

    /// Returns these series with one more label on each that lacks it.
    #[must_use]
    pub fn with_label(mut self, label: &str, value: &str) -> Self {
        let labelled = std::mem::take(&mut self.series).into_iter().map(|(mut series, number)| {
            series.labels.entry(label.to_owned()).or_insert_with(|| value.to_owned());
            (series, number)
        });
        self.series = labelled.collect();
        self
    }

    /// Returns the upper bound of the bucket in which the quantile lies, over all matching series of the histogram
    /// `name`.
    ///
    /// `None` without samples; infinite if it lies beyond the last bound. There is no interpolation: a histogram knows
    /// its bounds, and a number between two bounds is a guess.
    #[must_use]
    pub fn quantile(&self, name: &str, labels: &[(&str, &str)], quantile: f64) -> Option<f64> {
        let mut buckets: Vec<(f64, f64)> = Vec::new();
        for (series, value) in self.matching(&format!("{name}_bucket"), labels) {
            let bound = number(series.labels.get("le")?).ok()?;
            match buckets.iter_mut().find(|(known, _)| known.total_cmp(&bound).is_eq()) {
                Some((_, count)) => *count += value,
                None => buckets.push((bound, value)),
            }
        }
        buckets.sort_by(|(left, _), (right, _)| left.total_cmp(right));
        let wanted = buckets.last().map(|&(_, total)| total * quantile).filter(|wanted| *wanted > 0.0)?;
        buckets.iter().find(|(_, count)| *count >= wanted).map(|&(bound, _)| bound)
    }

    /// Returns the differences from `expected`, one line each with both values; empty if all values are equal.
    #[must_use]
    pub fn differences(&self, expected: &Self) -> Vec<String> {
        let mut lines = Vec::new();
        for (series, wanted) in &expected.series {
            match self.series.get(series) {
                Some(found) if found.total_cmp(wanted).is_eq() => {}
                Some(found) => lines.push(format!("{series}: expected {wanted}, found {found}")),
                None => lines.push(format!("{series}: expected {wanted}, found no such series")),
            }
        }
        let unexpected = self.series.iter().filter(|(series, _)| !expected.series.contains_key(series));
        lines.extend(
            unexpected.map(|(series, found)| format!("{series}: expected no such series, found {found}")),
        );
        lines
    }

    fn matching<'a>(
        &'a self,
        name: &'a str,
        labels: &'a [(&str, &str)],
    ) -> impl Iterator<Item = (&'a Series, f64)> {
        let has = move |series: &Series| {
            series.name == name
                && labels
                    .iter()
                    .all(|(label, value)| series.labels.get(*label).is_some_and(|found| found == value))
        };
        self.series.iter().filter(move |(series, _)| has(series)).map(|(series, value)| (series, *value))
    }
}

impl fmt::Display for Series {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.name)?;
        let mut separator = '{';
        for (label, value) in &self.labels {
            write!(out, "{separator}{label}={value:?}")?;
            separator = ',';
        }
        if self.labels.is_empty() { Ok(()) } else { out.write_char('}') }
    }
}

impl fmt::Display for Stats {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.series.iter().try_for_each(|(series, value)| writeln!(out, "{series} {value}"))
    }
}

/// Parses `name{label="value",...} number`.
fn sample(line: &str) -> Result<(Series, f64)> {
    let name_end = line.find(['{', ' ']).context("no value")?;
    let (name, rest) = line.split_at(name_end);
    let mut labels = BTreeMap::new();
    let value = match rest.strip_prefix('{') {
        None => rest,
        Some(rest) => read_labels(rest, &mut labels)?,
    };
    Ok((Series { name: name.to_owned(), labels }, number(value.trim())?))
}

/// Parses labels up to the closing brace, and returns the rest of the line.
fn read_labels<'a>(mut rest: &'a str, labels: &mut BTreeMap<String, String>) -> Result<&'a str> {
    loop {
        if let Some(after) = rest.strip_prefix('}') {
            return Ok(after);
        }
        let (label, quoted) = rest.split_once("=\"").context("a label has no quoted value")?;
        let (value, after) = unquote(quoted)?;
        ensure!(labels.insert(label.to_owned(), value).is_none(), "the label {label} is there twice");
        rest = after.strip_prefix(',').unwrap_or(after);
    }
}

/// Parses up to the closing quote. Returns the value without its escapes, and the rest after the quote.
fn unquote(text: &str) -> Result<(String, &str)> {
    let mut value = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Ok((value, text.get(at + 1..).unwrap_or_default())),
            '\\' => match letters.next().context("the line ends inside an escape")?.1 {
                'n' => value.push('\n'),
                escaped => value.push(escaped),
            },
            plain => value.push(plain),
        }
    }
    anyhow::bail!("a label's value has no closing quote")
}

/// Parses a number of Prometheus, infinities included.
fn number(text: &str) -> Result<f64> {
    match text {
        "+Inf" => Ok(f64::INFINITY),
        "-Inf" => Ok(f64::NEG_INFINITY),
        number => number.parse().with_context(|| format!("{number:?} is not a number")),
    }
}

#[cfg(test)]
mod tests {
    use super::Stats;

    const TEXT: &str = r#"
# TYPE llm_requests_total counter
llm_requests_total{model="a:free, \"b\\c\"",status="success"} 3
llm_requests_total{model="m",status="error"} 2
plain 18446744073709551611
lat_bucket{model="m",le="100"} 1
lat_bucket{model="m",le="250"} 9
lat_bucket{model="m",le="+Inf"} 10
"#;

    #[test]
    fn names_labels_and_values_survive() {
        let stats = Stats::parse(TEXT).unwrap();
        assert_eq!(
            stats.get("llm_requests_total", &[("status", "success"), ("model", "a:free, \"b\\c\"")]),
            Some(3.0)
        );
        assert_eq!(stats.sum("llm_requests_total", &[]), 5.0);
        assert_eq!(stats.sum("llm_requests_total", &[("status", "error")]), 2.0);
        assert_eq!(stats.sum("absent", &[]).to_string(), "0");
        assert_eq!(
            stats.get("llm_requests_total", &[("status", "error")]),
            None,
            "labels have to be all of them"
        );
        assert_eq!(Stats::parse(&stats.to_string()).unwrap(), stats);
        assert_eq!(stats.values_of("llm_requests_total", "status"), ["error", "success"]);
    }

    #[test]
    fn quantiles_are_bucket_bounds() {
        let stats = Stats::parse(TEXT).unwrap();
        assert_eq!(stats.quantile("lat", &[], 0.1), Some(100.0));
        assert_eq!(stats.quantile("lat", &[("model", "m")], 0.5), Some(250.0));
        assert_eq!(stats.quantile("lat", &[], 0.95), Some(f64::INFINITY));
        assert_eq!(stats.quantile("absent", &[], 0.5), None);
    }

    #[test]
    fn invalid_samples_are_refused() {
        for bad in ["a 1\na 2", "name", "name{a=\"b\" 1", "name{a=b} 1", "name x", "name{a=\"1\",a=\"2\"} 1"]
        {
            assert!(Stats::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn differences_name_both_values() {
        let found = Stats::parse("a 1\nb 2").unwrap();
        let expected = Stats::parse("a 1\nb 3\nc 4").unwrap();
        assert_eq!(
            found.differences(&expected),
            ["b: expected 3, found 2", "c: expected 4, found no such series"]
        );
        assert_eq!(expected.differences(&found).len(), 2);
    }
}
