//! The keys of `judge`.

use super::{Bound, Fallback, Integer, Key, Kind, List, Number, Switch, UNBOUNDED, names};
use crate::formats;
use crate::limits;

pub(in crate::config) const PATH_DEFAULT: &str = "/v1/chat/completions";
pub(in crate::config) const WEIGHT: Integer = Integer::new("weight", 1, 0, UNBOUNDED);

/// The keys of each judge. Those of the first one are keys of `judge` itself.
pub(super) const TARGET: [Key; 7] = [
    Key::text("cluster", "Envoy cluster that reaches the judge.").required(),
    Key::text("authority", "Host of the judge's calls.").default(Fallback::Words("the value of `cluster`")),
    Key::text("path", "Path of the judge's chat completions API.")
        .within("starts with `/`")
        .default(Fallback::Text(PATH_DEFAULT)),
    Key::text("model", "Model that the judge is asked for.").required(),
    Key::text("provider", "Provider of that model, to find its price.")
        .default(Fallback::Text(formats::CHAT_API_PROVIDER)),
    Key::new("headers", Kind::Pairs, "Headers of the judge's calls, such as its API key.")
        .within("names in lower case, none that the filter sets itself")
        .default(Fallback::Json("{}"))
        .secret(),
    Key::integer(&WEIGHT, "", "Share of the calls, relative to the weights of the other judges."),
];
pub(in crate::config) const TARGET_NAMES: [&str; 7] = names(&TARGET);

/// The judges in addition to the first one.
pub(in crate::config) const JUDGES: List = List::at_most("judges", limits::JUDGES_MAX.saturating_sub(1));
pub(in crate::config) const PANEL: Switch = Switch { name: "panel", default: false };
pub(in crate::config) const SAMPLE_RATE: Number =
    Number { name: "sample_rate", default: Some(0.05), most: 1.0 };
pub(in crate::config) const RULES: List = List::any("rules");
pub(in crate::config) const CRITERIA: List = List::at_most("criteria", limits::CRITERIA_MAX);
pub(in crate::config) const HALLUCINATION: Switch = Switch { name: "hallucination", default: true };
pub(in crate::config) const CONTEXT: List = List::any("context");
pub(in crate::config) const TIMEOUT_MS: Integer =
    Integer::new("timeout_ms", limits::JUDGE_TIMEOUT_MS_DEFAULT, 1, limits::JUDGE_TIMEOUT_MS_MAX);
pub(in crate::config) const IN_FLIGHT: Integer = Integer::new(
    "max_in_flight",
    limits::JUDGE_IN_FLIGHT_DEFAULT as u64,
    1,
    limits::JUDGE_IN_FLIGHT_MAX as u64,
);
pub(in crate::config) const QUEUE: Integer =
    Integer::new("max_queue", limits::JUDGE_QUEUE_DEFAULT as u64, 1, limits::JUDGE_QUEUE_MAX as u64);
pub(in crate::config) const CHARS: Integer =
    Integer::new("max_chars", limits::JUDGE_CHARS_DEFAULT as u64, 1, limits::JUDGE_CHARS_MAX as u64);

