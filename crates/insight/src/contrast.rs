//! Whether two groups of spans differ in how many of them have something, or only by chance.
//!
//! A group says how many of its spans have it. The difference of the two shares counts where it is further from
//! zero than chance would bring it, were both groups drawn from the same spans: by the two-proportion test with
//! Yates' correction, which keeps a handful of spans from proving anything.

/// How far from chance a difference must be, in standard deviations. A page asks about thousands of values at once;
/// at this bound one in two thousand of those that do not differ is shown.
const DEVIATIONS_MIN: f64 = 3.5;

/// Some spans out of all of a group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Portion {
    /// Those that have it.
    pub part: u64,
    /// All of the group.
    pub of: u64,
}

impl Portion {
    /// Returns the share, between 0 and 1; 0 of an empty group.
    pub fn share(self) -> f64 {
        if self.of == 0 { 0.0 } else { self.part.min(self.of) as f64 / self.of as f64 }
    }
}

/// Returns the share of `one` less that of `other` where they differ by more than chance. An empty group differs
/// from nothing.
pub fn contrast(one: Portion, other: Portion) -> Option<f64> {
    if one.of == 0 || other.of == 0 {
        return None;
    }
    let difference = one.share() - other.share();
    let (n, m) = (one.of as f64, other.of as f64);
    let both = (one.share() * n + other.share() * m) / (n + m);
    let parts = 1.0 / n + 1.0 / m;
    let deviation = (both * (1.0 - both) * parts).sqrt();
    let certain = difference.abs() - parts / 2.0;
    (0.0 < certain && DEVIATIONS_MIN * deviation < certain).then_some(difference)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(one: (u64, u64), other: (u64, u64)) -> Option<f64> {
        contrast(Portion { part: one.0, of: one.1 }, Portion { part: other.0, of: other.1 })
    }

    #[test]
    fn shares_that_lie_apart_differ() {
        assert_eq!(check((40, 40), (10, 100)), Some(0.9));
        assert_eq!(check((0, 400), (100, 200)), Some(-0.5));
        assert_eq!(check((9, 10), (100, 10_000)), Some(0.89));
    }

    #[test]
    fn a_handful_of_spans_proves_nothing() {
        assert_eq!(check((1, 1), (50, 100)), None);
        assert_eq!(check((2, 3), (40, 100)), None);
        assert_eq!(check((52, 100), (48, 100)), None);
    }

    #[test]
    fn same_shares_and_empty_groups_do_not_differ() {
        assert_eq!(check((5, 10), (50, 100)), None);
        assert_eq!(check((10, 10), (100, 100)), None);
        assert_eq!(check((0, 0), (10, 10)), None);
        assert_eq!(check((3, 3), (0, 0)), None);
        assert_eq!(check((20, 10), (0, 100)), Some(1.0));
    }
}
