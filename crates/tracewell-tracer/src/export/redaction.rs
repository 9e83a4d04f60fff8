//! Secrets are taken out of requests before they are sent.
//!
//! A request is walked once, on the exporter's thread, where no service waits. Nearly always nothing is
//! found, and then nothing is copied. What is looked at: names and status messages of spans, names of
//! events, and every text, number and bytes among the attributes of resources, spans, events and links,
//! however deep. A statement is read in the language of its span's `db.system.name`.
//!
//! Keys and span names come again and again, so what was found out about them is kept, up to a bound:
//! names are dynamic text.

use std::collections::{HashMap, HashSet};

use tracewell_redact::{KeyClass, Redactor, Verdict};

use crate::encode::bytes_field;
use crate::limits::VALUE_DEPTH_MAX;
use crate::read::{Field, Fields};

/// Keys and names that are remembered.
const REMEMBERED_MAX: usize = 2048;
/// Longer ones are judged anew, so that the memory has a bound in bytes.
const REMEMBERED_BYTES_MAX: usize = 128;
/// What stands for a text that cannot go.
const MASK: &[u8] = b"****";

/// Rules made ready, and what is remembered.
#[derive(Debug)]
pub(super) struct Redaction {
    redactor: Redactor,
    classes: HashMap<Box<[u8]>, KeyClass>,
    clean_names: HashSet<Box<[u8]>>,
    /// Values in which something was found, ever.
    pub(super) found: u64,
}

/// What becomes of a field.
enum Becomes {
    Same,
    /// Other bytes inside, under the same tag.
    Bytes(Vec<u8>),
    Gone,
}

impl Redaction {
    pub(super) fn new(redactor: Redactor) -> Self {
        Self { redactor, classes: HashMap::new(), clean_names: HashSet::new(), found: 0 }
    }

    /// Returns the request without its secrets; none if there are none.
    pub(super) fn request(&mut self, request: &[u8]) -> Option<Vec<u8>> {
        rewritten(request, |number, resource_spans| match number {
            1 => became(rewritten(resource_spans, |number, message| match number {
                1 => became(self.attributes(message, 1, b"")),
                2 => became(rewritten(message, |number, span| match number {
                    2 => became(self.span(span)),
                    _ => Becomes::Same,
                })),
                _ => Becomes::Same,
            })),
            _ => Becomes::Same,
        })
    }

    fn span(&mut self, span: &[u8]) -> Option<Vec<u8>> {
        rewritten(span, |number, inside| match number {
            5 => self.name(inside),
            9 => self.attribute(inside, span),
            11 => became(rewritten(inside, |number, inside| match number {
                2 => self.name(inside),
                3 => self.attribute(inside, span),
                _ => Becomes::Same,
            })),
            13 => became(self.attributes(inside, 4, span)),
            15 => became(rewritten(inside, |number, message| match number {
                2 => self.text(message),
                _ => Becomes::Same,
            })),
            _ => Becomes::Same,
        })
    }

    /// Rewrites a message whose field `tag` are attributes.
    fn attributes(&mut self, message: &[u8], tag: u64, span: &[u8]) -> Option<Vec<u8>> {
        rewritten(
            message,
            |number, inside| {
                if number == tag { self.attribute(inside, span) } else { Becomes::Same }
            },
        )
    }

    fn attribute(&mut self, attribute: &[u8], span: &[u8]) -> Becomes {
        let mut fields = Fields(attribute);
        // We write the key first.
        let Some((1, key)) = fields.next() else { return Becomes::Same };
        let class = self.class_of(key.bytes());
        let rewritten = rewritten(attribute, |number, value| match number {
            2 => self.value(class, value, span, 0),
            _ => Becomes::Same,
        });
        // A key whose value is gone is gone too.
        match rewritten {
            Some(left) if Fields(&left).all(|(number, _)| number == 1) => Becomes::Gone,
            other => became(other),
        }
    }

    /// Rewrites an `AnyValue`.
    fn value(&mut self, class: KeyClass, value: &[u8], span: &[u8], depth: usize) -> Becomes {
        if VALUE_DEPTH_MAX < depth {
            return Becomes::Same;
        }
        let Some((number, held)) = Fields(value).last() else { return Becomes::Same };
        match number {
            1 if class.is_statement() => {
                let system = system_of(span);
                self.judged(self.redactor.apply_statement_bytes(system, held.bytes()))
            }
            1 => self.judged(self.redactor.apply_bytes(class, held.bytes())),
            3 => {
                let verdict = self.redactor.apply_number(class, held.number().cast_signed());
                self.judged(bytes_of(verdict))
            }
            4 if class.is_secret() => {
                let whole = f64::from_bits(held.number());
                self.judged(bytes_of(self.redactor.apply_number(class, whole as i64)))
            }
            5 => inside(
                value,
                5,
                rewritten(held.bytes(), |_, value| self.value(class, value, span, depth + 1)),
            ),
            6 => inside(value, 6, self.map(class, held.bytes(), span, depth + 1)),
            7 if class.is_secret() => self.judged(self.redactor.apply_bytes(class, held.bytes())),
            _ => Becomes::Same,
        }
    }

