//! The key `judge`, compiled.

use super::rubric::{self, Criterion};
use super::sample::{self, Facts, Rule, Sample};
use crate::config::Label;
use crate::config::keys::{Keys, is_header_name, refuse};
use crate::exhibit::Source;
use crate::formats;
use crate::limits;
use crate::pattern::Pattern;
use crate::tree::Tree;

/// How sampled exchanges are judged.
#[derive(Debug)]
pub struct Plan {
    /// At least one.
    pub(crate) judges: Vec<Judge>,
    /// Whether two judges score each exchange.
    pub(crate) is_panel: bool,
    threshold: u64,
    rules: Vec<Rule>,
    pub(crate) criteria: Vec<Criterion>,
    /// Whether a verdict says if anything was made up.
    pub(crate) asks_hallucination: bool,
    sources: Vec<Source>,
    pub(crate) timeout_ms: u64,
    pub(crate) in_flight_max: usize,
    pub(crate) queue_max: usize,
    chars_max: usize,
    pub(crate) limits: Limits,
}

/// One judge.
pub(crate) struct Judge {
    pub(crate) cluster: String,
    pub(crate) authority: String,
    pub(crate) path: String,
    pub(crate) model: String,
    pub(crate) provider: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) weight: u64,
}

/// Its headers may hold secrets.
impl core::fmt::Debug for Judge {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.cluster)
    }
}

/// What judging may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Calls in a minute.
    pub calls_per_minute: u64,
    /// Tokens in an hour.
    pub tokens_per_hour: u64,
    /// Nanodollars in an hour.
    pub nanodollars_per_hour: u64,
}

pub use crate::config::keys::Refusal;

const KEYS: &[&str] = &[
    "cluster",
    "authority",
    "path",
    "model",
    "provider",
    "headers",
    "weight",
    "judges",
    "panel",
    "sample_rate",
    "rules",
    "criteria",
    "hallucination",
    "context",
    "timeout_ms",
    "max_in_flight",
    "max_queue",
    "max_chars",
    "budget",
];

/// The keys that each judge has, of which the first one's stand among the others.
const TARGET_KEYS: &[&str] = &["cluster", "authority", "path", "model", "provider", "headers", "weight"];

impl Plan {
    /// Gives the key its meaning.
    pub fn compile(config: &Tree, labels: &[Label]) -> Result<Self, Refusal> {
        let keys = Keys::of(config, String::new(), KEYS)?;
        let rule = |(path, rule): (String, &Tree)| compile_rule(path, rule, labels);
        let rules = keys.list("rules")?.unwrap_or_default().into_iter().map(rule);
        let asks_hallucination = keys.switch("hallucination", true)?;
        let sources = match keys.list("context")? {
            None => vec![Source::ToolResults, Source::Documents, Source::Tag("context".to_owned())],
            Some(context) => context.into_iter().map(source).collect::<Result<_, _>>()?,
        };
        let count = |key: &str, default: usize, most: usize| {
            let number = usize::try_from(keys.positive(key, default as u64)?).unwrap_or(usize::MAX);
            if number > most {
                return keys.refuse(key, "expected a smaller number");
            }
            Ok(number)
        };
        let is_panel = keys.switch("panel", false)?;
        Ok(Self {
            judges: judges(&keys, is_panel)?,
            is_panel,
            threshold: threshold(&keys, 0.05)?,
            rules: rules.collect::<Result<_, _>>()?,
            criteria: criteria(&keys, asks_hallucination)?,
            asks_hallucination,
            sources,
            timeout_ms: timeout_ms(&keys)?,
            in_flight_max: count(
                "max_in_flight",
                limits::JUDGE_IN_FLIGHT_DEFAULT,
                limits::JUDGE_IN_FLIGHT_MAX,
            )?,
            queue_max: count("max_queue", limits::JUDGE_QUEUE_DEFAULT, limits::JUDGE_QUEUE_MAX)?,
            chars_max: count("max_chars", limits::JUDGE_CHARS_DEFAULT, limits::JUDGE_CHARS_MAX)?,
            limits: budget(&keys)?,
        })
    }

    /// Where context comes from.
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// Characters of one exchange that are shown.
    pub fn chars_max(&self) -> usize {
        self.chars_max
    }

    /// What is scored.
    pub fn criteria(&self) -> &[Criterion] {
        &self.criteria
    }

    /// The provider and the model of each judge.
    pub fn models(&self) -> impl Iterator<Item = (&str, &str)> {
        self.judges.iter().map(|judge| (judge.provider.as_str(), judge.model.as_str()))
    }

