//! The parameters of a URL.

use std::borrow::Cow;

use crate::ApiError;
use crate::limits::REPEATS_MAX;

/// Names and values, decoded, in the URL's order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parameters<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Parameters<'a> {
    /// Reads the part behind the question mark. Refuses a name that occurs more often than any client
    /// means it to.
    pub(crate) fn of(query: Option<&'a str>) -> Result<Self, ApiError> {
        let pairs = query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
        let decoded = pairs.map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (form_decoded(name), form_decoded(value))
        });
        let parameters = Self(decoded.collect());
        let mut names: Vec<&str> = parameters.0.iter().map(|(name, _)| &**name).collect();
        names.sort_unstable();
        if let Some(same) = names.chunk_by(|a, b| a == b).find(|same| REPEATS_MAX < same.len()) {
            let name: String = same[0].chars().take(100).collect();
            return Err(ApiError::Malformed(format!(
                "parameter '{name}' is given {} times, {REPEATS_MAX} are allowed",
                same.len()
            )));
        }
        Ok(parameters)
    }

    /// Returns the first value of a name; an empty one is none.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next().filter(|value| !value.is_empty())
    }

    /// Returns the first value of a name, or an empty text.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default()
    }

    /// Visits all values of a name.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| &**value)
    }

    /// Reads the first value of a name.
    pub(crate) fn parse<T>(
        &self,
        name: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<T>, ApiError> {
        let parsed = self.get(name).map(parse).transpose();
        parsed.map_err(|why| ApiError::Malformed(format!("unable to parse param '{name}': {why}")))
    }
}

/// Decodes a name or value as forms encode them: plus for a space, percent for bytes. What is no valid
/// escape stands for itself, and bytes that are no UTF-8 become the replacement character.
pub(crate) fn form_decoded(text: &str) -> Cow<'_, str> {
    if !text.bytes().any(|byte| byte == b'+' || byte == b'%') {
        return Cow::Borrowed(text);
    }
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let digits = bytes.get(at + 1..at + 3).and_then(|digits| std::str::from_utf8(digits).ok());
        let escaped = digits
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (bytes[at], escaped) {
            (b'%', Some(byte)) => {
                decoded.push(byte);
                at += 3;
                continue;
            }
            (b'+', _) => decoded.push(b' '),
            (byte, _) => decoded.push(byte),
        }
        at += 1;
    }
    Cow::Owned(String::from_utf8_lossy(&decoded).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_are_decoded() {
        let query = "service=a+b%2Bc&tag=k%3av&tag=%7B%7D&empty=&bare&bad=%zz%4&x=%ff";
        let parameters = Parameters::of(Some(query)).unwrap();
        assert_eq!(parameters.get("service"), Some("a b+c"));
        assert_eq!(parameters.all("tag").collect::<Vec<_>>(), ["k:v", "{}"]);
        assert_eq!((parameters.get("empty"), parameters.get("bare")), (None, None));
        assert_eq!(parameters.text("bad"), "%zz%4");
        assert_eq!(parameters.text("x"), "\u{fffd}");
    }

    #[test]
    fn repeats_have_a_limit() {
        assert!(Parameters::of(Some(&"tag=a:b&".repeat(100))).is_ok());
        let error = Parameters::of(Some(&"tag=a:b&".repeat(101))).unwrap_err();
        assert_eq!(error.to_string(), "parameter 'tag' is given 101 times, 100 are allowed");
    }
}
