//! Just enough of Rust's grammar to search code and not what stands in comments or literals.

/// Returns `text` with every comment and every literal's inside turned into spaces. Bytes and lines
/// keep their places, so an offset into the result is an offset into the text.
pub(crate) fn blanked(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let (from, to) = match bytes[at] {
            b'/' if bytes.get(at + 1) == Some(&b'/') => (at, line_end(bytes, at)),
            b'/' if bytes.get(at + 1) == Some(&b'*') => (at, comment_end(bytes, at)),
            b'"' => (at + 1, string_end(bytes, at + 1)),
            b'r' if !is_word(bytes, at) && raw_string(bytes, at).is_some() => {
                raw_string(bytes, at).expect("just seen to be one")
            }
            b'\'' => match character_end(bytes, at) {
                Some(end) => (at + 1, end),
                None => (at + 1, at + 1),
            },
            _ => (at + 1, at + 1),
        };
        for byte in &mut out[from..to] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        // A closing quote is skipped with its literal; everything else advances by what it took.
        at = if bytes[at] == b'"' { to + 1 } else { to.max(at + 1) };
    }
    String::from_utf8(out).expect("whole literals and comments became spaces")
}

/// Cuts off the unit tests: from the `#[cfg(test)]` that opens an inline module to the end, which is
/// where this house puts them.
pub(crate) fn without_tests(code: &str) -> &str {
    let mut from = 0;
    while let Some(found) = code[from..].find("#[cfg(test)]") {
        let at = from + found;
        let rest = code[at + "#[cfg(test)]".len()..].trim_start();
        let opens = rest.strip_prefix("mod ").is_some_and(|rest| {
            let name = rest.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_');
            name.trim_start().starts_with('{')
        });
        if opens {
            return &code[..at];
        }
        from = at + 1;
    }
    code
}

/// Returns the number, from 1, of the line that holds byte `offset`.
pub(crate) fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes()[..offset].iter().filter(|byte| **byte == b'\n').count() + 1
}

fn line_end(bytes: &[u8], at: usize) -> usize {
    bytes[at..].iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |found| at + found)
}

/// Block comments nest.
fn comment_end(bytes: &[u8], start: usize) -> usize {
    let mut depth = 0usize;
    let mut at = start;
    while at < bytes.len() {
        if bytes[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if bytes[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    bytes.len()
}

/// Returns the offset of the closing quote of the string whose inside starts at `start`.
fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start;
    while at < bytes.len() && bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    at.min(bytes.len())
}

/// Returns the whole of the raw string that starts at `r`, if one does.
fn raw_string(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let hashes = bytes[at + 1..].iter().take_while(|byte| **byte == b'#').count();
    let inside = at + 1 + hashes + 1;
    if bytes.get(inside - 1) != Some(&b'"') {
        return None;
    }
    let mut closing = vec![b'"'];
    closing.resize(1 + hashes, b'#');
    let found = bytes[inside..].windows(closing.len()).position(|window| window == closing);
    Some((at, found.map_or(bytes.len(), |found| inside + found + closing.len())))
}

/// Tells a character literal from a lifetime.
fn character_end(bytes: &[u8], at: usize) -> Option<usize> {
    if bytes.get(at + 1) == Some(&b'\\') {
        let rest = bytes.get(at + 3..)?;
        return rest.iter().position(|byte| *byte == b'\'').map(|found| at + 3 + found);
    }
    // One character of one to four bytes between two quotes.
    (at + 2..=at + 5).find(|end| bytes.get(*end) == Some(&b'\'')).filter(|end| {
        std::str::from_utf8(&bytes[at + 1..*end]).is_ok_and(|inside| inside.chars().count() == 1)
    })
}

/// Whether the byte before `at` belongs to the same word; `b` and `c` may stand before a raw string.
fn is_word(bytes: &[u8], at: usize) -> bool {
    let before = at.checked_sub(1).map_or(b' ', |before| bytes[before]);
    before.is_ascii_alphanumeric() && before != b'b' && before != b'c' || before == b'_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_blanked_in_place() {
        let text = "a /* x /* y */ */ b // c\n\"d \\\" e\" 'f' '\\'' r#\"g \" h\"# 'static \"ä\" i";
        let code = blanked(text);
        assert_eq!(code.len(), text.len());
        let words: Vec<&str> = code.split_whitespace().collect();
        assert_eq!(words, ["a", "b", "\"", "\"", "'", "'", "'", "'", "'static", "\"", "\"", "i"]);
    }

    #[test]
    fn inline_tests_are_cut_and_test_imports_are_not() {
        assert_eq!(without_tests("#[cfg(test)]\nuse a;\nfn b() {}\n#[cfg(test)]\nmod tests {\n}"), {
            "#[cfg(test)]\nuse a;\nfn b() {}\n"
        });
    }

    #[test]
    fn lines_count_from_one() {
        assert_eq!((line_of("a\nb", 0), line_of("a\nb", 2)), (1, 2));
    }
}