    /// What judging may cost.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Bytes of a judge's answer that are of use: one more tells that it is too long.
    pub fn reply_bytes(&self) -> usize {
        limits::JUDGE_REPLY_BYTES_MAX.saturating_add(1)
    }

    /// At the request's head: `None` if the exchange is not sampled whatever else is learnt. Where the model is not
    /// known yet it is sampled as long as some model would be.
    pub fn sample(&self, trace: &[u8; 16], facts: &Facts<'_>) -> Option<Sample> {
        Some(Sample::of(trace)).filter(|sample| facts.is_answer() && self.is_sampled(*sample, facts))
    }

    /// At the end, when the model is known.
    pub fn is_sampled(&self, sample: Sample, facts: &Facts<'_>) -> bool {
        sample.is_below(sample::threshold(&self.rules, self.threshold, facts))
    }
}

fn timeout_ms(keys: &Keys<'_>) -> Result<u64, Refusal> {
    match keys.positive("timeout_ms", limits::JUDGE_TIMEOUT_MS_DEFAULT)? {
        ms if ms > limits::JUDGE_TIMEOUT_MS_MAX => {
            keys.refuse("timeout_ms", format!("expected at most {}", limits::JUDGE_TIMEOUT_MS_MAX))
        }
        ms => Ok(ms),
    }
}

/// Of the numbers that a hash can be, how many are below `sample_rate`.
fn threshold(keys: &Keys<'_>, default: f64) -> Result<u64, Refusal> {
    let rate = keys.number("sample_rate")?.unwrap_or(default);
    if rate > 1.0 {
        return keys.refuse("sample_rate", "expected a number from 0 to 1");
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not negative; the cast ends at the top"
    )]
    Ok((rate * 18_446_744_073_709_551_616.0) as u64)
}

fn compile_rule(path: String, rule: &Tree, labels: &[Label]) -> Result<Rule, Refusal> {
    let keys = Keys::of(rule, path, &["model", "operation", "path", "labels", "sample_rate"])?;
    let mut of_labels = Vec::new();
    for (name, pattern) in keys.strings("labels")? {
        let Some(place) = labels.iter().position(|label| label.name == name) else {
            return keys.refuse("labels", ["`", name, "` is not among the configured labels"].concat());
        };
        of_labels.push((place, Pattern::new(pattern)));
    }
    let pattern = |key| Ok::<_, Refusal>(keys.text(key)?.map(Pattern::new));
    Ok(Rule {
        model: pattern("model")?,
        operation: pattern("operation")?,
        path: pattern("path")?,
        labels: of_labels,
        threshold: match keys.get("sample_rate") {
            None => return refuse(keys.path("sample_rate"), "expected a number from 0 to 1"),
            Some(_) => threshold(&keys, 0.0)?,
        },
    })
}

fn criteria(keys: &Keys<'_>, asks_hallucination: bool) -> Result<Vec<Criterion>, Refusal> {
    let Some(list) = keys.list("criteria")? else {
        return Ok(rubric::default());
    };
    if list.is_empty() && !asks_hallucination {
        return keys.refuse("criteria", "expected at least one criterion");
    }
    if list.len() > limits::CRITERIA_MAX {
        return keys.refuse("criteria", format!("expected at most {} criteria", limits::CRITERIA_MAX));
    }
    let mut criteria = Vec::<Criterion>::new();
    for (path, item) in list {
        let keys = Keys::of(item, path, &["name", "definition", "scale", "needs_context"])?;
        let name = keys.required("name")?;
        if !crate::metrics::is_label_name(name) {
            return keys.refuse("name", "expected lower-case letters, digits and _, a letter first");
        }
        if name.len() > limits::CRITERION_NAME_BYTES_MAX {
            let most = limits::CRITERION_NAME_BYTES_MAX;
            return keys.refuse("name", format!("expected at most {most} letters"));
        }
        if rubric::RESERVED.contains(&name) || criteria.iter().any(|other| other.name == name) {
            return keys.refuse("name", ["`", name, "` is taken"].concat());
        }
        let scale = keys.strings("scale")?;
        if scale.iter().any(|(step, _)| !matches!(*step, "1" | "2" | "3" | "4" | "5")) {
            return keys.refuse("scale", "expected scores from `1` to `5`");
        }
        let owned = |(step, meaning): (&str, &str)| (step.to_owned(), meaning.to_owned());
        criteria.push(Criterion {
            name: name.to_owned(),
            definition: keys.required("definition")?.to_owned(),
            scale: scale.into_iter().map(owned).collect(),
            needs_context: keys.switch("needs_context", false)?,
        });
    }
    Ok(criteria)
}

