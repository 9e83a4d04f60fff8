//! Words to comparisons, each checked against its field.

use std::fmt;

use span::text_form::double_text;
use span::{DurationNanos, SpanKind, StatusCode};

use crate::field::write_text;
use crate::lex::{At, Word, words};
use crate::{COMPARISONS_MAX, Comparison, Field, QUERY_BYTES_MAX, Query, QueryError};

/// How a field is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operator {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
}

/// What a field is compared with.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A text.
    Text(String),
    /// A whole number.
    Int(i64),
    /// A number with a point.
    Double(f64),
    /// A length of time.
    Duration(DurationNanos),
    /// True or false.
    Bool(bool),
    /// How a span ended.
    Status(StatusCode),
    /// A span's role.
    Kind(SpanKind),
    /// No value: the attribute is not there.
    Nil,
}

const OPERATORS: [(&str, Operator); 6] = [
    ("=", Operator::Equal),
    ("!=", Operator::NotEqual),
    (">", Operator::Greater),
    (">=", Operator::GreaterOrEqual),
    ("<", Operator::Less),
    ("<=", Operator::LessOrEqual),
];

const WHOLE: &str = "a query is { comparison && comparison .. }; the rest of TraceQL is not understood yet";
const VALUES: &str =
    "values are \"text\", numbers, durations such as 200ms, true, false, nil, or a word such as error";

pub(crate) fn parse(text: &str) -> Result<Query, QueryError> {
    if QUERY_BYTES_MAX < text.len() {
        return Err(QueryError::new(
            1,
            format!("the query is longer than {QUERY_BYTES_MAX} bytes"),
            "ask for less",
        ));
    }
    let words = words(text)?;
    let mut words = Words { words: &words, end: text.chars().count() + 1 };
    let mut comparisons = Vec::new();
    if words.words.is_empty() {
        return Ok(Query { comparisons });
    }
    words.expect("{", WHOLE)?;
    if !words.skip("}") {
        loop {
            let column = words.column();
            comparisons.push(comparison(&mut words)?);
            if COMPARISONS_MAX < comparisons.len() {
                let what = format!("more than {COMPARISONS_MAX} comparisons");
                return Err(QueryError::new(column, what, "ask for less"));
            }
            if words.skip("}") {
                break;
            }
            words.expect("&&", WHOLE)?;
        }
    }
    match words.words {
        [] => Ok(Query { comparisons }),
        [first, ..] => {
            Err(QueryError::new(first.column, format!("{} is not understood here", told(first)), WHOLE))
        }
    }
}

/// What is left of a query.
struct Words<'a> {
    words: &'a [At],
    /// The column behind its last letter.
    end: usize,
}

impl<'a> Words<'a> {
    fn column(&self) -> usize {
        self.words.first().map_or(self.end, |word| word.column)
    }

    fn next(&mut self, wanted: &str, hint: &'static str) -> Result<&'a At, QueryError> {
        let Some((first, rest)) = self.words.split_first() else {
            return Err(QueryError::new(self.end, format!("{wanted} is expected, the query ends"), hint));
        };
        self.words = rest;
        Ok(first)
    }

    fn skip(&mut self, sign: &str) -> bool {
        let here = matches!(self.words.first(), Some(At { word: Word::Sign(found), .. }) if *found == sign);
        if here {
            self.words = &self.words[1..];
        }
        here
    }

    fn expect(&mut self, sign: &str, hint: &'static str) -> Result<(), QueryError> {
        let at = self.next(&format!("`{sign}`"), hint)?;
        match &at.word {
            Word::Sign(found) if *found == sign => Ok(()),
            _ => Err(QueryError::new(at.column, format!("`{sign}` is expected, found {}", told(at)), hint)),
        }
    }
}

fn comparison(words: &mut Words<'_>) -> Result<Comparison, QueryError> {
    let field = Field::of(words.next("a field", WHOLE)?)?;
    let hint = "operators are =, !=, >, >=, <, <=; patterns (=~) are not understood yet";
    let sign = words.next("an operator", hint)?;
    let operator = match &sign.word {
        Word::Sign(sign) => OPERATORS.iter().find(|(known, _)| known == sign).map(|(_, operator)| *operator),
        _ => None,
    };
    let operator = operator.ok_or_else(|| {
        QueryError::new(sign.column, format!("an operator is expected, found {}", told(sign)), hint)
    })?;
    let at = words.next("a value", VALUES)?;
    let value = value(&field, at)?;
    check(&field, operator, &value).map_err(|(what, hint)| QueryError::new(at.column, what, hint))?;
    Ok(Comparison { field, operator, value })
}

fn value(field: &Field, at: &At) -> Result<Value, QueryError> {
    let text = match &at.word {
        Word::Text(text) => return Ok(Value::Text(text.clone())),
        Word::Bare { text, quoted_from: None } => text.as_str(),
        _ => {
            return Err(QueryError::new(
                at.column,
                format!("a value is expected, found {}", told(at)),
                VALUES,
            ));
        }
    };
    let known = match (field, text) {
        (_, "true") => Some(Value::Bool(true)),
        (_, "false") => Some(Value::Bool(false)),
        (_, "nil") => Some(Value::Nil),
        (Field::Status, "error") => Some(Value::Status(StatusCode::Error)),
        (Field::Status, "ok") => Some(Value::Status(StatusCode::Ok)),
        (Field::Status, "unset") => Some(Value::Status(StatusCode::Unset)),
        (Field::Kind, "unspecified") => Some(Value::Kind(SpanKind::Unspecified)),
        (Field::Kind, word) => SpanKind::from_word(word).map(Value::Kind),
        (_, text) => number(text),
    };
    known.ok_or_else(|| QueryError::new(at.column, format!("'{text}' is no value"), VALUES))
}

fn number(text: &str) -> Option<Value> {
    let numeric = text.starts_with(|first: char| first.is_ascii_digit() || "-+.".contains(first));
    if !numeric {
        return None;
    }
    if let Ok(number) = text.parse() {
        return Some(Value::Int(number));
    }
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Some(Value::Double(number)),
        _ => duration(text).map(Value::Duration),
    }
}

