//! Counts of tests, and how to read them from what a test binary prints.

use std::fmt;
use std::ops::AddAssign;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) skipped: usize,
}

/// What a test prints, with the reason after it, when its machine lacks what it needs; it then passes.
const SKIP: &str = "skipped: ";

impl Tally {
    pub(crate) const PASS: Self = Self { passed: 1, failed: 0, skipped: 0 };
    pub(crate) const FAIL: Self = Self { passed: 0, failed: 1, skipped: 0 };
    pub(crate) const SKIP: Self = Self { passed: 0, failed: 0, skipped: 1 };

    /// Reads one line of a test binary: `test result: ok. 3 passed; 0 failed; ..`, or a skip.
    ///
    /// A skipped test says so and passes, so it is taken back from those that passed.
    pub(crate) fn of_line(line: &str) -> Self {
        if let Some(counts) = line.strip_prefix("test result: ") {
            return Self { passed: count(counts, " passed"), failed: count(counts, " failed"), skipped: 0 };
        }
        Self { skipped: usize::from(is_skip(line)), ..Self::default() }
    }

    /// Takes the tests that skipped themselves out of those that passed.
    pub(crate) fn settled(self) -> Self {
        Self { passed: self.passed.saturating_sub(self.skipped), ..self }
    }
}

/// Whether a test says in this line that it was skipped. With one thread, the name comes before it.
pub(crate) fn is_skip(line: &str) -> bool {
    line.starts_with(SKIP) || line.starts_with("test ") && line.contains(" ... skipped: ")
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        if 0 < self.skipped {
            write!(f, ", {} skipped", self.skipped)?;
        }
        Ok(())
    }
}

/// Returns the number that stands before `word`.
fn count(line: &str, word: &str) -> usize {
    let before = line.find(word).map_or("", |at| &line[..at]);
    let digits = before.rfind(|c: char| !c.is_ascii_digit()).map_or(before, |at| &before[at + 1..]);
    digits.parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(lines: &str) -> String {
        let mut tally = Tally::default();
        for line in lines.lines() {
            tally += Tally::of_line(line);
        }
        tally.settled().to_string()
    }

    #[test]
    fn results_of_several_binaries_add_up() {
        let ok =
            "test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.02s";
        let bad = "test result: FAILED. 3 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out";
        assert_eq!(tally(&format!("running 12 tests\n{ok}\n{bad}")), "15 passed, 1 failed");
    }

    #[test]
    fn skipped_test_has_not_passed() {
        let lines = "skipped: go: not installed\ntest java ... skipped: java: not installed\n\
                     test result: ok. 3 passed; 0 failed; 0 ignored";
        assert_eq!(tally(lines), "1 passed, 0 failed, 2 skipped");
    }
}
