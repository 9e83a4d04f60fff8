//! Patterns of names: text in which `*` stands for anything.

/// A text in which `*` stands for anything, also for nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern {
    text: String,
    exact: bool,
}

impl Pattern {
    pub(crate) fn new(text: &str) -> Self {
        Self { text: text.to_owned(), exact: false }
    }

    /// Makes a pattern in which a star is a star.
    pub(crate) fn exact(text: &str) -> Self {
        Self { text: text.to_owned(), exact: true }
    }

    /// Tells whether all of `text` fits. Each star is tried at its leftmost place, which is enough:
    /// time is at most the product of the lengths, whatever both repeat.
    pub(crate) fn fits(&self, text: &str) -> bool {
        if self.exact {
            return self.text == text;
        }
        let mut parts = self.text.split('*');
        let first = parts.next().unwrap_or_default();
        let Some(mut rest) = text.strip_prefix(first) else { return false };
        let Some(last) = parts.next_back() else { return rest.is_empty() };
        for part in parts {
            let Some(at) = rest.find(part) else { return false };
            rest = &rest[at + part.len()..];
        }
        rest.ends_with(last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_anything() {
        let fits = |pattern: &str, text: &str| Pattern::new(pattern).fits(text);
        assert!(fits("GET /", "GET /") && !fits("GET /", "GET /x"));
        assert!(fits("GET *", "GET /x") && fits("*", "") && fits("a*b*c", "a-b-b-c"));
        assert!(!fits("a*a", "a") && !fits("*x", "xy") && fits("é*", "éa"));
    }
}
