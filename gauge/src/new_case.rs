//! `cargo gauge new-case`: a case from a response's body.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use llm_gauge_engine::formats;
use simulators::console;
use simulators::native::draft::{self, Draft, ResponseBody};
use simulators::workspace::cases_dir;

/// The parts of the case.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "`expected` is filled in with what the engine reads, and null where the response says nothing. It is for \
                  you to check: work the numbers out from the provider's documentation.\n\nExamples:\n  \
                  cargo gauge new-case acme_talk unary answer.json --request ask.json\n  \
                  cargo gauge new-case acme_talk stream events.txt --about \"A stream.\"\n  \
                  cargo gauge new-case acme_talk error-429 error.json --status 429\n  \
                  cargo gauge new-case acme_talk unary-unknown-host answer.json --host llm.internal"
)]
pub struct NewCaseArgs {
    /// The wire format: the name of a row.
    format: String,
    /// The name of the case, such as `stream-tool-calls`.
    name: String,
    /// The body of the response: JSON, lines of JSON, server-sent events or AWS frames. A name that ends in
    /// `.frames.json` is that of frames in readable form, as host-test/cases/README.md describes them.
    body_file: PathBuf,
    /// The body of the request, JSON. Without it the case has none.
    #[arg(long, value_name = "FILE")]
    request: Option<PathBuf>,
    /// The purpose of the case, in one sentence.
    #[arg(long, value_name = "TEXT", default_value = "TODO")]
    about: String,
    /// The host that is asked [default: one that the format is served at].
    #[arg(long)]
    host: Option<String>,
    /// The path that is asked for [default: one that the format claims].
    #[arg(long)]
    path: Option<String>,
    /// The status of the response.
    #[arg(long, default_value_t = 200)]
    status: u16,
    /// The content type of the response [default: what the body looks like].
    #[arg(long, value_name = "TYPE")]
    content_type: Option<String>,
    /// The folder that holds the cases of each format [default: host-test/cases].
    #[arg(long, value_name = "FOLDER")]
    cases: Option<PathBuf>,
}

/// Writes the case, and says where it is.
pub fn run(args: &NewCaseArgs) -> Result<ExitCode> {
    let format = formats::named(&args.format)
        .with_context(|| format!("FORMAT: expected one of {}, got `{}`", formats::names(), args.format))?;
    let read =
        |file: &PathBuf| std::fs::read(file).with_context(|| format!("cannot read {}", file.display()));
    let body = read(&args.body_file)?;
    let response_body = match args.body_file.to_string_lossy().ends_with(".frames.json") {
        true => ResponseBody::Frames(body),
        false => ResponseBody::Bytes(body),
    };
    let content_type = match &args.content_type {
        Some(content_type) => content_type.clone(),
        None => draft::content_type_of(&response_body.bytes()?).to_owned(),
    };
    let draft = Draft {
        format,
        name: args.name.clone(),
        about: args.about.clone(),
        host: args.host.clone().unwrap_or_else(|| draft::example_host(format)),
        path: args.path.clone().unwrap_or_else(|| draft::example_path(format)),
        request_body: args.request.as_ref().map(read).transpose()?,
        status: args.status,
        content_type,
        response_body,
    };
    let path = draft.write(&args.cases.clone().unwrap_or_else(cases_dir))?;
    console::print_line(path.display())?;
    console::note(
        "check `expected` against the provider's documentation, and then run `cargo replay` on the case",
    );
    Ok(ExitCode::SUCCESS)
}
