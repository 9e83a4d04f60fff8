//! Statements that are JSON, or nearly: keys stay, values go.
//!
//! What names a collection or an operation stays (`"find":"users"`): the values of a few keys on the first
//! level. A list of values becomes one question mark. Words outside of quotes that are followed by a
//! parenthesis stay (`ObjectId(?)`), as does what stands before the first bracket (`GET /users/_search`).

use super::output::Output;

/// Keys of the first level whose value is a name.
const NAMES: [&[u8]; 20] = [
    b"find",
    b"insert",
    b"update",
    b"delete",
    b"aggregate",
    b"count",
    b"distinct",
    b"findAndModify",
    b"getMore",
    b"collection",
    b"mapReduce",
    b"explain",
    b"create",
    b"drop",
    b"createIndexes",
    b"listIndexes",
    b"$db",
    b"bulkWrite",
    b"dropIndexes",
    b"listCollections",
];

pub(super) fn obfuscate(text: &[u8]) -> Option<Vec<u8>> {
    let mut output = Output::new(text);
    let mut lexer = Lexer { text, at: 0, depth: 0, names: false };
    let head =
        text.iter().position(|byte| matches!(byte, b'{' | b'[' | b'(' | b'"' | b'\'')).unwrap_or(text.len());
    lexer.head(head, &mut output);
    while lexer.at < text.len() {
        lexer.step(&mut output);
    }
    output.finish()
}

struct Lexer<'a> {
    text: &'a [u8],
    at: usize,
    depth: usize,
    /// Whether the value that comes next is a name.
    names: bool,
}

impl Lexer<'_> {
    /// What stands before the first bracket: a method and a path, or `db.users.find`. A query goes, and
    /// what is neither.
    fn head(&mut self, end: usize, output: &mut Output<'_>) {
        let head = &self.text[..end];
        self.at = end;
        let verb = head.iter().take_while(|byte| byte.is_ascii_uppercase()).count();
        let is_request = head[verb..].starts_with(b" /") || head.starts_with(b"/");
        let is_call = end < self.text.len()
            && head.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_.$ \n".contains(byte));
        if is_call || head.is_empty() {
            output.copy(0, end);
        } else if is_request {
            let query = head.iter().position(|byte| *byte == b'?').unwrap_or(end);
            let query_len = head[query..].iter().take_while(|byte| !byte.is_ascii_whitespace()).count();
            output.copy(0, query);
            output.put(&b"?"[..query_len.min(1)], query, query + query_len);
            output.copy(query + query_len, end);
        } else {
            output.put(b"?", 0, end);
        }
    }

    fn step(&mut self, output: &mut Output<'_>) {
        let start = self.at;
        match self.text[start] {
            b'{' | b'[' | b'(' => {
                self.depth += 1;
                self.names = false;
                self.take(1, output);
            }
            b'}' | b']' | b')' => {
                self.depth = self.depth.saturating_sub(1);
                self.names = false;
                self.take(1, output);
            }
            b',' => {
                self.names = false;
                self.take(1, output);
            }
            b':' => self.take(1, output),
            byte if byte.is_ascii_whitespace() => self.take(1, output),
            quote @ (b'"' | b'\'') => {
                let len = quoted_len(&self.text[start..], quote);
                let is_whole = 2 <= len && self.text[start + len - 1] == quote;
                let inner = &self.text[start + 1..start + len - usize::from(is_whole)];
                self.scalar(len, inner, is_whole, output);
            }
            _ => {
                let len = self.text[start..].iter().take_while(|byte| is_bare(**byte)).count().max(1);
                let inner = &self.text[start..start + len];
                self.scalar(len, inner, true, output);
            }
        }
    }

    fn take(&mut self, len: usize, output: &mut Output<'_>) {
        output.copy(self.at, self.at + len);
        self.at += len;
    }

    /// A key, a call, or a value.
    fn scalar(&mut self, len: usize, inner: &[u8], is_whole: bool, output: &mut Output<'_>) {
        let (start, end) = (self.at, self.at + len);
        let is_bare = is_bare(self.text[start]);
        let next = self.text[end..].trim_ascii_start().first();
        self.at = end;
        let is_key = is_whole && next == Some(&b':') && inner.len() <= 128;
        let is_call = is_bare
            && self.text.get(end) == Some(&b'(')
            && inner.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'.' || *byte == b'_');
        if is_key || is_call {
            output.copy(start, end);
            self.names = is_key && self.depth == 1 && NAMES.contains(&inner);
            return;
        }
        let is_word = !inner.is_empty()
            && inner.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_.$-".contains(byte))
            && !inner[0].is_ascii_digit();
        if matches!(inner, b"null" | b"true" | b"false") && is_bare
            || (self.names && is_whole && is_word && inner.len() <= 128)
        {
            output.copy(start, end);
            return;
        }
        // Literals that touch are one.
        let touches = output.so_far().ends_with(b"?");
        output.put(if touches { b"" } else { b"?" }, start, end);
        collapse(output);
    }
}

/// Makes `?, ?` one question mark.
fn collapse(output: &mut Output<'_>) {
    let so_far = output.so_far();
    let Some(rest) = so_far.strip_suffix(b"?") else { return };
    let Some(rest) = rest.trim_ascii_end().strip_suffix(b",") else { return };
    let rest = rest.trim_ascii_end();
    if rest.ends_with(b"?") {
        let len = rest.len();
        // `"a":?,?` cannot be: a key stands before each value of an object.
        output.truncate(len);
    }
}

const fn is_bare(byte: u8) -> bool {
    !byte.is_ascii_whitespace()
        && !matches!(byte, b'{' | b'}' | b'[' | b']' | b'(' | b')' | b',' | b':' | b'"' | b'\'')
}

/// The length of a text in quotes, both included; all that is left where the second is missing.
fn quoted_len(text: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < text.len() {
        match text[at] {
            b'\\' => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    text.len()
}
