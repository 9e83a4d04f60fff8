//! A query's words, each with its column.

use crate::QueryError;

/// A word of a query.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Word {
    /// `{`, `}`, `&&`, or an operator.
    Sign(&'static str),
    /// A field, a number or a keyword: whatever is written without quotes. A quoted part within it stands as it is
    /// meant, and `quoted_from` says where it begins.
    Bare { text: String, quoted_from: Option<usize> },
    /// A text in quotes.
    Text(String),
}

/// A word and where it stands, in characters from 1.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct At {
    pub(crate) word: Word,
    pub(crate) column: usize,
}

/// Longer ones first.
const SIGNS: [&str; 19] =
    ["&&", "||", "!=", "!~", "=~", ">=", "<=", ">>", "<<", "=", ">", "<", "{", "}", "(", ")", "|", "!", "&"];

/// Divides a text into words.
pub(crate) fn words(text: &str) -> Result<Vec<At>, QueryError> {
    let letters: Vec<char> = text.chars().collect();
    let (mut words, mut at) = (Vec::new(), 0);
    while let Some(letter) = letters.get(at) {
        if letter.is_whitespace() {
            at += 1;
            continue;
        }
        let column = at + 1;
        let sign =
            SIGNS.into_iter().find(|sign| sign.chars().eq(letters[at..].iter().copied().take(sign.len())));
        let word = match (sign, letter) {
            (Some(sign), _) => {
                at += sign.len();
                Word::Sign(sign)
            }
            (None, '"' | '`') => Word::Text(quoted(&letters, &mut at)?),
            (None, _) => bare(&letters, &mut at)?,
        };
        words.push(At { word, column });
    }
    Ok(words)
}

/// Reads up to a sign or a space; quotes may stand behind a dot.
fn bare(letters: &[char], at: &mut usize) -> Result<Word, QueryError> {
    let (mut text, mut quoted_from) = (String::new(), None);
    while let Some(letter) = letters.get(*at) {
        match letter {
            '"' if text.ends_with('.') => {
                quoted_from = quoted_from.or(Some(text.len()));
                text.push_str(&quoted(letters, at)?);
            }
            letter if letter.is_whitespace() || "{}()=!<>&|\"`".contains(*letter) => break,
            letter => {
                text.push(*letter);
                *at += 1;
            }
        }
    }
    Ok(Word::Bare { text, quoted_from })
}

/// Reads a text in quotes: between backquotes everything stands for itself.
fn quoted(letters: &[char], at: &mut usize) -> Result<String, QueryError> {
    let (start, quote) = (*at, letters[*at]);
    let mut text = String::new();
    *at += 1;
    while let Some(letter) = letters.get(*at) {
        *at += 1;
        match letter {
            letter if *letter == quote => return Ok(text),
            '\\' if quote == '"' => {
                let escaped = letters.get(*at).copied();
                *at += 1;
                text.push(match escaped {
                    Some('n') => '\n',
                    Some('t') => '\t',
                    Some('r') => '\r',
                    Some(letter @ ('"' | '\\' | '\'')) => letter,
                    _ => {
                        let hint = r#"in double quotes \n, \t, \r, \" and \\ are known; in backquotes all is itself"#;
                        return Err(QueryError::new(*at - 1, "an escape that nobody knows", hint));
                    }
                });
            }
            letter => text.push(*letter),
        }
    }
    Err(QueryError::new(start + 1, "a text that does not end", "close the quotes"))
}
