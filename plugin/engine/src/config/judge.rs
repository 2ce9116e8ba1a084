//! Compiles the section `judge`.

use super::keys::judge::{
    BUDGET_NAMES, CALLS, CHARS, CONTEXT, CRITERIA, CRITERION_NAMES, HALLUCINATION, IN_FLIGHT, JUDGE_NAMES,
    JUDGES, NEEDS_CONTEXT, PANEL, PATH_DEFAULT, QUEUE, RULE_NAMES, RULE_SAMPLE_RATE, RULES, SAMPLE_RATE,
    SOURCE_NAMES, TARGET_NAMES, TIMEOUT_MS, TOKENS, USD, WEIGHT,
};
use super::keys::{Number, UNBOUNDED};
use super::section::{Item, Section, displayed, is_header_name, quoted};
use super::{ConfigError, Label};
use crate::formats;
use crate::judge::capture::ContextSource;
use crate::judge::{self, BudgetLimits, Criterion, Judge, JudgePlan, SampleRule};
use crate::limits;
use crate::metrics::is_label_name;
use crate::pattern::Pattern;
use crate::price::PriceTable;

/// Compiles the section. `None` if it is absent.
pub(super) fn read(
    document: &Section<'_>,
    labels: &[Label],
    prices: Option<&PriceTable>,
) -> Result<Option<JudgePlan>, ConfigError> {
    let Some(item) = document.item("judge") else {
        return Ok(None);
    };
    let judge = Section::new(item, &[&TARGET_NAMES[..], &JUDGE_NAMES].concat())?;
    let is_panel = judge.switch(&PANEL)?;
    let judges = judges(&judge, is_panel)?;
    let rules = judge.list(&RULES)?.unwrap_or_default().into_iter().map(|item| rule(item, labels));
    let asks_hallucination = judge.switch(&HALLUCINATION)?;
    let sources = match judge.list(&CONTEXT)? {
        None => vec![
            ContextSource::ToolResults,
            ContextSource::Documents,
            ContextSource::Tag("context".to_owned()),
        ],
        Some(context) => context.into_iter().map(source).collect::<Result<_, _>>()?,
    };
    Ok(Some(JudgePlan {
        is_panel,
        threshold: threshold(&judge, &SAMPLE_RATE)?,
        rules: rules.collect::<Result<_, _>>()?,
        criteria: criteria(&judge, asks_hallucination)?,
        asks_hallucination,
        sources,
        timeout_ms: judge.integer(&TIMEOUT_MS)?,
        in_flight_max: judge.size(&IN_FLIGHT)?,
        queue_max: judge.size(&QUEUE)?,
        chars_max: judge.size(&CHARS)?,
        limits: budget(&judge.section("budget", &BUDGET_NAMES)?, &judges, prices)?,
        judges,
    }))
}

fn judges(first: &Section<'_>, is_panel: bool) -> Result<Vec<Judge>, ConfigError> {
    let mut judges = vec![target(first)?];
    for item in first.list(&JUDGES)?.unwrap_or_default() {
        judges.push(target(&Section::new(item, &TARGET_NAMES)?)?);
    }
    if is_panel && judges.len() < 2 {
        return first.refuse("panel", "a second judge in `judges`", "one judge");
    }
    if judges.iter().all(|judge| judge.weight == 0) {
        return first.refuse("weight", "at least 1 for one of the judges", "0");
    }
    Ok(judges)
}

fn target(judge: &Section<'_>) -> Result<Judge, ConfigError> {
    let cluster = judge.filled_text("cluster")?;
    let model = judge.filled_text("model")?;
    let path = judge.text("path")?.unwrap_or(PATH_DEFAULT);
    let is_visible = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
    if !path.starts_with('/') || !is_visible(path) {
        return judge.refuse_value("path", ["a path such as ", &quoted(PATH_DEFAULT)].concat());
    }
    // The default is the name of the cluster, which may be any text.
    let authority = judge.text("authority")?.unwrap_or(cluster);
    if authority.is_empty() || !is_visible(authority) {
        return judge.refuse("authority", "a host such as `judge.internal`", quoted(authority));
    }
    Ok(Judge {
        cluster: cluster.to_owned(),
        authority: authority.to_owned(),
        path: path.to_owned(),
        model: model.to_owned(),
        provider: judge.text("provider")?.unwrap_or(formats::CHAT_API_PROVIDER).to_owned(),
        headers: judge.headers()?,
        weight: judge.integer(&WEIGHT)?,
    })
}

/// Reads a sample rate, and returns the number of hash values below its threshold.
fn threshold(section: &Section<'_>, key: &Number) -> Result<u64, ConfigError> {
    let Some(rate) = section.number(key)? else {
        return section.refuse_value(key.name, "a number");
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not negative; the cast saturates"
    )]
    Ok((rate * 18_446_744_073_709_551_616.0) as u64)
}

fn rule(item: Item<'_>, labels: &[Label]) -> Result<SampleRule, ConfigError> {
    let rule = Section::new(item, &RULE_NAMES)?;
    let mut label_patterns = Vec::new();
    for (name, pattern) in rule.pairs("labels")? {
        let Some(index) = labels.iter().position(|label| label.name == name) else {
            return rule.refuse("labels", "names of labels in `labels`", quoted(name));
        };
        label_patterns.push((index, Pattern::new(pattern)));
    }
    let pattern = |key| Ok::<_, ConfigError>(rule.text(key)?.map(Pattern::new));
    Ok(SampleRule {
        model: pattern("model")?,
        operation: pattern("operation")?,
        path: pattern("path")?,
        labels: label_patterns,
        threshold: threshold(&rule, &RULE_SAMPLE_RATE)?,
    })
}

