//! The criteria of a verdict, and the default ones.

/// A criterion that is scored from 1 to 5; higher is better.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Criterion {
    /// The value of the label `criterion`, and the key in verdicts.
    pub name: String,
    /// The definition of the criterion in the prompt.
    pub definition: String,
    /// Scores with their meanings, in the order of the prompt.
    pub scale: Vec<(String, String)>,
    /// Whether only answers with context are scored.
    pub needs_context: bool,
}

/// The key of the verdict that says whether the answer is hallucinated.
pub const HALLUCINATION: &str = "hallucination";

/// The keys of verdicts that a criterion must not have as its name.
pub(crate) const RESERVED: &[&str] = &[HALLUCINATION, "nonce"];

/// The definition of [`HALLUCINATION`] in the prompt.
pub(super) const HALLUCINATION_DEFINITION: &str = "`yes` if the answer states as a fact anything that the context \
    neither states nor implies, or that contradicts it; else `no`.";

/// Returns the criteria faithfulness, relevance and completeness.
pub(crate) fn default_criteria() -> Vec<Criterion> {
    let criterion = |name: &str, needs_context, definition: &str, scale: [&str; 3]| Criterion {
        name: name.to_owned(),
        definition: definition.to_owned(),
        scale: ["1", "3", "5"]
            .into_iter()
            .zip(scale)
            .map(|(step, text)| (step.to_owned(), text.to_owned()))
            .collect(),
        needs_context,
    };
    vec![
        criterion(
            "faithfulness",
            true,
            "Split the answer into its factual claims; faithfulness is the share of them that the context supports: claims supported / claims made. What you know yourself supports nothing. An answer that makes no claim, or says that the context does not tell, is fully faithful.",
            [
                "no claim is supported, or one contradicts the context",
                "about half of the claims are supported",
                "every claim is supported",
            ],
        ),
        criterion(
            "relevance",
            false,
            "The share of the answer that deals with what the question asks for, whether or not it is right.",
            [
                "it is about something else",
                "half of it is beside the question",
                "all of it is about the question",
            ],
        ),
        criterion(
            "completeness",
            false,
            "Split the question into everything that it asks for; completeness is the share of these parts that the answer deals with: parts answered / parts asked.",
            ["no part is dealt with", "about half of the parts are", "every part is"],
        ),
    ]
}
