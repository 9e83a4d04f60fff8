//! A file of JSON, piece by piece: the traces in `data`, and the entries of `resourceSpans`, of any number of
//! documents that follow each other, on lines of their own or not.
//!
//! Only the way to a piece is understood here; a piece itself is found by counting brackets, and judged by its
//! decoder. So a document may be of any length, and memory holds one piece.

use std::io::BufRead;

use anyhow::bail;
use span::BATCH_BYTES_MAX;

/// A longer piece is refused: its decoder would refuse it, too.
const PIECE_BYTES_MAX: usize = BATCH_BYTES_MAX - 64;

/// The longest key that is told.
const KEY_BYTES_MAX: usize = 256;

/// What a piece is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An entry of OTLP's `resourceSpans`.
    ResourceSpans,
    /// An entry of Jaeger's `data`.
    JaegerTrace,
}

/// A piece, and the line on which it begins.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) kind: Kind,
    pub(super) text: Vec<u8>,
    pub(super) line: u64,
}

/// The pieces of a file.
pub(super) struct Pieces<R> {
    input: R,
    line: u64,
    place: Place,
    /// Nothing stands before, in the same object or array.
    fresh: bool,
    /// A key of the document led to pieces.
    known: bool,
    /// The first key of the document that did not.
    stranger: Option<String>,
}

#[derive(Clone, Copy)]
enum Place {
    Outside,
    Document,
    List(Kind),
}

impl<R: BufRead> Pieces<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, line: 1, place: Place::Outside, fresh: true, known: false, stranger: None }
    }

    /// Returns the next piece.
    pub(super) fn next(&mut self) -> anyhow::Result<Option<Piece>> {
        loop {
            match self.place {
                Place::Outside => match self.token()? {
                    None => return Ok(None),
                    Some(b'{') => {
                        self.bump();
                        (self.place, self.fresh, self.known, self.stranger) =
                            (Place::Document, true, false, None);
                    }
                    Some(_) => return self.broken("an object was expected"),
                },
                Place::Document => match self.item(b'}')? {
                    true => self.field()?,
                    false => self.end_document()?,
                },
                Place::List(kind) => {
                    if self.item(b']')? {
                        self.token()?;
                        let (line, mut text) = (self.line, Vec::new());
                        self.value(PIECE_BYTES_MAX, Some(&mut text))?;
                        return Ok(Some(Piece { kind, text, line }));
                    }
                    (self.place, self.fresh) = (Place::Document, false);
                }
            }
        }
    }

    /// Leaves a document, unless it was another's: nobody should think that its content was imported.
    fn end_document(&mut self) -> anyhow::Result<()> {
        if let (false, Some(key)) = (self.known, self.stranger.take()) {
            bail!(
                "line {}: an object with {key:?} holds neither OTLP's resourceSpans nor Jaeger's data",
                self.line
            );
        }
        self.place = Place::Outside;
        Ok(())
    }

    /// Reads a key, and goes into its value where that is a list of pieces.
    fn field(&mut self) -> anyhow::Result<()> {
        if self.token()? != Some(b'"') {
            return self.broken("a key was expected");
        }
        let mut key = Vec::new();
        self.value(KEY_BYTES_MAX, Some(&mut key))?;
        if self.token()? != Some(b':') {
            return self.broken("a colon was expected");
        }
        self.bump();
        let kind = match &key[..] {
            b"\"resourceSpans\"" | b"\"resource_spans\"" => Some(Kind::ResourceSpans),
            b"\"data\"" => Some(Kind::JaegerTrace),
            _ => None,
        };
        match (kind, self.token()?) {
            (Some(kind), Some(b'[')) => {
                self.bump();
                (self.place, self.fresh, self.known) = (Place::List(kind), true, true);
            }
            _ => {
                let key = String::from_utf8_lossy(&key).trim_matches('"').to_owned();
                self.stranger.get_or_insert(key);
                self.value(usize::MAX, None)?;
            }
        }
        Ok(())
    }

    /// Tells whether another item follows; else takes the end.
    fn item(&mut self, close: u8) -> anyhow::Result<bool> {
        match self.token()? {
            Some(byte) if byte == close => {
                self.bump();
                Ok(false)
            }
            Some(b',') if !self.fresh => {
                self.bump();
                Ok(true)
            }
            Some(_) if std::mem::take(&mut self.fresh) => Ok(true),
            _ => self.broken("a comma or the end was expected"),
        }
    }

    /// Walks over one value, at most so many bytes of it, and keeps its text where that is wanted.
    fn value(&mut self, bytes_max: usize, mut keep: Option<&mut Vec<u8>>) -> anyhow::Result<()> {
        let mut walk = Walk::default();
        let mut length = 0;
        self.token()?;
        loop {
            let buffer = self.input.fill_buf()?;
            if buffer.is_empty() {
                return self.broken("the file ends inside a value");
            }
            let (taken, is_whole) = walk.over(buffer);
            let part = &buffer[..taken];
            length += taken;
            if bytes_max < length {
                bail!("line {}: a value of more than {bytes_max} bytes", self.line);
            }
            self.line += part.iter().filter(|byte| **byte == b'\n').count() as u64;
            if let Some(keep) = keep.as_mut() {
                keep.extend_from_slice(part);
            }
            self.input.consume(taken);
            if is_whole && length == 0 {
                return self.broken("a value was expected");
            }
            if is_whole {
                return Ok(());
            }
        }
    }

    /// Returns the next byte that is no space, without taking it.
    fn token(&mut self) -> anyhow::Result<Option<u8>> {
        loop {
            match self.input.fill_buf()?.first() {
                Some(b'\n') => self.line += 1,
                Some(b' ' | b'\t' | b'\r') => {}
                other => return Ok(other.copied()),
            }
            self.bump();
        }
    }

    /// Takes the byte that was looked at.
    fn bump(&mut self) {
        self.input.consume(1);
    }

    fn broken<T>(&mut self, why: &str) -> anyhow::Result<T> {
        match self.token()? {
            Some(_) => bail!("line {}: {why}", self.line),
            None => bail!("line {}: the file ends too early: {why}", self.line),
        }
    }
}