fn criteria(judge: &Section<'_>, asks_hallucination: bool) -> Result<Vec<Criterion>, ConfigError> {
    let Some(items) = judge.list(&CRITERIA)? else {
        return Ok(judge::default_criteria());
    };
    if items.is_empty() && !asks_hallucination {
        return judge.refuse(CRITERIA.name, "at least 1 item if `hallucination` is `off`", "0");
    }
    let mut criteria = Vec::new();
    for item in items {
        let criterion = criterion(&Section::new(item, &CRITERION_NAMES)?, &criteria)?;
        criteria.push(criterion);
    }
    Ok(criteria)
}

fn criterion(criterion: &Section<'_>, before: &[Criterion]) -> Result<Criterion, ConfigError> {
    let name = criterion.filled_text("name")?;
    if !is_label_name(name) {
        return criterion.refuse_value("name", "lower-case letters, digits and _, a letter first");
    }
    if name.len() > limits::CRITERION_NAME_BYTES_MAX {
        let expected = format!("at most {} letters", limits::CRITERION_NAME_BYTES_MAX);
        return criterion.refuse("name", expected, name.len().to_string());
    }
    if judge::RESERVED.contains(&name) || before.iter().any(|other| other.name == name) {
        return criterion.refuse_value("name", "a name that is not taken");
    }
    let scale = criterion.pairs("scale")?;
    if let Some((score, _)) = scale.iter().find(|(score, _)| !matches!(*score, "1" | "2" | "3" | "4" | "5")) {
        return criterion.refuse("scale", "scores from `1` to `5`", quoted(score));
    }
    let owned = |(score, meaning): (&str, &str)| (score.to_owned(), meaning.to_owned());
    Ok(Criterion {
        name: name.to_owned(),
        definition: criterion.filled_text("definition")?.to_owned(),
        scale: scale.into_iter().map(owned).collect(),
        needs_context: criterion.switch(&NEEDS_CONTEXT)?,
    })
}

fn source(item: Item<'_>) -> Result<ContextSource, ConfigError> {
    match item.1.text() {
        Some("system") => return Ok(ContextSource::System),
        Some("tool_results") => return Ok(ContextSource::ToolResults),
        Some("documents") => return Ok(ContextSource::Documents),
        Some(_) => {
            let expected = "`system`, `tool_results`, `documents`, or an object";
            return Err(ConfigError::new(item.0, expected, displayed(item.1)));
        }
        None => {}
    }
    let source = Section::new(item, &SOURCE_NAMES)?;
    match (source.text("tag")?, source.text("header")?, source.text("pointer")?) {
        (Some(tag), None, None) => {
            let is_mark = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
            if tag.is_empty() || !tag.bytes().all(is_mark) {
                return source.refuse_value("tag", "letters, digits, _ and -");
            }
            Ok(ContextSource::Tag(tag.to_owned()))
        }
        (None, Some(name), None) if is_header_name(name) => Ok(ContextSource::Header(name.to_owned())),
        (None, Some(_), None) => source.refuse_value("header", "a header name in lower case"),
        (None, None, Some(pointer)) => json_pointer(&source, pointer),
        (None, None, None) => source.refuse_value("tag", "one of `tag`, `header` and `pointer`"),
        _ => source.refuse("tag", "one of `tag`, `header` and `pointer`", "several"),
    }
}

fn json_pointer(source: &Section<'_>, pointer: &str) -> Result<ContextSource, ConfigError> {
    let Some(path) = pointer.strip_prefix('/').filter(|path| !path.is_empty()) else {
        return source.refuse_value("pointer", "a JSON pointer such as `/metadata/context`");
    };
    let path: Vec<_> = path.split('/').map(str::to_owned).collect();
    if path.iter().any(|key| key.contains('~') || key.bytes().all(|byte| byte.is_ascii_digit())) {
        return source.refuse_value("pointer", "keys without `~`, and `*` for every item of a list");
    }
    Ok(ContextSource::Pointer(path))
}

fn budget(
    budget: &Section<'_>,
    judges: &[Judge],
    prices: Option<&PriceTable>,
) -> Result<BudgetLimits, ConfigError> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not negative; the cast saturates"
    )]
    let nanodollars_per_hour = budget.number(&USD)?.map_or(UNBOUNDED, |usd| (usd * 1e9) as u64);
    let is_priced =
        |judge: &&Judge| prices.is_some_and(|table| table.find(&judge.provider, &judge.model).is_some());
    // A cost that cannot be computed cannot be bounded.
    if let Some(judge) = judges.iter().find(|judge| nanodollars_per_hour != UNBOUNDED && !is_priced(judge)) {
        let expected =
            ["a row in `prices` for the model ", &quoted(&judge.model), " of ", &quoted(&judge.provider)];
        return budget.refuse(USD.name, expected.concat(), "none");
    }
    Ok(BudgetLimits {
        calls_per_minute: budget.integer(&CALLS)?,
        tokens_per_hour: budget.integer(&TOKENS)?,
        nanodollars_per_hour,
    })
}
