//! Reading JSON from servers: small answers, hostile all the same.

/// Levels of lists and objects.
const DEPTH_MAX: usize = 64;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Json {
    Null,
    Truth(bool),
    Number(f64),
    Text(String),
    List(Vec<Self>),
    Object(Vec<(String, Self)>),
}

impl Json {
    /// Reads one value and nothing after it.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut reader = Reader { rest: text };
        let value = reader.value(0)?;
        reader.blanks();
        reader.rest.is_empty().then_some(value)
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        let Self::Object(entries) = self else { return None };
        entries.iter().find(|(known, _)| known == key).map(|(_, value)| value)
    }

    pub(crate) fn items(&self) -> &[Self] {
        if let Self::List(items) = self { items } else { &[] }
    }

    pub(crate) fn number(&self) -> Option<f64> {
        if let Self::Number(number) = self { Some(*number) } else { None }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn blanks(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    /// Takes a sign, after blanks, if it is next.
    fn sign(&mut self, sign: char) -> bool {
        self.blanks();
        self.rest.strip_prefix(sign).map(|rest| self.rest = rest).is_some()
    }

    fn value(&mut self, depth: usize) -> Option<Json> {
        if DEPTH_MAX < depth {
            return None;
        }
        self.blanks();
        match self.rest.chars().next()? {
            '{' => self.object(depth),
            '[' => self.list(depth),
            '"' => self.text().map(Json::Text),
            't' => self.word("true", Json::Truth(true)),
            'f' => self.word("false", Json::Truth(false)),
            'n' => self.word("null", Json::Null),
            _ => self.number(),
        }
    }

    fn word(&mut self, word: &str, value: Json) -> Option<Json> {
        self.rest = self.rest.strip_prefix(word)?;
        Some(value)
    }

    fn number(&mut self) -> Option<Json> {
        let end = self.rest.find(|c: char| !matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E'));
        let (digits, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        let number: f64 = digits.parse().ok()?;
        self.rest = rest;
        number.is_finite().then_some(Json::Number(number))
    }

    fn list(&mut self, depth: usize) -> Option<Json> {
        self.sign('[');
        let mut items = Vec::new();
        if self.sign(']') {
            return Some(Json::List(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            if self.sign(']') {
                return Some(Json::List(items));
            }
            if !self.sign(',') {
                return None;
            }
        }
    }

    fn object(&mut self, depth: usize) -> Option<Json> {
        self.sign('{');
        let mut entries = Vec::new();
        if self.sign('}') {
            return Some(Json::Object(entries));
        }
        loop {
            self.blanks();
            let key = self.text()?;
            if !self.sign(':') {
                return None;
            }
            entries.push((key, self.value(depth + 1)?));
            if self.sign('}') {
                return Some(Json::Object(entries));
            }
            if !self.sign(',') {
                return None;
            }
        }
    }

    fn text(&mut self) -> Option<String> {
        let mut rest = self.rest.strip_prefix('"')?;
        let mut text = String::new();
        loop {
            let end = rest.find(['"', '\\'])?;
            text.push_str(&rest[..end]);
            let escaped = rest[end..].starts_with('\\');
            rest = &rest[end + 1..];
            if !escaped {
                self.rest = rest;
                return Some(text);
            }
            let sign = rest.chars().next()?;
            rest = &rest[sign.len_utf8()..];
            match sign {
                'n' => text.push('\n'),
                't' => text.push('\t'),
                'r' => text.push('\r'),
                'b' => text.push('\u{8}'),
                'f' => text.push('\u{c}'),
                'u' => {
                    let unit = hex(&mut rest)?;
                    let low = match unit {
                        0xd800..0xdc00 => rest.strip_prefix("\\u").and_then(|after| {
                            let mut after = after;
                            let low = hex(&mut after)?;
                            rest = after;
                            Some(low)
                        }),
                        _ => None,
                    };
                    let units = [unit, low.unwrap_or_default()];
                    let units = if low.is_some() { &units[..] } else { &units[..1] };
                    text.push_str(&String::from_utf16_lossy(units));
                }
                other => text.push(other),
            }
        }
    }
}

fn hex(rest: &mut &str) -> Option<u16> {
    let (digits, after) = rest.split_at_checked(4)?;
    *rest = after;
    u16::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read() {
        let json =
            Json::parse(r#" {"a": [1, -2.5e1, true, null, "x\n\u00e9\ud83d\ude00\"]"], "b": {}} "#).unwrap();
        let items = json.get("a").unwrap().items();
        assert_eq!(items[1].number(), Some(-25.0));
        assert_eq!(items[4].text(), Some("x\né😀\"]"));
        assert_eq!(json.get("b"), Some(&Json::Object(vec![])));
    }

    #[test]
    fn nonsense_is_nothing() {
        let deep = "[".repeat(100_000);
        for text in ["", "{", "[1,]", "{\"a\"}", "\"\\u12\"", "1 2", "nul", "1e999", "\"\\ué12\"", &deep] {
            assert_eq!(Json::parse(text), None, "{text:.20}");
        }
    }
}
