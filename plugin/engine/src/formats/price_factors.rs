//! The factors that words of a response have for the price, from the providers' price lists.

use crate::pattern;
use crate::price::{PriceTerm, PriceTerms};

/// Words for the standard price, and the word for models without regions (Anthropic).
const STANDARD: &[&str] = &["", "standard", "default", "auto", "on_demand", "global", "not_available"];

/// The factors in percent that words have for a provider and a pattern of its models.
const FACTORS: &[(&str, PriceTerm, &str, &str, u64)] = &[
    // https://platform.openai.com/docs/pricing: flex and batch are half, priority differs by model.
    ("openai", PriceTerm::Tier, "flex", "*", 50),
    ("openai", PriceTerm::Tier, "batch", "*", 50),
    // https://platform.claude.com/docs/en/about-claude/pricing; fast mode was six times the price at first.
    ("anthropic", PriceTerm::Tier, "batch", "*", 50),
    ("anthropic", PriceTerm::Speed, "fast", "*opus-4-6*", 600),
    ("anthropic", PriceTerm::Speed, "fast", "*opus-4-7*", 600),
    ("anthropic", PriceTerm::Speed, "fast", "*", 200),
    ("anthropic", PriceTerm::Region, "us", "*", 110),
    // https://ai.google.dev/gemini-api/docs/pricing and https://cloud.google.com/vertex-ai/generative-ai/pricing
    ("gcp.gemini", PriceTerm::Tier, "flex", "*", 50),
    ("gcp.gemini", PriceTerm::Tier, "batch", "*", 50),
    ("gcp.vertex_ai", PriceTerm::Tier, "on_demand_flex", "*", 50),
    ("gcp.vertex_ai", PriceTerm::Tier, "on_demand_priority", "*", 180),
    // https://aws.amazon.com/bedrock/pricing
    ("aws.bedrock", PriceTerm::Tier, "flex", "*", 50),
    ("aws.bedrock", PriceTerm::Tier, "priority", "*", 175),
    // https://console.groq.com/docs/flex-processing: the same price.
    ("groq", PriceTerm::Tier, "flex", "*", 100),
];

/// Returns the factor of the standard price in hundredths of a percent. `None` if a word's factor is unknown.
pub fn price_factor(terms: &PriceTerms, provider: &str, model: &str) -> Option<u64> {
    let mut factor = 10_000_u64;
    for (term, word) in terms.words().filter(|(_, word)| !is_standard(word)) {
        let mut factors = FACTORS.iter();
        let (.., percent) = factors.find(|(of, about, name, models, _)| {
            *of == provider
                && *about == term
                && name.eq_ignore_ascii_case(word)
                && pattern::fits(models, model)
        })?;
        factor = factor.saturating_mul(*percent) / 100;
    }
    Some(factor)
}

fn is_standard(word: &str) -> bool {
    STANDARD.iter().any(|standard| standard.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_change_the_price_by_the_providers_list() {
        let factor = |provider: &str, model: &str, words: &[(PriceTerm, &str)]| {
            let mut terms = PriceTerms::default();
            words.iter().for_each(|(term, word)| terms.set(*term, Some((*word).to_owned())));
            price_factor(&terms, provider, model)
        };
        assert_eq!(factor("openai", "gpt-5.5", &[]), Some(10_000));
        assert_eq!(factor("openai", "gpt-5.5", &[(PriceTerm::Tier, "default")]), Some(10_000));
        assert_eq!(factor("openai", "gpt-5.5", &[(PriceTerm::Tier, "flex")]), Some(5_000));
        assert_eq!(factor("openai", "gpt-5.5", &[(PriceTerm::Tier, "priority")]), None);
        assert_eq!(factor("deepseek", "v4", &[(PriceTerm::Tier, "flex")]), None);
        assert_eq!(factor("groq", "llama", &[(PriceTerm::Tier, "flex")]), Some(10_000));
        assert_eq!(factor("gcp.vertex_ai", "gemini", &[(PriceTerm::Tier, "ON_DEMAND_FLEX")]), Some(5_000));
        let fast =
            |model| factor("anthropic", model, &[(PriceTerm::Speed, "fast"), (PriceTerm::Region, "us")]);
        assert_eq!((fast("claude-opus-4-6"), fast("claude-opus-5-5")), (Some(66_000), Some(22_000)));
        assert_eq!(factor("anthropic", "c", &[(PriceTerm::Region, "not_available")]), Some(10_000));
    }
}