/// Reads a length of time: numbers with units, one behind the other.
fn duration(text: &str) -> Option<DurationNanos> {
    let (mut rest, mut total) = (text, 0.0_f64);
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
        let (number, behind) = rest.split_at(digits);
        let end = behind.find(|letter: char| letter.is_ascii_digit()).unwrap_or(behind.len());
        let (unit, behind) = behind.split_at(end);
        let unit = match unit {
            "ns" => 1.0,
            "us" | "µs" | "μs" => 1e3,
            "ms" => 1e6,
            "s" => 1e9,
            "m" => 60e9,
            "h" => 3_600e9,
            _ => return None,
        };
        total += number.parse::<f64>().ok()? * unit;
        rest = behind;
    }
    // The cast saturates.
    Some(DurationNanos(total.round() as u64))
}

/// Refuses what cannot be meant.
fn check(field: &Field, operator: Operator, value: &Value) -> Result<(), (String, &'static str)> {
    let ordered = !matches!(operator, Operator::Equal | Operator::NotEqual);
    let fail = |what: &str, hint| Err((what.to_owned(), hint));
    match (field, value) {
        (Field::Duration, Value::Duration(_) | Value::Int(0)) => Ok(()),
        (Field::Duration, _) => fail("a duration is compared with a duration", "write 200ms, 1.5s, 3us, 2m"),
        (Field::Parent, Value::Int(0)) if operator == Operator::Less => Ok(()),
        (Field::Parent, _) => {
            fail("only nestedSetParent < 0 is understood yet", "it finds spans without a parent")
        }
        (Field::Status, Value::Status(_)) if !ordered => Ok(()),
        (Field::Status, _) => {
            fail("a status is error, ok or unset", "write status = error or status != error")
        }
        (Field::Kind, Value::Kind(_)) if !ordered => Ok(()),
        (Field::Kind, _) => fail(
            "a kind is server, client, internal, producer, consumer or unspecified",
            "write kind = server",
        ),
        (Field::Attribute { .. }, Value::Nil) if !ordered => Ok(()),
        (Field::Attribute { .. }, Value::Int(_) | Value::Double(_) | Value::Duration(_)) => Ok(()),
        (Field::Attribute { .. }, Value::Text(_) | Value::Bool(_)) if !ordered => Ok(()),
        (Field::Attribute { .. }, _) => fail("only numbers have an order", "use = or !="),
        (_, Value::Text(_)) if !ordered => Ok(()),
        _ => fail("this field is a text", "compare it with \"text\", by = or !="),
    }
}

