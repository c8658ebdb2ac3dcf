//! What many rounds come to.

/// Where the rounds lie.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The least.
    pub min: f64,
    /// The one in the middle.
    pub median: f64,
    /// The most.
    pub max: f64,
}

impl Spread {
    /// Of at least one figure.
    pub fn of(figures: &[f64]) -> Self {
        let mut sorted = figures.to_vec();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        let median = if sorted.len() % 2 == 1 {
            sorted[middle]
        } else {
            (sorted[middle - 1] + sorted[middle]) / 2.0
        };
        let (min, max) = (sorted[0], sorted[sorted.len() - 1]);
        Self { min, median, max }
    }
}

/// The median of what each round says, as a round's contenders met the same weather.
pub fn ratio(ours: &[f64], theirs: &[f64]) -> f64 {
    let ratios: Vec<_> = ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect();
    Spread::of(&ratios).median
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_of_an_even_number_lies_between_two() {
        let Spread { min, median, max } = Spread::of(&[4.0, 1.0, 2.0, 8.0]);
        assert_eq!((min, median, max), (1.0, 3.0, 8.0));
    }

    #[test]
    fn ratio_is_that_of_the_rounds() {
        assert_eq!(ratio(&[1.0, 20.0, 3.0], &[2.0, 20.0, 1.0]), 1.0);
    }
}
