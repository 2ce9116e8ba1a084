//! A Rust file as far as these tests read it: what is code, what is a comment or the inside of a literal.

use std::collections::BTreeSet;
use std::path::Path;

use simulators::workspace::workspace_dir;

pub struct Source {
    /// From the workspace on, with slashes.
    pub path: String,
    pub text: String,
    /// The text with comments and the insides of literals blanked out, line by line as it was.
    code: String,
}

impl Source {
    /// Every Rust file below a folder, but for build results.
    pub fn below(folder: &str) -> Vec<Self> {
        let mut paths = Vec::new();
        collect(&workspace_dir().join(folder), &mut paths);
        paths.sort();
        assert!(!paths.is_empty(), "no Rust file below {folder}");
        paths.into_iter().map(Self::read).collect()
    }

    fn read(path: String) -> Self {
        let text = std::fs::read_to_string(workspace_dir().join(&path)).unwrap();
        Self { path, code: blank(&text), text }
    }

    /// The top module of its crate that it belongs to.
    pub fn module(&self) -> String {
        let inside = self.path.split_once("src/").map_or(self.path.as_str(), |(_, inside)| inside);
        inside.split('/').next().unwrap_or("").trim_end_matches(".rs").to_owned()
    }

    /// Lines that ship, numbered: no comments, nothing from the first test module on. Literals are whole.
    pub fn shipped_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let is_test = self.path.ends_with("tests.rs") || self.path.contains("/tests/");
        let lines = self.text.lines().take_while(move |line| !is_test && line.trim() != "#[cfg(test)]");
        let lines = lines.zip(1..).map(|(line, number)| (number, line));
        lines.map(|(number, line)| (number, line.split("//").next().unwrap_or("")))
    }

    pub fn code_words(&self) -> BTreeSet<&str> {
        let shipped = self.code.split("#[cfg(test)]").next().unwrap_or("");
        shipped.split(|letter: char| !letter.is_alphanumeric() && letter != '_').collect()
    }

    /// The modules behind every `crate::` that ships.
    pub fn crate_names(&self) -> BTreeSet<String> {
        if self.path.ends_with("tests.rs") || self.path.contains("/tests/") {
            return BTreeSet::new();
        }
        let shipped = self.code.split("#[cfg(test)]").next().unwrap_or("");
        let name = |after: &str| -> String {
            after.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect()
        };
        shipped.split("crate::").skip(1).map(name).collect()
    }

    /// Each function with a body, and its lines from `fn` to the closing brace.
    pub fn functions(&self) -> Vec<(String, usize)> {
        let mut functions = Vec::new();
        for (at, _) in self.code.match_indices("fn ") {
            let before = self.code[..at].chars().next_back();
            if before.is_some_and(|letter| letter.is_alphanumeric() || letter == '_') {
                continue;
            }
            let rest = &self.code[at..];
            let Some(body) = rest.find(['{', ';']).filter(|place| rest.as_bytes()[*place] == b'{') else {
                continue;
            };
            let name =
                rest[3..].chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect();
            let mut depth = 0;
            let end = rest[body..].char_indices().find(|(_, letter)| {
                depth += i32::from(*letter == '{') - i32::from(*letter == '}');
                depth == 0
            });
            let end = body + end.map_or(0, |(place, _)| place);
            functions.push((name, rest[..end].lines().count()));
        }
        functions
    }
}

fn collect(path: &Path, paths: &mut Vec<String>) {
    for entry in std::fs::read_dir(path).unwrap() {
        let entry = entry.unwrap().path();
        if entry.is_dir() && !entry.ends_with("target") {
            collect(&entry, paths);
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            let inside = entry.strip_prefix(workspace_dir()).unwrap();
            paths.push(inside.to_str().unwrap().replace('\\', "/"));
        }
    }
}

/// Blanks out comments and the insides of strings and characters; line ends stay.
fn blank(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let length = skipped(rest, code.chars().next_back());
        if length == 0 {
            code.push(letter);
            rest = &rest[letter.len_utf8()..];
            continue;
        }
        let (gone, after) = rest.split_at(length);
        code.extend(gone.chars().map(|letter| if letter == '\n' { '\n' } else { ' ' }));
        rest = after;
    }
    code
}

/// The bytes of the comment or the literal that `rest` begins with; 0 if it begins with code.
fn skipped(rest: &str, before: Option<char>) -> usize {
    let upto = |end: &str, from: usize| rest[from..].find(end).map_or(rest.len(), |at| from + at + end.len());
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with("/*") {
        return upto("*/", 2);
    }
    let in_word = before.is_some_and(|letter| letter.is_alphanumeric() || letter == '_');
    let hashes = rest.strip_prefix('r').map(|after| after.len() - after.trim_start_matches('#').len());
    if let Some(hashes) =
        hashes.filter(|hashes| (!in_word || before == Some('b')) && rest[1 + hashes..].starts_with('"'))
    {
        return upto(&format!("\"{}", "#".repeat(hashes)), hashes + 2);
    }
    if rest.starts_with('"') {
        return quoted(rest, '"');
    }
    // A character, not a lifetime: `'x'` or an escape.
    let is_character = rest.starts_with("'\\") || rest.chars().nth(2) == Some('\'');
    if rest.starts_with('\'') && is_character { quoted(rest, '\'') } else { 0 }
}

fn quoted(rest: &str, mark: char) -> usize {
    let mut escaped = false;
    for (at, letter) in rest.char_indices().skip(1) {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if letter == mark => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

#[test]
fn literals_and_comments_are_no_code() {
    let text = "fn a() { // }\n '{' ; \"}\\\"\" ; r#\"\"}\"# ; b'\\'' ; x::<'a>() /* } */ }\nfn b();";
    let source = Source { path: String::new(), code: blank(text), text: text.to_owned() };
    assert_eq!(source.functions(), [("a".to_owned(), 2)]);
    assert_eq!(source.code.lines().count(), 3);
    assert!(source.code.contains("x::<'a>()"));
}