/// Where in a value a walk is.
#[derive(Default)]
struct Walk {
    depth: u64,
    in_string: bool,
    is_escaped: bool,
}

impl Walk {
    /// Goes on over `bytes`; returns how many of them belong to the value, and whether it ends there.
    fn over(&mut self, bytes: &[u8]) -> (usize, bool) {
        for (at, byte) in bytes.iter().enumerate() {
            if self.in_string {
                match byte {
                    _ if self.is_escaped => self.is_escaped = false,
                    b'\\' => self.is_escaped = true,
                    b'"' => {
                        self.in_string = false;
                        if self.depth == 0 {
                            return (at + 1, true);
                        }
                    }
                    _ => {}
                }
                continue;
            }
            match byte {
                b'"' => self.in_string = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' if 1 < self.depth => self.depth -= 1,
                b'}' | b']' if self.depth == 1 => return (at + 1, true),
                b'}' | b']' | b',' | b' ' | b'\n' | b'\r' | b'\t' if self.depth == 0 => return (at, true),
                _ => {}
            }
        }
        (bytes.len(), false)
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    /// Reads with buffers of every small size, and says what was found.
    fn check(file: &str, expected: &str) {
        for capacity in 1..8 {
            let mut pieces = Pieces::new(BufReader::with_capacity(capacity, file.as_bytes()));
            let mut seen = Vec::new();
            loop {
                match pieces.next() {
                    Ok(Some(Piece { kind, text, line })) => {
                        seen.push(format!("{kind:?} {line} {}", String::from_utf8(text).unwrap()));
                    }
                    Ok(None) => break,
                    Err(error) => {
                        seen.push(error.to_string());
                        break;
                    }
                }
            }
            assert_eq!(seen.join("\n"), expected, "by {capacity}");
        }
    }

    #[test]
    fn documents_give_their_pieces() {
        check("", "");
        check("{}\n\n{\"resourceSpans\":[]}\n", "");
        check(
            "{\"resourceSpans\":[{\"a\":\"}\\\"]\"},{}]}\n{\"x\":1,\"resource_spans\":[ 7 ]}",
            "ResourceSpans 1 {\"a\":\"}\\\"]\"}\nResourceSpans 1 {}\nResourceSpans 2 7",
        );
        check(
            "{\"total\":0, \"data\" :\n[{\"traceID\":[\"1\"]}\n,\n{}],\"errors\":null}",
            "JaegerTrace 2 {\"traceID\":[\"1\"]}\nJaegerTrace 4 {}",
        );
    }

    #[test]
    fn what_is_broken_is_said_with_its_line() {
        check(
            "{\n\"data\":[{}",
            "JaegerTrace 2 {}\nline 2: the file ends too early: a comma or the end was expected",
        );
        check("{\"data\":[{", "line 1: the file ends too early: the file ends inside a value");
        check("\n[1]", "line 2: an object was expected");
        check("{\"a\" 1}", "line 1: a colon was expected");
        check("{\"a\":}", "line 1: a value was expected");
        check("{data:1}", "line 1: a key was expected");
        check("{\"data\":[1 2]}", "JaegerTrace 1 1\nline 1: a comma or the end was expected");
        check(
            "{\"resourceLogs\":[]}",
            "line 1: an object with \"resourceLogs\" holds neither OTLP's resourceSpans nor Jaeger's data",
        );
    }
}
