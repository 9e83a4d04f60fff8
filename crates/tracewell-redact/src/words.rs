//! Keys are compared by their words: `user.apiKey`, `API_KEY` and `api-key` all have `api key`, and
//! `spinner` has no `pin`.
//!
//! A word ends where a letter or digit does, where a small letter meets a capital, and before the last
//! capital of several (`APIKey`). Digits stay with the letters before them (`last4`).

/// Walks the words of a key, as they stand.
pub(crate) fn words(key: &[u8]) -> Words<'_> {
    Words { rest: key }
}

pub(crate) struct Words<'a> {
    rest: &'a [u8],
}

impl<'a> Words<'a> {
    /// What has not been walked.
    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for Words<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let start = self.rest.iter().position(|byte| is_inner(*byte))?;
        let rest = &self.rest[start..];
        let mut end = 1;
        while end < rest.len() && is_inner(rest[end]) && !is_border(rest, end) {
            end += 1;
        }
        let (word, rest) = rest.split_at(end);
        self.rest = rest;
        Some(word)
    }
}

/// Bytes beyond ASCII are letters of some language.
const fn is_inner(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || !byte.is_ascii()
}

fn is_border(text: &[u8], at: usize) -> bool {
    let (before, here) = (text[at - 1], text[at]);
    here.is_ascii_uppercase()
        && (!before.is_ascii_uppercase() || text.get(at + 1).is_some_and(u8::is_ascii_lowercase))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(key: &str) -> String {
        words(key.as_bytes()).map(String::from_utf8_lossy).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn words_are_told_apart() {
        assert_eq!(shown("user.apiKey"), "user api Key");
        assert_eq!(shown("X-API-Key"), "X API Key");
        assert_eq!(shown("APIKeyID"), "API Key ID");
        assert_eq!(shown("card_last4"), "card last4");
        assert_eq!(shown("clé.privée"), "clé privée");
        assert_eq!(shown("--"), "");
    }
}
