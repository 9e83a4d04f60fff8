//! Redaction: it returns, and doing it twice is doing it once.

use tracewell_redact::{KeyClass, Mode, Redactor, Rule, Rules, Verdict};

/// Systems whose statements are read differently, and none at all.
const SYSTEMS: [&[u8]; 7] = [b"", b"postgresql", b"mysql", b"mssql", b"oracle", b"mongodb", b"redis"];

/// A line with the key, then the value.
pub fn attribute(data: &[u8]) {
    let end = data.iter().position(|byte| *byte == b'\n').unwrap_or(0);
    let (key, value) = (&data[..end], data.get(end + 1..).unwrap_or_default());
    for redactor in redactors() {
        let class = redactor.class_of_bytes(key);
        twice(value, |value| redactor.apply_bytes(class, value));
        twice(value, |value| redactor.apply_bytes(KeyClass::NONE, value));
        for system in SYSTEMS {
            twice(value, |value| redactor.apply_statement_bytes(system, value));
        }
        if let Ok(text) = std::str::from_utf8(value)
            && let Verdict::Replace { with, .. } = redactor.apply_class(class, text)
        {
            // Text stays text: nothing is cut through the middle of a letter.
            assert!(!with.contains('\u{fffd}') || text.contains('\u{fffd}'));
        }
    }
}

fn twice(value: &[u8], judge: impl Fn(&[u8]) -> Verdict<Vec<u8>>) {
    if let Verdict::Replace { with, found } = judge(value) {
        assert!(!found.is_empty());
        assert_ne!(with, value, "a replacement differs");
        let again = judge(&with);
        assert!(
            again.is_keep(),
            "{:?}\n{:?}\n{again:?}",
            String::from_utf8_lossy(value),
            String::from_utf8_lossy(&with)
        );
    }
}

/// The default rules, and every finding hashed.
fn redactors() -> [Redactor; 2] {
    let mut rules = Rules { hmac_key: b"a key of sixteen".to_vec(), ..Rules::secrets() };
    Rule::ALL.into_iter().for_each(|rule| rules.modes.set(rule, Mode::Hmac));
    [Redactor::secrets(), Redactor::new(&rules).expect("the rules are good")]
}
