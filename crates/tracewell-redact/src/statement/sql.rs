//! SQL and its kin without literals, in one pass over its tokens.
//!
//! Texts, numbers, dates become `?`; comments go; blanks become one. A list behind `IN` or in square
//! brackets becomes one `?`, and rows behind `VALUES` that look alike become one row. Names stay, quoted
//! or not, and so do placeholders (`$1`, `:id`, `@p1`).
//!
//! Dialects differ in what a double quote is (a name, or a text in MySQL), and in whether a backslash
//! hides a quote. Where the dialect is unknown, and the two readings differ, the rest is taken.

use super::output::Output;

/// How quotes and comments are read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// By the standard: SQLite, Oracle, Db2, Cassandra, Trino.
    Ansi,
    /// The standard, with `E'\''` and `$tag$`.
    Postgres,
    /// Double quotes are texts, backslashes hide, `#` is a comment: MySQL, MariaDB, ClickHouse, Cypher.
    MySql,
    /// Names may stand in square brackets.
    SqlServer,
    /// Any of these.
    Unknown,
}

/// Returns the statement without its literals, or nothing if it has none.
pub(super) fn obfuscate(dialect: Dialect, text: &[u8]) -> Option<Vec<u8>> {
    let mut lexer = Lexer {
        dialect,
        text,
        at: 0,
        output: Output::new(text),
        blank: None,
        word: Word::Other,
        brackets: 0,
        depth: 0,
        rows: Rows::default(),
    };
    while lexer.at < text.len() {
        lexer.step();
    }
    lexer.output.finish()
}

struct Lexer<'a> {
    dialect: Dialect,
    text: &'a [u8],
    at: usize,
    output: Output<'a>,
    /// Blanks and comments that have been read and not written.
    blank: Option<usize>,
    /// What the last token was, as far as it matters for the next.
    word: Word,
    /// A bit for each open bracket, the innermost lowest: whether it holds a list.
    brackets: u64,
    depth: usize,
    rows: Rows,
}

/// The last token.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Word {
    /// `IN`: a list follows.
    In,
    /// `VALUES`, or a comma between rows: a row may follow.
    Values,
    /// A word after which a quoted name comes: `FROM`, `JOIN`, `AS` and a dot.
    Naming,
    Other,
}

/// Rows behind `VALUES`.
#[derive(Default)]
struct Rows {
    /// Where the first row was written.
    first: Option<(usize, usize)>,
    /// Where the row that is open began, and how deep.
    open: Option<(usize, usize)>,
}