fn told(at: &At) -> String {
    match &at.word {
        Word::Sign(sign) => format!("`{sign}`"),
        Word::Bare { text, .. } => format!("'{text}'"),
        Word::Text(_) => "a text".to_owned(),
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, _) = OPERATORS.iter().find(|(_, known)| known == self).expect("every operator has a sign");
        f.write_str(sign)
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write_text(f, text),
            Self::Int(number) => write!(f, "{number}"),
            // A whole number keeps its point, so that it is read as what it was.
            Self::Double(number) if number.fract() == 0.0 => write!(f, "{number:.1}"),
            Self::Double(number) => f.write_str(&double_text(*number)),
            Self::Duration(duration) => match duration.0 {
                ns if ns != 0 && ns.is_multiple_of(1_000_000_000) => write!(f, "{}s", ns / 1_000_000_000),
                ns if ns != 0 && ns.is_multiple_of(1_000_000) => write!(f, "{}ms", ns / 1_000_000),
                ns if ns != 0 && ns.is_multiple_of(1_000) => write!(f, "{}us", ns / 1_000),
                ns => write!(f, "{ns}ns"),
            },
            Self::Bool(on) => write!(f, "{on}"),
            Self::Status(StatusCode::Unset) => f.write_str("unset"),
            Self::Status(StatusCode::Ok) => f.write_str("ok"),
            Self::Status(StatusCode::Error) => f.write_str("error"),
            Self::Kind(SpanKind::Unspecified) => f.write_str("unspecified"),
            Self::Kind(kind) => f.write_str(kind.word()),
            Self::Nil => f.write_str("nil"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Returns the query as it is written back, or what is wrong with it.
    fn check(text: &str) -> String {
        Query::parse(text)
            .map_or_else(|error| format!("{} | {}", error.column, error.what), |query| query.to_string())
    }

    #[test]
    fn queries_are_written_back() {
        assert_eq!((check(""), check(" { } ")), ("{ }".to_owned(), "{ }".to_owned()));
        assert_eq!(
            check(r#"{resource.service.name="pay\"ment" && status=error&&duration>200ms}"#),
            r#"{ resource.service.name = "pay\"ment" && status = error && duration > 200ms }"#
        );
        assert_eq!(check("{ span:name != `a\\b` }"), r#"{ name != "a\\b" }"#);
        assert_eq!(
            check(r#"{ span."my key" >= 1.50 && ."a.b" = nil }"#),
            r#"{ span."my key" >= 1.5 && .a.b = nil }"#
        );
        assert_eq!(check("{ .n < -3 && .m = 2.0 && .ok != true }"), "{ .n < -3 && .m = 2.0 && .ok != true }");
        assert_eq!(
            check("{ duration <= 1m30s && duration > 1.5us }"),
            "{ duration <= 90s && duration > 1500ns }"
        );
        assert_eq!(
            check("{ kind = server && nestedSetParent < 0 }"),
            "{ kind = server && nestedSetParent < 0 }"
        );
    }

    #[test]
    fn what_is_not_understood_has_a_column() {
        assert_eq!(check("service=cart"), "1 | `{` is expected, found 'service'");
        assert_eq!(check("{ servce = 1 }"), "3 | 'servce' is no field");
        assert_eq!(check("{ .a = 1 || .b = 2 }"), "10 | `&&` is expected, found `||`");
        assert_eq!(check("{ .a =~ \"x\" }"), "6 | an operator is expected, found `=~`");
        assert_eq!(check("{ .a = }"), "8 | a value is expected, found `}`");
        assert_eq!(check("{ .ü = \"x\" && .b = cart }"), "20 | 'cart' is no value");
        assert_eq!(check("{ .a = 1"), "9 | `&&` is expected, the query ends");
        assert_eq!(check("{ .a = \"x }"), "8 | a text that does not end");
        assert_eq!(check("{ duration > 5 }"), "14 | a duration is compared with a duration");
        assert_eq!(check("{ status > error }"), "12 | a status is error, ok or unset");
        assert_eq!(check("{ .a > \"x\" }"), "8 | only numbers have an order");
        assert_eq!(check("{ } | count() > 2"), "5 | `|` is not understood here");
        assert_eq!(check("{ } >> { }"), "5 | `>>` is not understood here");
        assert!(
            check(&format!("{{ {} }}", vec![".a = 1"; 65].join(" && ")))
                .ends_with("more than 64 comparisons")
        );
        assert!(check(&" ".repeat(9_000)).contains("longer than"));
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_parser(text: String) {
            let _ = Query::parse(&text);
        }

        #[test]
        fn what_is_written_is_read_back(text in r#"\{ (span\."[^"\\]{1,9}"|\.[a-z.]{1,9}|name|resource\.x) (=|!=) "[^"\\]{0,9}" \}"#) {
            let query = Query::parse(&text).unwrap();
            prop_assert_eq!(Query::parse(&query.to_string()), Ok(query));
        }
    }
}
