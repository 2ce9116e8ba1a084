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
    texts: Vec<Text>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextKind {
    /// One paragraph of a doc comment, without its slashes.
    Doc,
    /// A run of comment lines, without their slashes.
    Comment,
    /// A string literal, with its quotes.
    Literal,
}

/// A comment or a literal, for tests of the language.
pub struct Text {
    pub kind: TextKind,
    pub text: String,
    /// Its first line, from 1.
    pub line: usize,
}

impl Text {
    fn lines(&self) -> usize {
        self.text.lines().count()
    }
}

/// A `struct`, `enum`, `trait`, `type` or `union`.
pub struct TypeDeclaration {
    pub name: String,
    /// The line it is declared in, from 1.
    pub line: usize,
    /// Whether it is visible outside its module, with any `pub`.
    pub is_public: bool,
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
        Self::of(&path, &text)
    }

    /// The source of a text, for the tests of these tests.
    pub fn of(path: &str, text: &str) -> Self {
        let (code, texts) = separate(text);
        Self { path: path.to_owned(), text: text.to_owned(), code, texts }
    }

    /// Comments and string literals, in order.
    pub fn texts(&self) -> &[Text] {
        &self.texts
    }

    /// Whether the whole file is a test's.
    pub fn is_test(&self) -> bool {
        self.path.ends_with("tests.rs") || self.path.contains("/tests/")
    }

    /// The types that the file declares, in tests as well.
    pub fn types(&self) -> Vec<TypeDeclaration> {
        let mut types = Vec::new();
        for (line, number) in self.code.lines().zip(1..) {
            let mut words = line.split_whitespace().peekable();
            let is_public = words.next_if(|word| word.starts_with("pub")).is_some();
            words.next_if(|word| *word == "unsafe");
            if !words.next().is_some_and(|word| ["struct", "enum", "trait", "type", "union"].contains(&word))
            {
                continue;
            }
            let Some(rest) = words.next() else { continue };
            let name = rest.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect();
            types.push(TypeDeclaration { name, line: number, is_public });
        }
        types
    }

    /// The top module of its crate that it belongs to.
    pub fn module(&self) -> String {
        let inside = self.path.split_once("src/").map_or(self.path.as_str(), |(_, inside)| inside);
        inside.split('/').next().unwrap_or("").trim_end_matches(".rs").to_owned()
    }

    /// Lines that ship, numbered: no comments, nothing from the first test module on. Literals are whole.
    pub fn shipped_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let is_test = self.is_test();
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
        if self.is_test() {
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

/// Separates code from texts: in the code, comments and literals are blanked out; line ends stay.
fn separate(text: &str) -> (String, Vec<Text>) {
    let mut code = String::with_capacity(text.len());
    let mut texts = Vec::new();
    let mut line = 1;
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let length = skipped(rest, code.chars().next_back());
        if length == 0 {
            code.push(letter);
            line += usize::from(letter == '\n');
            rest = &rest[letter.len_utf8()..];
            continue;
        }
        let (gone, after) = rest.split_at(length);
        add_text(&mut texts, gone, line);
        line += gone.matches('\n').count();
        code.extend(gone.chars().map(|letter| if letter == '\n' { '\n' } else { ' ' }));
        rest = after;
    }
    (code, texts)
}

/// Adds a comment or a literal; a comment line continues the comment that ended on the line before.
fn add_text(texts: &mut Vec<Text>, token: &str, line: usize) {
    let kind = match token {
        _ if token.starts_with("///") || token.starts_with("//!") => TextKind::Doc,
        _ if token.starts_with('/') => TextKind::Comment,
        _ => TextKind::Literal,
    };
    if kind == TextKind::Literal {
        return texts.push(Text { kind, text: token.to_owned(), line });
    }
    let text = token.trim_start_matches(['/', '!']).trim();
    let previous = texts.last_mut().filter(|last| last.kind == kind && last.line + last.lines() == line);
    match previous.filter(|last| !last.text.is_empty()) {
        Some(previous) if !text.is_empty() => {
            previous.text.push('\n');
            previous.text.push_str(text);
        }
        _ => texts.push(Text { kind, text: text.to_owned(), line }),
    }
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
    let source = Source::of("", text);
    assert_eq!(source.functions(), [("a".to_owned(), 2)]);
    assert_eq!(source.code.lines().count(), 3);
    assert!(source.code.contains("x::<'a>()"));
}
