//! What a key says about its value, by its words.
//!
//! One walk over the words of a key against a handful of patterns. A bit per word length and first letter
//! tells at once, for nearly every word of nearly every key, that no pattern has it.

use crate::words::words;
use crate::{RedactError, Rules, rules};

/// Words of a pattern at most.
const WORDS_MAX: usize = 4;
/// The longest word that has a bit of its own; longer ones share the last.
const LENGTHS: usize = 16;
/// Places of letters in tables.
const LETTERS: usize = 32;
/// Keys after this many bytes are judged by their beginning: nobody names a thing like that.
const KEY_BYTES_MAX: usize = 1024;

/// What a key says about its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Judgement {
    /// Nothing: the value is looked at.
    Plain,
    /// The value is a secret.
    Secret(Extent),
    /// The operator allowed it: the value is not looked at.
    Allowed,
}

/// How far a secret goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// Texts alone.
    Text,
    /// Numbers too.
    Number,
    /// In a header line, the whole rest of it.
    Line,
}

/// Patterns of keys, made ready.
#[derive(Debug)]
pub(crate) struct Keys {
    deny: Patterns<Extent>,
    parameters: Patterns<Extent>,
    allow: Patterns<()>,
    survive: Patterns<()>,
}

impl Keys {
    pub(crate) fn new(rules: &Rules) -> Result<Self, RedactError> {
        let extent = |pattern: &str| {
            if rules::LINES.contains(&pattern) {
                Extent::Line
            } else if rules::NUMBERS.contains(&pattern) {
                Extent::Number
            } else {
                Extent::Text
            }
        };
        let deny = || rules.deny.iter().map(|pattern| (pattern.as_str(), extent(pattern)));
        let parameters = rules::PARAMETERS.iter().map(|pattern| (*pattern, Extent::Text));
        Ok(Self {
            deny: Patterns::new(deny())?,
            parameters: Patterns::new(deny().chain(parameters))?,
            allow: Patterns::new(rules.allow.iter().map(|pattern| (pattern.as_str(), ())))?,
            survive: Patterns::new(rules::SURVIVE.iter().map(|pattern| (*pattern, ())))?,
        })
    }

    /// Judges the key of an attribute.
    pub(crate) fn judge(&self, key: &[u8]) -> Judgement {
        self.judge_by(&self.deny, key)
    }

    /// Judges the name of a parameter inside a text.
    pub(crate) fn judge_parameter(&self, name: &[u8]) -> Judgement {
        self.judge_by(&self.parameters, name)
    }

    /// Judges what stands before a colon, and may be a name as well as a word of prose: only what ends in
    /// a secret word is one. `TokenService.java:42` and `TokenExpiredError: ..` are none.
    pub(crate) fn judge_heading(&self, name: &[u8]) -> Judgement {
        match self.parameters.find(name) {
            Some((_, [])) => self.judge_parameter(name),
            _ => Judgement::Plain,
        }
    }

    fn judge_by(&self, deny: &Patterns<Extent>, key: &[u8]) -> Judgement {
        let key = &key[..key.len().min(KEY_BYTES_MAX)];
        if self.allow.has_any && self.allow.find(key).is_some() {
            return Judgement::Allowed;
        }
        match deny.find(key) {
            Some((extent, rest)) if !is_fact(rest) && self.survive.find(key).is_none() => {
                Judgement::Secret(extent)
            }
            _ => Judgement::Plain,
        }
    }
}

/// Tells whether words speak of the number of a payment card, and not of some id of one.
pub(crate) fn speaks_of_card(text: &[u8]) -> bool {
    let (mut speaks, mut is_id) = (false, false);
    for word in words(text) {
        let is = |names: &[&[u8]]| names.iter().any(|name| name.eq_ignore_ascii_case(word));
        (speaks, is_id) = match word.len() {
            2 => (speaks || is(&[b"cc"]), is(&[b"id"])),
            3 => (speaks || is(&[b"pan"]), is(&[b"ids", b"ref"])),
            4 => (speaks || is(&[b"card", b"visa", b"amex"]), is(&[b"uuid"])),
            5 => (speaks || is(&[b"cards"]), false),
            7 => (speaks || is(&[b"cardnum"]), false),
            9 => (speaks, is(&[b"reference"])),
            10 => (speaks || is(&[b"mastercard", b"creditcard", b"cardnumber"]), false),
            _ => (speaks, false),
        };
    }
    speaks && !is_id
}