fn source((path, item): (String, &Tree)) -> Result<Source, Refusal> {
    match item.text() {
        Some("system") => return Ok(Source::System),
        Some("tool_results") => return Ok(Source::ToolResults),
        Some("documents") => return Ok(Source::Documents),
        Some(_) => return refuse(path, "expected `system`, `tool_results`, `documents`, or an object"),
        None => {}
    }
    let keys = Keys::of(item, path, &["tag", "header", "pointer"])?;
    match (keys.text("tag")?, keys.text("header")?, keys.text("pointer")?) {
        (Some(tag), None, None) => {
            let is_mark = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
            if tag.is_empty() || !tag.bytes().all(is_mark) {
                return keys.refuse("tag", "expected a name of letters, digits, _ and -");
            }
            Ok(Source::Tag(tag.to_owned()))
        }
        (None, Some(name), None) if is_header_name(name) => Ok(Source::Header(name.to_owned())),
        (None, Some(_), None) => keys.refuse("header", "expected a header's name in lower case"),
        (None, None, Some(pointer)) => pointer_of(&keys, pointer),
        _ => keys.refuse("tag", "expected one of `tag`, `header` and `pointer`"),
    }
}

fn pointer_of(keys: &Keys<'_>, pointer: &str) -> Result<Source, Refusal> {
    let Some(path) = pointer.strip_prefix('/').filter(|path| !path.is_empty()) else {
        return keys.refuse("pointer", "expected a JSON pointer such as `/metadata/context`");
    };
    let path: Vec<_> = path.split('/').map(str::to_owned).collect();
    if path.iter().any(|key| key.contains('~') || key.bytes().all(|byte| byte.is_ascii_digit())) {
        return keys.refuse("pointer", "expected keys without `~`, and `*` for every element of an array");
    }
    Ok(Source::Pointer(path))
}

fn budget(keys: &Keys<'_>) -> Result<Limits, Refusal> {
    let empty = Tree::Object(Vec::new());
    let known = ["calls_per_minute", "tokens_per_hour", "usd_per_hour"];
    let keys = Keys::of(keys.get("budget").unwrap_or(&empty), keys.path("budget"), &known)?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not negative; the cast ends at the top"
    )]
    let nanodollars = keys.number("usd_per_hour")?.map(|usd| (usd * 1e9) as u64);
    Ok(Limits {
        calls_per_minute: keys.positive("calls_per_minute", limits::JUDGE_CALLS_PER_MINUTE_DEFAULT)?,
        tokens_per_hour: keys.whole("tokens_per_hour")?.unwrap_or(u64::MAX),
        nanodollars_per_hour: nanodollars.unwrap_or(u64::MAX),
    })
}

fn judges(keys: &Keys<'_>, is_panel: bool) -> Result<Vec<Judge>, Refusal> {
    let mut judges = vec![judge(keys)?];
    for (path, target) in keys.list("judges")?.unwrap_or_default() {
        judges.push(judge(&Keys::of(target, path, TARGET_KEYS)?)?);
    }
    if judges.len() > limits::JUDGES_MAX {
        return keys
            .refuse("judges", format!("expected at most {} judges, the first included", limits::JUDGES_MAX));
    }
    if is_panel && judges.len() < 2 {
        return keys.refuse("panel", "expected a second judge in `judges`");
    }
    if judges.iter().all(|judge| judge.weight == 0) {
        return keys.refuse("weight", "expected a judge with a weight of at least 1");
    }
    Ok(judges)
}

fn judge(keys: &Keys<'_>) -> Result<Judge, Refusal> {
    let cluster = keys.required("cluster")?;
    let path = keys.text("path")?.unwrap_or("/v1/chat/completions");
    let is_visible = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
    if !path.starts_with('/') || !is_visible(path) {
        return keys.refuse("path", "expected a path such as `/v1/chat/completions`");
    }
    let authority = keys.text("authority")?.unwrap_or(cluster);
    // Without one it is the name of the cluster, which may be any text.
    if authority.is_empty() || !is_visible(authority) {
        return keys.refuse("authority", "expected a host such as `judge.internal`");
    }
    Ok(Judge {
        cluster: cluster.to_owned(),
        authority: authority.to_owned(),
        path: path.to_owned(),
        model: keys.required("model")?.to_owned(),
        provider: keys.text("provider")?.unwrap_or(formats::CHAT_API_PROVIDER).to_owned(),
        headers: keys.headers()?,
        weight: keys.whole("weight")?.unwrap_or(1),
    })
}

#[cfg(test)]
mod tests;