pub(super) const JUDGE: [Key; 12] = [
    Key::list(&JUDGES, Kind::Objects, "Further judges, which share the calls with the first one by weight."),
    Key::switch(&PANEL, "Whether the first two judges both score each exchange."),
    Key::number(
        &SAMPLE_RATE,
        "",
        "Share of the exchanges that are scored, chosen by a hash of the trace id.",
    ),
    Key::list(&RULES, Kind::Objects, "Other shares for some exchanges. The first rule that matches decides."),
    Key::list(&CRITERIA, Kind::Objects, "Criteria that are scored from 1 to 5.")
        .default(Fallback::Words("faithfulness, relevance and completeness")),
    Key::switch(
        &HALLUCINATION,
        "Whether the judge also says if the answer states anything that the context does not.",
    ),
    Key::list(
        &CONTEXT,
        Kind::Mixed("list of names and objects"),
        "Places in the request that hold context: `system`, `tool_results`, `documents`, or an object.",
    )
    .default(Fallback::Json(r#"["tool_results", "documents", {"tag": "context"}]"#)),
    Key::integer(&TIMEOUT_MS, "ms", "Longest wait for one call to a judge."),
    Key::integer(&IN_FLIGHT, "", "Concurrent calls to judges in one worker."),
    Key::integer(&QUEUE, "", "Exchanges that wait for a judge in one worker. Further ones are `queue_full`."),
    Key::integer(
        &CHARS,
        "characters",
        "Longest exchange that is sent to a judge. A longer one is `too_large`.",
    ),
    Key::section("budget", "What judging may cost, over all workers."),
];
pub(in crate::config) const JUDGE_NAMES: [&str; 12] = names(&JUDGE);

const PATTERN: &str = "`*` stands for any characters";

pub(in crate::config) const RULE_SAMPLE_RATE: Number =
    Number { name: "sample_rate", default: None, most: 1.0 };

pub(super) const RULE: [Key; 5] = [
    Key::text("model", "Pattern for the model's name after `models.rename`.").within(PATTERN),
    Key::text("operation", "Pattern for the operation, such as `chat`.").within(PATTERN),
    Key::text("path", "Pattern for the request's path without its query.").within(PATTERN),
    Key::new("labels", Kind::Pairs, "Patterns for extra labels, by the label's name.")
        .within("names among `labels`")
        .default(Fallback::Json("{}")),
    Key::number(&RULE_SAMPLE_RATE, "", "Share of the matching exchanges that are scored.").required(),
];
pub(in crate::config) const RULE_NAMES: [&str; 5] = names(&RULE);

pub(in crate::config) const NEEDS_CONTEXT: Switch = Switch { name: "needs_context", default: false };

pub(super) const CRITERION: [Key; 4] = [
    Key::text("name", "Label `criterion`, and key of the judge's answer: letters, digits and _, unique.")
        .bound(Bound::Bytes { least: 1, most: limits::CRITERION_NAME_BYTES_MAX })
        .required(),
    Key::text("definition", "What the criterion means, in the words of the judge's prompt.").required(),
    Key::new("scale", Kind::Pairs, "What scores mean, by score.")
        .within("keys from `1` to `5`")
        .default(Fallback::Json("{}")),
    Key::switch(&NEEDS_CONTEXT, "Whether only answers with context are scored."),
];
pub(in crate::config) const CRITERION_NAMES: [&str; 4] = names(&CRITERION);

pub(super) const SOURCE: [Key; 3] = [
    Key::text("tag", "Context is between `<TAG>` and `</TAG>` in the user's last message.")
        .within("letters, digits, _ and -"),
    Key::text("header", "Context is in this request header.").within("in lower case"),
    Key::text(
        "pointer",
        "Context is at this JSON pointer in the request; `*` stands for every item of a list.",
    )
    .within("such as `/metadata/context`; without `~` and numbers"),
];
pub(in crate::config) const SOURCE_NAMES: [&str; 3] = names(&SOURCE);

pub(in crate::config) const CALLS: Integer =
    Integer::new("calls_per_minute", limits::JUDGE_CALLS_PER_MINUTE_DEFAULT, 1, UNBOUNDED);
pub(in crate::config) const TOKENS: Integer = Integer::new("tokens_per_hour", UNBOUNDED, 0, UNBOUNDED);
pub(in crate::config) const USD: Number = Number { name: "usd_per_hour", default: None, most: f64::INFINITY };

pub(super) const BUDGET: [Key; 3] = [
    Key::integer(&CALLS, "calls per minute", "Calls to judges."),
    Key::integer(&TOKENS, "tokens per hour", "Tokens that judges read and write."),
    Key::number(&USD, "USD per hour", "Cost of judges. Each judge's model needs a row in `prices`."),
];
pub(in crate::config) const BUDGET_NAMES: [&str; 3] = names(&BUDGET);