/// Tells whether what follows a secret word makes the key a fact about the secret.
fn is_fact(rest: &[u8]) -> bool {
    let mut rest = words(rest);
    let Some(next) = rest.next() else { return false };
    let is_fact = |word: &[u8]| rules::FACTS.iter().any(|fact| fact.as_bytes().eq_ignore_ascii_case(word));
    is_fact(next) || rest.last().is_some_and(is_fact)
}

#[derive(Debug)]
struct Patterns<T> {
    has_any: bool,
    /// Those that are compared with whole words, by their first letter.
    strict: [Vec<Pattern<T>>; LETTERS],
    /// For each length of a word, which first letters begin one of them.
    firsts: [u32; LENGTHS],
    /// Those that are looked for inside words.
    loose: Vec<Pattern<T>>,
    /// For each first letter, which second letters follow it in one of them.
    pairs: [u32; LETTERS],
}

#[derive(Debug)]
struct Pattern<T> {
    words: Vec<Box<[u8]>>,
    says: T,
}

impl<T: Copy> Patterns<T> {
    fn new<'a>(patterns: impl Iterator<Item = (&'a str, T)>) -> Result<Self, RedactError> {
        let mut this = Self {
            has_any: false,
            strict: Default::default(),
            firsts: [0; LENGTHS],
            loose: vec![],
            pairs: [0; LETTERS],
        };
        for (text, says) in patterns {
            let pattern = Pattern::new(text, says)?;
            this.has_any = true;
            let first = &pattern.words[0];
            let is_loose = text.starts_with('*') && text.ends_with('*');
            // Only one word can be looked for inside words, and only one of two letters or more.
            if let [first, second, ..] = **first
                && is_loose
                && pattern.words.len() == 1
            {
                this.pairs[letter(first)] |= letter_bit(second);
                this.loose.push(pattern);
                continue;
            }
            // Up to two digits may follow the last word of a pattern.
            let digits = if pattern.words.len() == 1 { 2 } else { 0 };
            for len in first.len()..=first.len() + digits {
                this.firsts[len.min(LENGTHS) - 1] |= letter_bit(first[0]);
            }
            this.strict[letter(first[0])].push(pattern);
        }
        Ok(this)
    }

    /// Finds a pattern in the key; returns what it says, and what of the key follows it.
    fn find<'k>(&self, key: &'k [u8]) -> Option<(T, &'k [u8])> {
        let mut rest = words(key);
        while let Some(word) = rest.next() {
            if self.firsts[word.len().min(LENGTHS) - 1] & letter_bit(word[0]) != 0 {
                for pattern in &self.strict[letter(word[0])] {
                    if let Some(after) = pattern.begins(word, rest.rest()) {
                        return Some((pattern.says, after));
                    }
                }
            }
            for (at, pair) in word.windows(2).enumerate() {
                if self.pairs[letter(pair[0])] & letter_bit(pair[1]) == 0 {
                    continue;
                }
                for pattern in &self.loose {
                    if starts_with(&word[at..], &pattern.words[0]) {
                        return Some((pattern.says, rest.rest()));
                    }
                }
            }
        }
        None
    }
}

impl<T> Pattern<T> {
    fn new(text: &str, says: T) -> Result<Self, RedactError> {
        let words: Vec<Box<[u8]>> =
            words(text.as_bytes()).map(|word| word.to_ascii_lowercase().into()).collect();
        if words.is_empty() {
            return Err(RedactError::NoWords { pattern: text.to_owned() });
        }
        if WORDS_MAX < words.len() {
            return Err(RedactError::TooManyWords { pattern: text.to_owned(), words_max: WORDS_MAX });
        }
        Ok(Self { words, says })
    }

    /// Compares with a word and what follows it; returns what follows the match.
    fn begins<'k>(&self, word: &'k [u8], rest: &'k [u8]) -> Option<&'k [u8]> {
        let (first, others) = self.words.split_first()?;
        let Some((last, middle)) = others.split_last() else {
            return is_last(first, word).then_some(rest);
        };
        if !first.eq_ignore_ascii_case(word) {
            return None;
        }
        let mut following = words(rest);
        for expected in middle {
            if !following.next()?.eq_ignore_ascii_case(expected) {
                return None;
            }
        }
        is_last(last, following.next()?).then_some(following.rest())
    }
}

