//! The page and the picture, with hostile contents, and in a real browser.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use collector::review::sample::SamplePlan;
use collector::review::{html, text};
use simulators::workspace::workspace_dir;

use super::*;

const PHONE_PX: u32 = 360;
const DESKTOP_PX: u32 = 1_280;
/// Hostile contents of comments, prompts, answers, model names and criteria.
const HOSTILE: [&str; 6] = [
    "<script>document.title='owned'</script><img src=x onerror=alert(1)>",
    "\"'></bdi></style></svg><svg onload=alert(2)>",
    "\u{202e}gnp.exe\u{2066} \u{1b}[31mred\u{7}",
    "wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww",
    "漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字",
    "]]> &amp; --> {{7*7}} \u{0} שלום",
];

/// Exchanges with only hostile texts, in every place that has one.
fn hostile() -> Review {
    let mut made = TestDatabase::new();
    let mut evaluations = Vec::new();
    let mut spans = Vec::new();
    for (number, words) in (1..).zip(HOSTILE) {
        let of = span(number, words, week(2026, 20).plus(i64::from(number)), 1);
        spans.push(Span { input_text: Some(words.into()), output_text: Some(words.into()), ..of });
        let explained = |word: Evaluation| Evaluation { explanation: Some(words.into()), ..word };
        evaluations.push(explained(said(number, words, "2", 2.0)));
        evaluations.push(explained(said(number, "user_feedback", "down", 0.0)));
        evaluations.push(explained(said(number, "hallucination", words, 1.0)));
    }
    made.keep(spans, evaluations);
    made.review(8)
}

fn sample() -> Review {
    let mut made = TestDatabase::new();
    SamplePlan::shown().keep(&mut made.store).unwrap();
    made.review(8)
}

/// Checks that every element is closed by its own name. Attributes and text cannot look like elements.
#[track_caller]
fn is_well_formed(markup: &str) {
    let mut open = Vec::new();
    let mut rest = markup;
    while let Some((_, tag)) = rest.split_once('<') {
        let (tag, after) = tag.split_once('>').unwrap();
        rest = after;
        let name = tag.split([' ', '\n']).next().unwrap();
        match name.strip_prefix('/') {
            Some(name) => {
                assert_eq!(open.pop(), Some(name), "closed before: {}", &rest[..rest.len().min(80)])
            }
            None if ["!DOCTYPE", "meta"].contains(&name) => {}
            None => open.push(name),
        }
        if name == "style" {
            rest = &rest[rest.find("</style>").unwrap()..];
        }
    }
    assert_eq!(open, [""; 0]);
}

#[test]
fn markup_is_well_formed_and_asks_for_nothing_from_elsewhere() {
    for review in [sample(), hostile(), TestDatabase::new().review(8)] {
        for markup in [html::page(&review), html::picture(&review)] {
            is_well_formed(&markup);
            let addresses = markup.matches("://").count();
            let own = markup.matches("http://www.w3.org/2000/svg").count();
            assert_eq!(addresses, own, "an address that is not the name of SVG");
            for never in ["<script", "<img", "<link", "@import", "url(", "\u{202e}", "\u{1b}", "\u{0}"] {
                assert!(!markup.contains(never), "{never:?}");
            }
        }
    }
}

/// `cargo gauge review --sample sample.db && cargo gauge review --db sample.db --svg envoy/telemetry/review.svg` draws
/// it.
#[test]
fn the_picture_in_readme_is_what_is_drawn() {
    let drawn = html::picture(&sample());
    let kept = fs::read_to_string(workspace_dir().join("envoy/telemetry/review.svg")).unwrap();
    assert!(kept == drawn, "envoy/telemetry/review.svg differs from the generated picture");
    assert!(kept.len() < 60_000, "{} bytes", kept.len());
}

#[test]
fn text_keeps_to_its_columns_and_sends_a_terminal_nothing_to_obey() {
    for review in [sample(), hostile()] {
        let text = text::text(&review);
        for line in text.lines() {
            let columns = textwrap::core::display_width(line);
            assert!(columns <= 100, "{columns} columns: {line}");
        }
        let obeyed: Vec<_> = text.chars().filter(|letter| letter.is_control() && *letter != '\n').collect();
        assert_eq!(obeyed, []);
        assert!(!text.contains('\u{202e}'));
    }
}

/// The result of a page in a browser: an element's attributes, and the output on its console.
struct RenderedPage {
    dom: String,
    console: String,
}

/// Shows a page in a frame of a given width, because the minimum width of a window is more than a phone's.
fn browse(browser: &str, page: &str, width_px: u32) -> RenderedPage {
    let folder = tempfile::tempdir().unwrap();
    let escaped = page.replace('&', "&amp;").replace('"', "&quot;");
    let harness = format!(
        "<!DOCTYPE html><meta charset=utf-8><title>harness</title>\
         <iframe id=f style='width:{width_px}px;height:900px;border:0' srcdoc=\"{escaped}\"></iframe>\
         <script>onload = () => {{ const inside = document.getElementById('f').contentDocument;\
         for (const details of inside.querySelectorAll('details')) details.open = true;\
         const seen = document.createElement('output');\
         seen.textContent = ['seen', inside.documentElement.scrollWidth, inside.scripts.length,\
           inside.querySelectorAll('figure svg').length, inside.querySelectorAll('table').length,\
           [...inside.querySelectorAll('figure svg')].filter(svg => svg.getBoundingClientRect().width < 250).length,\
           inside.title].join('|'); document.body.replaceChildren(seen); }}</script>"
    );
    fs::write(folder.path().join("harness.html"), harness).unwrap();
    let output = Command::new("timeout")
        .args(["120", browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .args(["--enable-logging=stderr", "--hide-scrollbars", "--window-size=1400,1000", "--dump-dom"])
        .arg(format!("--user-data-dir={}", folder.path().join("profile").display()))
        .arg(format!("file://{}", folder.path().join("harness.html").display()))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let console = text(&output.stderr);
    let console = console.lines().filter(|line| line.contains("CONSOLE")).collect::<Vec<_>>().join("\n");
    RenderedPage { dom: text(&output.stdout), console }
}

/// Finds the browser under Debian's name or others.
fn browser() -> Option<&'static str> {
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let path = std::env::var_os("PATH")?;
    let folders: Vec<_> = std::env::split_paths(&path).collect();
    names.into_iter().find(|name| folders.iter().any(|folder| Path::new(&folder.join(name)).is_file()))
}

#[test]
fn a_browser_shows_the_page_on_a_phone_and_a_desk() {
    let Some(browser) = browser() else {
        // Written directly, since the test's output is captured: a skipped test should be visible.
        let words = b"SKIPPED: the page was not looked at, as there is no chromium (Debian: apt-get install chromium)\n";
        let _ = std::io::Write::write_all(&mut std::io::stderr().lock(), words);
        return;
    };
    for (name, review, charts, tables) in [("sample", sample(), 13, 19), ("hostile", hostile(), 16, 28)] {
        let page = html::page(&review);
        for width_px in [PHONE_PX, DESKTOP_PX] {
            let seen = browse(browser, &page, width_px);
            assert_eq!(seen.console, "", "{name} at {width_px}");
            let expected =
                format!("<output>seen|{width_px}|0|{charts}|{tables}|0|LLM quality review, {}</output>", {
                    review.weeks.last().unwrap()
                });
            let said = seen.dom.split_once("<output>").map_or(seen.dom.as_str(), |(_, said)| said);
            assert!(seen.dom.contains(&expected), "{name} at {width_px}: {said} is not {expected}");
        }
    }
}
