//! `cargo replay --without-each-rule`: which rules of a format its cases need.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use llm_gauge_engine::formats;
use simulators::case::Case;
use simulators::console;
use simulators::native::rules::{self, RulePart, RuleUse};
use simulators::workspace::cases_dir;

/// Reports for each rule of the format whether a case fails without it; fails if a rule is needed by no case.
pub fn run(format: &str, paths: &[PathBuf], json: bool) -> Result<ExitCode> {
    let row = formats::named(format).with_context(|| {
        format!("--without-each-rule: expected one of {}, got `{format}`", formats::names())
    })?;
    let cases = match paths {
        [] => Case::find(&[cases_dir()])?,
        paths => Case::find(paths)?,
    };
    let uses = rules::uses(row, &cases)?;
    if json {
        for rule in &uses {
            console::print_line(serde_json::to_string(rule)?)?;
        }
    } else {
        console::print(report(format, &uses))?;
    }
    let unneeded = uses.iter().filter(|rule| rule.needed_by.is_none()).count();
    console::note(format_args!("{} of {} rules are needed by a case", uses.len() - unneeded, uses.len()));
    Ok(if unneeded == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Returns the rules, each with the case that needs it, and then those that no case needs.
fn report(format: &str, uses: &[RuleUse]) -> String {
    let mut lines = Vec::new();
    let mut part = None;
    for rule in uses {
        if part.replace(rule.part) != Some(rule.part) {
            lines.push(part_name(rule.part).to_owned());
        }
        let mark = if rule.needed_by.is_some() { '✓' } else { '✗' };
        push_wrapped(&mut lines, &format!("  {mark} {}", rule.rule), "      ");
        // A case of the format itself goes by its name.
        let needed_by = rule.needed_by.as_deref().map(|case| match case.split_once('/') {
            Some((folder, name)) if folder == format => name,
            _ => case,
        });
        if let Some(case) = needed_by {
            push_wrapped(&mut lines, &format!("      {case}"), "      ");
        }
    }
    let unneeded: Vec<_> = uses.iter().filter(|rule| rule.needed_by.is_none()).collect();
    if !unneeded.is_empty() {
        lines.push("no case needs".to_owned());
        for rule in unneeded {
            push_wrapped(&mut lines, &format!("  {}: {}", part_name(rule.part), rule.rule), "      ");
        }
    }
    lines.push(String::new());
    lines.join("\n")
}

fn part_name(part: RulePart) -> &'static str {
    match part {
        RulePart::Request => "request",
        RulePart::ResponseHead => "response head",
        RulePart::Response => "response",
    }
}

/// Adds a line, which goes on in further lines where it is wider than a terminal. A word is never cut.
fn push_wrapped(lines: &mut Vec<String>, text: &str, indent: &str) {
    let mut line = String::new();
    for word in text.split_inclusive(' ') {
        let is_blank = line.trim().is_empty();
        if !is_blank && line.chars().count() + word.trim_end().chars().count() > console::COLUMNS {
            lines.push(line.trim_end().to_owned());
            line = indent.to_owned();
        }
        line.push_str(word);
    }
    lines.push(line.trim_end().to_owned());
}

#[cfg(test)]
mod tests;