fn starts_with(text: &[u8], start: &[u8]) -> bool {
    text.get(..start.len()).is_some_and(|text| text.eq_ignore_ascii_case(start))
}

/// The last word may carry a number: `password2`.
fn is_last(expected: &[u8], word: &[u8]) -> bool {
    let Some((start, end)) = word.split_at_checked(expected.len()) else { return false };
    start.eq_ignore_ascii_case(expected) && end.len() <= 2 && end.iter().all(u8::is_ascii_digit)
}

/// The place of a letter in tables: the same for both cases, and shared by a few other bytes.
const fn letter(byte: u8) -> usize {
    (byte & 31) as usize
}

const fn letter_bit(byte: u8) -> u32 {
    1 << letter(byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(key: &str) -> Judgement {
        Keys::new(&Rules::secrets()).unwrap().judge(key.as_bytes())
    }

    #[test]
    fn secret_keys_are_known_in_every_spelling() {
        for key in [
            "password",
            "user.password",
            "DB_PASSWORD",
            "dbPassword",
            "dbpassword",
            "password2",
            "PGPASSWORD",
            "passwd",
            "pwd",
            "mysql_pwd",
            "passphrase",
            "token",
            "access_token",
            "accessToken",
            "x-csrf-token",
            "secret",
            "client_secret",
            "clientSecret",
            "aws.secret_access_key",
            "AWSSecretAccessKey",
            "http.request.header.authorization",
            "Proxy-Authorization",
            "http.request.header.cookie",
            "http.response.header.set-cookie",
            "ssn",
            "user.ssn",
            "cvv",
            "card.cvv2",
            "pin",
            "card_pin",
            "PIN",
            "api_key",
            "apiKey",
            "X-API-Key",
            "apikey",
            "myapikey",
            "private_key",
            "privateKey",
            "PRIVATE-KEY",
            "card_number",
            "cardNumber",
            "creditCardNumber",
            "credit_card",
            "otp",
            "credentials",
            "JSESSIONID",
            "PHPSESSID",
            "social_security_number",
            "password_hash",
            "token.value",
            "secret_id",
            "cookie.session",
        ] {
            assert!(matches!(judged(key), Judgement::Secret(_)), "{key}");
        }
    }

    #[test]
    fn keys_that_only_look_alike_are_plain() {
        for key in [
            "spinner",
            "pinned",
            "shipping.cost",
            "mapping",
            "opinion",
            "secretary",
            "tokenizer",
            "tokens",
            "gen_ai.usage.input_tokens",
            "gen_ai.token.type",
            "token_count",
            "llm.token_count.prompt",
            "password_changed_at",
            "password.length",
            "token_endpoint",
            "token.expires_at",
            "author",
            "authority",
            "auth.method",
            "aws.secretsmanager.secret.arn",
            "jwt.kid",
            "cookie.consent",
            "compass",
            "bypass",
            "passenger",
            "keyboard",
            "monkey",
            "primary_key",
            "key",
            "partition_key",
            "messaging.kafka.message.key",
            "foreign_key",
            "session.id",
            "card_last4",
            "card_type",
            "credit_card_last4",
            "creditCardType",
            "card.brand",
            "k8s.secret.name",
            "secret_version",
            "http.request.method",
            "url.path",
            "user.id",
            "",
            "---",
            "http.response.status_code",
            "private",
            "access",
            "api",
            "api.version",
            "keypress",
            "pins",
            "otpauth",
        ] {
            assert_eq!(judged(key), Judgement::Plain, "{key}");
        }
    }

    #[test]
    fn patterns_say_what_is_wrong_with_them() {
        let deny = |pattern: &str| Keys::new(&Rules { deny: vec![pattern.into()], ..Rules::secrets() }).err();
        assert_eq!(deny("a b c d"), None);
        assert_eq!(
            deny("a b c d e"),
            Some(RedactError::TooManyWords { pattern: "a b c d e".into(), words_max: 4 })
        );
        assert_eq!(deny("**"), Some(RedactError::NoWords { pattern: "**".into() }));
    }
}