impl Lexer<'_> {
    fn step(&mut self) {
        let rest = &self.text[self.at..];
        match rest {
            [byte, ..] if byte.is_ascii_whitespace() => {
                self.skip(rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count());
            }
            [b'-', b'-', after @ ..] if self.is_comment(after) => self.skip(line_len(rest)),
            [b'#', after @ ..] if self.is_hash_comment(after) => self.skip(line_len(rest)),
            [b'/', b'*', ..] => self.skip(comment_len(rest, self.dialect != Dialect::MySql)),
            [b'\'', ..] => self.text_literal(0, self.dialect == Dialect::MySql),
            [b'"', ..] if self.is_text_quote(rest) => self.double_quoted_text(),
            [quote @ (b'"' | b'`'), ..] => self.name(*quote),
            [b'[', ..] if self.dialect == Dialect::SqlServer => self.name(b']'),
            [b'$', ..] => self.dollar(rest),
            [b'?', ..] => {
                self.placeholder(1 + rest[1..].iter().take_while(|byte| byte.is_ascii_digit()).count());
            }
            [b':', digit, ..] if digit.is_ascii_digit() && self.dialect == Dialect::Ansi => {
                self.placeholder(1 + rest[1..].iter().take_while(|byte| byte.is_ascii_digit()).count());
            }
            [byte, ..] if byte.is_ascii_digit() => self.literal(number_len(rest)),
            [b'.', digit, ..] if digit.is_ascii_digit() => self.literal(number_len(rest)),
            [byte, ..] if is_word(*byte) => self.word(rest.iter().take_while(|byte| is_word(**byte)).count()),
            [byte, ..] => self.symbol(*byte),
            [] => {}
        }
    }

    /// Blanks and comments: one blank, if anything comes before and after.
    fn skip(&mut self, len: usize) {
        self.blank.get_or_insert(self.at);
        self.at += len;
    }

    fn write_blank(&mut self) {
        if let Some(start) = self.blank.take()
            && !self.output.so_far().is_empty()
        {
            self.output.put(b" ", start, self.at);
        }
    }

    fn copy(&mut self, len: usize) {
        self.write_blank();
        self.output.copy(self.at, self.at + len);
        self.at += len;
    }

    /// A literal of that many bytes.
    fn literal(&mut self, len: usize) {
        let len = len.min(self.text.len() - self.at);
        self.write_blank();
        self.output.put(b"?", self.at, self.at + len);
        self.at += len;
        self.word = Word::Other;
        if 0 < self.depth && self.brackets & 1 == 1 {
            collapse(&mut self.output);
        }
    }

    fn placeholder(&mut self, len: usize) {
        if 0 < self.depth && self.brackets & 1 == 1 {
            self.literal(len);
        } else {
            self.word = Word::Other;
            self.copy(len);
        }
    }

    /// A text in single quotes, behind a prefix of some bytes.
    fn text_literal(&mut self, prefix: usize, hides: bool) {
        let rest = &self.text[self.at + prefix..];
        match quoted_len(rest, b'\'', hides, self.dialect == Dialect::Unknown) {
            Some(len) => self.literal(prefix + len),
            None => self.literal(usize::MAX / 2),
        }
    }

    fn double_quoted_text(&mut self) {
        let rest = &self.text[self.at..];
        let hides = self.dialect == Dialect::MySql;
        match quoted_len(rest, b'"', hides, self.dialect == Dialect::Unknown) {
            Some(len) => self.literal(len),
            None => self.literal(usize::MAX / 2),
        }
    }

    /// A name in quotes; one that does not end is a literal to the end.
    fn name(&mut self, end: u8) {
        match quoted_len(&self.text[self.at..], end, false, false) {
            Some(len) => {
                self.copy(len);
                self.word = Word::Other;
                self.rows = Rows::default();
            }
            None => self.literal(usize::MAX / 2),
        }
    }

    /// `$1`, `$name`, or a text in dollars.
    fn dollar(&mut self, rest: &[u8]) {
        let tag = 1 + rest[1..].iter().take_while(|byte| is_word(**byte) && **byte != b'$').count();
        let has_dollars = matches!(self.dialect, Dialect::Postgres | Dialect::Unknown);
        let is_tag = has_dollars && rest.get(tag) == Some(&b'$') && !rest[1].is_ascii_digit();
        if !is_tag {
            self.placeholder(tag);
            return;
        }
        let tag = &rest[..=tag];
        let body = &rest[tag.len()..];
        let end = body.windows(tag.len()).position(|part| part == tag);
        self.literal(end.map_or(usize::MAX / 2, |end| end + 2 * tag.len()));
    }

    fn word(&mut self, len: usize) {
        let word = &self.text[self.at..self.at + len];
        let is = |names: &[&[u8]]| names.iter().any(|name| name.eq_ignore_ascii_case(word));
        if self.text.get(self.at + len) == Some(&b'\'') && len <= 12 {
            // Letters that touch a text belong to it: N'..', X'..', E'..', q'[..]'.
            if is(&[b"q", b"nq"]) && matches!(self.dialect, Dialect::Ansi | Dialect::Unknown) {
                let len = len + oracle_len(&self.text[self.at + len..]);
                return self.literal(len);
            }
            let hides = self.dialect == Dialect::MySql || is(&[b"e"]);
            return self.text_literal(len, hides);
        }
        self.word = match len {
            2 if is(&[b"in"]) => Word::In,
            2 if is(&[b"as", b"by"]) => Word::Naming,
            4 if is(&[b"from", b"into", b"join"]) => Word::Naming,
            5 if is(&[b"value"]) => Word::Values,
            5 if is(&[b"table"]) => Word::Naming,
            6 if is(&[b"values"]) => Word::Values,
            6 if is(&[b"update", b"exists"]) => Word::Naming,
            _ => Word::Other,
        };
        if self.rows.open.is_none() {
            self.rows = Rows::default();
        }
        self.copy(len);
    }

    fn symbol(&mut self, byte: u8) {
        let before = self.word;
        self.word = if byte == b'.' { Word::Naming } else { Word::Other };
        match byte {
            b'(' | b'[' => {
                let is_list = before == Word::In || byte == b'[';
                self.brackets = self.brackets << 1 | u64::from(is_list);
                self.depth += 1;
                self.copy(1);
                if before == Word::Values && self.rows.open.is_none() {
                    self.rows.open = Some((self.output.so_far().len() - 1, self.depth));
                }
            }
            b')' | b']' => {
                self.copy(1);
                self.close();
            }
            b',' => {
                if self.rows.first.is_some() && self.rows.open.is_none() {
                    self.word = Word::Values;
                }
                self.copy(1);
            }
            _ => self.copy(1),
        }
    }

    /// After a closing bracket: a row that looks like the first one goes.
    fn close(&mut self) {
        if let Some((start, depth)) = self.rows.open
            && depth == self.depth
        {
            let end = self.output.so_far().len();
            match self.rows.first {
                None => self.rows.first = Some((start, end)),
                Some((first, first_end)) => {
                    let so_far = self.output.so_far();
                    if so_far[first..first_end] == so_far[start..end] {
                        self.output.truncate(first_end);
                    }
                }
            }
            self.rows.open = None;
        }
        self.brackets >>= 1;
        self.depth = self.depth.saturating_sub(1);
    }

    fn is_comment(&self, after: &[u8]) -> bool {
        self.dialect != Dialect::MySql || after.first().is_none_or(u8::is_ascii_whitespace)
    }

    fn is_hash_comment(&self, after: &[u8]) -> bool {
        match self.dialect {
            Dialect::MySql => true,
            // Operators of Postgres on JSON.
            Dialect::Unknown => !matches!(after.first(), Some(b'>' | b'-' | b'=')),
            _ => false,
        }
    }

    /// Tells whether a double quote begins a text. Where nobody knows, it does, unless what stands around
    /// it says that a name belongs here.
    fn is_text_quote(&self, rest: &[u8]) -> bool {
        match self.dialect {
            Dialect::MySql => true,
            Dialect::Unknown => {
                let is_followed = quoted_len(rest, b'"', false, false)
                    .is_some_and(|len| matches!(rest.get(len), Some(b'.')));
                self.word != Word::Naming && !is_followed
            }
            _ => false,
        }
    }
}

