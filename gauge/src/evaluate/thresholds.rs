//! Thresholds for the mean scores.

/// A criterion, and the minimum of its mean.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Threshold {
    /// The name of the criterion.
    pub(super) criterion: String,
    /// The minimum, from 1 to 5.
    pub(super) mean: f64,
}

impl Threshold {
    /// Parses `faithfulness=3.5`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let bar = text.split_once('=').and_then(|(criterion, mean)| {
            let mean = mean.parse().ok().filter(|mean| (1.0..=5.0).contains(mean))?;
            Some(Self { criterion: criterion.to_owned(), mean }).filter(|bar| !bar.criterion.is_empty())
        });
        bar.ok_or_else(|| {
            "expected a criterion and a mean from 1 to 5, such as `faithfulness=3.5`".to_owned()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_is_a_name_and_a_mean() {
        let bar = |criterion: &str, mean| Ok(Threshold { criterion: criterion.to_owned(), mean });
        assert_eq!(Threshold::parse("faithfulness=3.5"), bar("faithfulness", 3.5));
        assert_eq!(Threshold::parse("tone=5"), bar("tone", 5.0));
        for wrong in ["faithfulness", "=3", "tone=", "tone=0.9", "tone=5.1", "tone=NaN", "tone=high"] {
            assert!(Threshold::parse(wrong).is_err(), "{wrong}");
        }
    }
}
