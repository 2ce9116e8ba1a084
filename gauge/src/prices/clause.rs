//! Converts the package's clauses for model names to patterns of the filter, so that no lookup needs regular
//! expressions. A clause that cannot be converted exactly is an error.

use serde::Deserialize;

/// A condition on model names in the package. Names are compared in lower case.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Clause {
    /// The whole name.
    Equals(String),
    /// The beginning of the name.
    StartsWith(String),
    /// The end of the name.
    EndsWith(String),
    /// A part of the name.
    Contains(String),
    /// A Python regular expression, which may match anywhere.
    Regex(String),
    /// Any of the clauses.
    Or(Vec<Clause>),
    /// All of the clauses.
    And(Vec<Clause>),
}

/// Name patterns, and exceptions from them.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Names {
    /// Patterns in which `*` stands for anything and `#` for a digit.
    pub names: Vec<String>,
    /// Patterns of names that match but are not meant.
    pub except: Vec<String>,
}

/// The one look-ahead in use, `no part is tts`, as exceptions.
const NOT_SPEECH: (&str, &[&str]) = ("^(?!.*-[tT][tT][sS](?:$|-))", &["*-tts", "*-tts-*"]);

impl Clause {
    /// Returns the patterns of the clause, grouped by exceptions. The error is the part that cannot be converted.
    pub fn names(&self) -> Result<Vec<Names>, String> {
        let mut groups: Vec<Names> = Vec::new();
        for found in self.parts()? {
            match groups.iter_mut().find(|group| group.except == found.except) {
                Some(group) => group.names.extend(found.names),
                None => groups.push(found),
            }
        }
        for group in &mut groups {
            drop_covered(&mut group.names);
        }
        Ok(groups)
    }

    fn parts(&self) -> Result<Vec<Names>, String> {
        let one = |name: String| Ok(vec![Names { names: vec![name], except: Vec::new() }]);
        match self {
            Self::Equals(text) => one(plain(text)?),
            Self::StartsWith(text) => one(format!("{}*", plain(text)?)),
            Self::EndsWith(text) => one(format!("*{}", plain(text)?)),
            Self::Contains(text) => one(format!("*{}*", plain(text)?)),
            Self::Regex(regex) => {
                let names = names_of_regex(regex).ok_or_else(|| format!("the expression {regex}"))?;
                Ok(vec![Names { names, except: Vec::new() }])
            }
            Self::Or(clauses) => Ok(clauses.iter().map(Self::parts).collect::<Result<Vec<_>, _>>()?.concat()),
            Self::And(clauses) => both(clauses),
        }
    }
}

/// Combines a clause for names with one for exceptions.
fn both(clauses: &[Clause]) -> Result<Vec<Names>, String> {
    let is_speech = |clause: &&Clause| matches!(clause, Clause::Regex(regex) if regex == NOT_SPEECH.0);
    let [clause] = clauses.iter().filter(|clause| !is_speech(clause)).collect::<Vec<_>>()[..] else {
        return Err(format!("{clauses:?}"));
    };
    let mut parts = clause.parts()?;
    for part in &mut parts {
        part.except.extend(NOT_SPEECH.1.iter().map(|name| (*name).to_owned()));
    }
    Ok(parts)
}

/// Returns a literal name, which must not contain a special character.
fn plain(text: &str) -> Result<String, String> {
    match text.contains(['*', '#', ' ']) {
        true => Err(format!("the name {text}")),
        false => Ok(text.to_lowercase()),
    }
}

/// Removes names that another name covers.
fn drop_covered(names: &mut Vec<String>) {
    let all = names.clone();
    let covers = |name: &str, other: &str| {
        let parsed = llm_gauge_engine::price::ModelName::new(name);
        name != other && !other.contains(['*', '#']) && parsed.is_some_and(|name| name.fits(other))
    };
    names.retain(|other| !all.iter().any(|name| covers(name, other)));
    let mut seen = std::collections::BTreeSet::new();
    names.retain(|name| seen.insert(name.clone()));
}

/// Returns the names that a simple expression matches: `^`, letters, `\d{8}`, `[-@]`, `(…)?`, `$`. `None` for others.
pub fn names_of_regex(regex: &str) -> Option<Vec<String>> {
    let (inner, is_whole) = match regex.strip_prefix('^')?.strip_suffix('$') {
        Some(inner) => (inner, true),
        None => (regex.strip_prefix('^')?, false),
    };
    let mut names = expanded(inner)?;
    for name in names.iter_mut().filter(|_| !is_whole) {
        name.push('*');
    }
    Some(names)
}

/// Returns everything that the inside of an expression matches.
fn expanded(mut rest: &str) -> Option<Vec<String>> {
    let mut names = vec![String::new()];
    while let Some(letter) = rest.chars().next() {
        let options: Vec<String>;
        (options, rest) = match letter {
            '\\' => escaped(&rest[1..])?,
            '[' => {
                let (letters, after) = rest[1..].split_once(']')?;
                // A dash is only literal at the beginning, and a caret negates the class.
                let is_plain = !letters.contains(['\\', '^']) && !letters.get(1..)?.contains('-');
                is_plain.then_some((letters.chars().map(String::from).collect(), after))?
            }
            '(' => {
                let (inner, after) = rest[1..].split_once(")?")?;
                let mut options = (!inner.contains(['(', '|'])).then(|| expanded(inner)).flatten()?;
                options.push(String::new());
                (options, after)
            }
            'a'..='z' | '0'..='9' | '-' | '/' | '_' | '=' | ':' | '@' => {
                (vec![letter.to_string()], &rest[1..])
            }
            _ => return None,
        };
        // A repetition after any of these is not supported.
        if rest.starts_with(['?', '*', '+', '{']) {
            return None;
        }
        let longer =
            |name: &String| options.iter().map(|option| format!("{name}{option}")).collect::<Vec<_>>();
        names = names.iter().flat_map(longer).collect();
    }
    Some(names)
}

/// Parses an escape: a digit, some digits, or a literal character.
fn escaped(rest: &str) -> Option<(Vec<String>, &str)> {
    let letter = rest.chars().next()?;
    let rest = rest.get(letter.len_utf8()..)?;
    match (letter, rest.strip_prefix('{')) {
        ('d', Some(counted)) => {
            let (count, after) = counted.split_once('}')?;
            Some((vec!["#".repeat(count.parse().ok()?)], after))
        }
        ('d', None) => Some((vec!["#".to_owned()], rest)),
        _ if letter.is_ascii_punctuation() && !"*#".contains(letter) => {
            Some((vec![letter.to_string()], rest))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::names_of_regex;

    #[test]
    fn simple_expressions_become_names() {
        for (regex, names) in [
            (r"^talk-5-\d{8}$", &["talk-5-########"][..]),
            (r"^talk-5\.1-\d", &["talk-5.1-#*"]),
            (r"^talk[-@]\d{2}$", &["talk-##", "talk@##"]),
            (r"^(acme/)?talk(-\d)?$", &["acme/talk-#", "acme/talk", "talk-#", "talk"]),
            (r"^talk\[fast=true\]$", &["talk[fast=true]"]),
        ] {
            assert_eq!(names_of_regex(regex).unwrap(), names, "{regex}");
        }
        for regex in
            ["talk", "^talk.*", r"^talk-\d+", "^(talk|walk)$", "^(?!talk)", "^[a-z]$", "^talks?", r"^\w$"]
        {
            assert_eq!(names_of_regex(regex), None, "{regex}");
        }
    }
}