/// Makes the last two of a list, if both are literals, one.
fn collapse(output: &mut Output<'_>) {
    let Some(rest) = output.so_far().strip_suffix(b"?") else { return };
    let unsigned =
        rest.strip_suffix(b"-").or_else(|| rest.strip_suffix(b"+")).unwrap_or(rest).trim_ascii_end();
    let Some(before) = unsigned.strip_suffix(b",") else { return };
    let before = before.trim_ascii_end();
    if before.ends_with(b"?") {
        let len = before.len();
        output.truncate(len);
    }
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'@' | b'#') || !byte.is_ascii()
}

fn line_len(text: &[u8]) -> usize {
    text.iter().position(|byte| *byte == b'\n').unwrap_or(text.len())
}

/// A comment that does not end takes the rest.
fn comment_len(text: &[u8], nests: bool) -> usize {
    let (mut depth, mut at) = (1, 2);
    while at < text.len() {
        match &text[at..] {
            [b'*', b'/', ..] => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return at;
                }
            }
            [b'/', b'*', ..] if nests => {
                depth += 1;
                at += 2;
            }
            _ => at += 1,
        }
    }
    text.len()
}

/// The length of a text or name in quotes, which are doubled inside. Nothing if it does not end, or if
/// it is not known whether a backslash hides a quote and one stands before it.
fn quoted_len(text: &[u8], end: u8, hides: bool, is_unsure: bool) -> Option<usize> {
    let mut at = 1;
    loop {
        match text.get(at..)? {
            [b'\\', next, ..] if hides || (is_unsure && (*next == end || *next == b'\\')) => {
                if !hides {
                    return None;
                }
                at += 2;
            }
            [byte, next, ..] if *byte == end && *next == end => at += 2,
            [byte, ..] if *byte == end => return Some(at + 1),
            [] => return None,
            _ => at += 1,
        }
    }
}

/// The length of `'[text]'`, from the quote on.
fn oracle_len(text: &[u8]) -> usize {
    let end = match text.get(1) {
        Some(b'[') => b']',
        Some(b'(') => b')',
        Some(b'{') => b'}',
        Some(b'<') => b'>',
        Some(byte) => *byte,
        None => return text.len(),
    };
    let body = text.get(2..).unwrap_or_default();
    body.windows(2).position(|part| part == [end, b'\'']).map_or(text.len(), |at| at + 4)
}

/// The length of a number, with whatever letters touch it.
fn number_len(text: &[u8]) -> usize {
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        let is_exponent = matches!(byte, b'+' | b'-')
            && matches!(text[..at].last(), Some(b'e' | b'E'))
            && text.get(at + 1).is_some_and(u8::is_ascii_digit)
            && !text.starts_with(b"0x");
        if !is_word(*byte) && *byte != b'.' && !is_exponent {
            break;
        }
        at += 1;
    }
    at
}