    /// Rewrites a `KeyValueList`; a secret key above makes secrets of all below.
    fn map(&mut self, above: KeyClass, map: &[u8], span: &[u8], depth: usize) -> Option<Vec<u8>> {
        rewritten(map, |_, entry| {
            let Some((1, key)) = Fields(entry).next() else { return Becomes::Same };
            let own = self.class_of(key.bytes());
            let class = if above.is_secret() { above } else { own };
            became(rewritten(entry, |number, value| match number {
                2 => self.value(class, value, span, depth),
                _ => Becomes::Same,
            }))
        })
    }

    fn name(&mut self, name: &[u8]) -> Becomes {
        if self.clean_names.contains(name) {
            return Becomes::Same;
        }
        let judged = self.text(name);
        let room = self.clean_names.len() < REMEMBERED_MAX && name.len() <= REMEMBERED_BYTES_MAX;
        if matches!(judged, Becomes::Same) && room {
            self.clean_names.insert(name.into());
        }
        judged
    }

    fn text(&mut self, text: &[u8]) -> Becomes {
        match self.redactor.apply_bytes(KeyClass::NONE, text) {
            Verdict::Keep => Becomes::Same,
            Verdict::Replace { with, .. } => {
                self.found += 1;
                Becomes::Bytes(with)
            }
            Verdict::Drop(_) => {
                self.found += 1;
                Becomes::Bytes(MASK.to_vec())
            }
        }
    }

    /// Turns a verdict into the `AnyValue` that it leaves.
    fn judged(&mut self, verdict: Verdict<Vec<u8>>) -> Becomes {
        let with = match verdict {
            Verdict::Keep => return Becomes::Same,
            Verdict::Drop(_) => {
                self.found += 1;
                return Becomes::Gone;
            }
            Verdict::Replace { with, .. } => with,
        };
        self.found += 1;
        let mut value = Vec::with_capacity(with.len() + 4);
        bytes_field(&mut value, 0x0a, &with);
        Becomes::Bytes(value)
    }

    fn class_of(&mut self, key: &[u8]) -> KeyClass {
        if let Some(class) = self.classes.get(key) {
            return *class;
        }
        let class = self.redactor.class_of_bytes(key);
        if self.classes.len() < REMEMBERED_MAX && key.len() <= REMEMBERED_BYTES_MAX {
            self.classes.insert(key.into(), class);
        }
        class
    }
}

fn became(rewritten: Option<Vec<u8>>) -> Becomes {
    rewritten.map_or(Becomes::Same, Becomes::Bytes)
}

/// A list or a map inside an `AnyValue`, rewritten.
fn inside(value: &[u8], wanted: u64, held: Option<Vec<u8>>) -> Becomes {
    let Some(held) = held else { return Becomes::Same };
    let mut held = Some(held);
    became(rewritten(value, |number, _| match held.take_if(|_| number == wanted) {
        Some(held) => Becomes::Bytes(held),
        None => Becomes::Gone,
    }))
}

fn bytes_of(verdict: Verdict) -> Verdict<Vec<u8>> {
    match verdict {
        Verdict::Keep => Verdict::Keep,
        Verdict::Replace { with, found } => Verdict::Replace { with: with.into_bytes(), found },
        Verdict::Drop(found) => Verdict::Drop(found),
    }
}

/// Returns the system whose language a span's statements are written in; nothing if it is not said.
fn system_of(span: &[u8]) -> &[u8] {
    for (_, attribute) in Fields(span).filter(|(number, _)| *number == 9) {
        let mut fields = Fields(attribute.bytes());
        if let Some((1, key)) = fields.next()
            && matches!(key.bytes(), b"db.system.name" | b"db.system")
            && let Some((2, value)) = fields.next()
            && let Some((1, system)) = Fields(value.bytes()).next()
        {
            return system.bytes();
        }
    }
    b""
}

/// Walks the fields of a message that have an inside; returns the message as `judge` wants it, or
/// nothing if it wants it as it is.
fn rewritten(message: &[u8], mut judge: impl FnMut(u64, &[u8]) -> Becomes) -> Option<Vec<u8>> {
    let mut out: Option<Vec<u8>> = None;
    let mut fields = Fields(message);
    loop {
        let start = message.len() - fields.0.len();
        let Some((number, field)) = fields.next() else { break };
        let end = message.len() - fields.0.len();
        let becomes = match field {
            Field::Bytes(inside) => judge(number, inside),
            Field::Number(_) => Becomes::Same,
        };
        let copied = match (&mut out, &becomes) {
            (None, Becomes::Same) => continue,
            (Some(out), _) => out,
            (None, _) => out.insert(message[..start].to_vec()),
        };
        match becomes {
            Becomes::Same => copied.extend_from_slice(&message[start..end]),
            Becomes::Gone => {}
            Becomes::Bytes(inside) => {
                let tag = u8::try_from(number << 3 | 2).unwrap_or(0);
                bytes_field(copied, tag, &inside);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use tracewell_redact::{Mode, Rule, Rules};

    use super::*;
    use crate::capture::Capture;
    use crate::export::TracerBuilder;
    use crate::limits::Limits;
    use crate::value::Value;

    fn check(rules: &Rules) -> (crate::capture::CapturedSpan, u64) {
        let capture = Capture::new();
        let redactor = Redactor::new(rules).unwrap();
        let guard = TracerBuilder::default()
            .limits(Limits::default())
            .redaction(redactor)
            .start(capture.exporter())
            .unwrap();
        let mut span = guard.tracer().span("login with Bearer abcdefghijklmnop123456").start();
        span.attr("password", "hunter2").attr("items", 3).attr("card.cvv", 123).attr("card_last4", "4242");
        span.attr("card_type", "visa").attr("note", "paid with 4242 4242 4242 4242");
        span.attr("db.system.name", "postgresql").attr("db.query.text", "SELECT * FROM t WHERE m = 'a@b.c'");
        span.attr("tokens", ["AKIAIOSFODNN7EXAMPLE", "plain"].as_slice());
        let entries = [("secret", Value::Str("x1y2z3")), ("size", Value::Int(7))];
        span.attr("form", Value::Map(&entries)).attr("raw.token", b"bytes".as_slice());
        span.event("sent", &[("authorization", "Basic YWRhOnNlY3JldA==".into()), ("n", 1.into())]);
        span.record_failure("E", "cannot reach postgres://app:hunter2@db/shop");
        span.end();
        assert!(guard.flush(std::time::Duration::from_secs(20)));
        let found = guard.status().values_redacted;
        (capture.spans().remove(0), found)
    }

    #[test]
    fn secrets_leave_no_service_and_all_else_does() {
        let (span, found) = check(&Rules::secrets());
        let said = format!("{span:?}");
        for secret in
            ["hunter2", "abcdefghijklmnop", "Int(123)", "4242 4242", "a@b.c", "AKIA", "x1y2z3", "YWRh"]
        {
            assert!(!said.contains(secret), "{secret} is in {said}");
        }
        assert!(found >= 9, "{found}");
        let is = |key: &str, text: &str| assert_eq!(span.attribute(key).unwrap(), &text, "{key}");
        is("card_last4", "4242");
        is("card_type", "visa");
        is("password", "****");
        is("card.cvv", "****");
        is("note", "paid with ****4242");
        is("db.query.text", "SELECT * FROM t WHERE m = ?");
        assert_eq!(span.attribute("items").unwrap(), &3);
        assert!(said.contains("cannot reach postgres://app:****@db/shop"), "{said}");
        assert!(said.contains("(\"size\", Int(7))") && said.contains("Str(\"plain\")"), "{said}");
    }

    #[test]
    fn rules_say_what_becomes_of_a_secret_and_what_survives() {
        let mut rules = Rules::secrets();
        rules.modes.set(Rule::Key, Mode::Drop);
        rules.allow.push("card cvv".into());
        rules.deny.push("items".into());
        let (span, _) = check(&rules);
        assert!(span.attribute("password").is_none());
        assert_eq!(span.attribute("card.cvv").unwrap(), &123);
        rules.modes.set(Rule::Key, Mode::Hmac);
        rules.hmac_key = b"0123456789abcdef".to_vec();
        let (span, _) = check(&rules);
        assert!(format!("{:?}", span.attribute("password")).contains("[key~"), "{span:?}");
    }

    #[test]
    fn what_holds_no_secret_is_not_copied() {
        let mut redaction = Redaction::new(Redactor::secrets());
        let mut span = Vec::new();
        bytes_field(&mut span, 0x2a, b"GET /");
        let mut request = Vec::new();
        crate::encode::nested(&mut request, 0x0a, |out| {
            crate::encode::nested(out, 0x12, |out| bytes_field(out, 0x12, &span));
        });
        assert_eq!(redaction.request(&request), None);
        for cut in 0..request.len() {
            redaction.request(&request[..cut]);
        }
    }
}
