//! The redactor: rules made ready, and one pass over each value.
//!
//! 1. The key is judged by its words. Who meets the same keys again and again (a callsite, a dictionary)
//!    judges each once and keeps the [`KeyClass`].
//! 2. A value under a denied key is a secret as a whole; one under an allowed key is left alone.
//! 3. A database statement loses its literals.
//! 4. In everything else, and in what is left of a statement, secrets are looked for by their shapes.
//!
//! Nothing is allocated unless something is found. Redacting twice is redacting once.

use std::borrow::Cow;

use crate::keys::{Extent, Judgement, Keys, speaks_of_card};
use crate::mode;
use crate::scan::{self, Finding};
use crate::statement;
use crate::verdict::Verdict;
use crate::{Mode, RedactError, Rule, RuleSet, Rules, Statements};

/// How often what is left of a value is looked at again before all of it is taken.
const LOOKS_MAX: usize = 8;

/// Rules made ready. Made once, shared by all threads.
///
/// ```
/// use tracewell_redact::{Redactor, Rule, Verdict};
///
/// let redactor = Redactor::secrets();
/// assert_eq!(redactor.apply("http.route", "/users/{id}"), Verdict::Keep);
/// assert_eq!(
///     redactor.apply("url.full", "https://example.com/?page=2&token=s3cr3t"),
///     Verdict::Replace {
///         with: "https://example.com/?page=2&token=****".to_owned(),
///         found: Rule::Assignment.into(),
///     },
/// );
/// ```
#[derive(Debug)]
pub struct Redactor {
    keys: Keys,
    rules: Rules,
    /// Which rules are off.
    off: RuleSet,
}

/// What a key says about its value, judged once and kept.
///
/// ```
/// use tracewell_redact::Redactor;
///
/// let redactor = Redactor::secrets();
/// assert!(redactor.class_of("user.password").is_secret());
/// assert!(!redactor.class_of("spinner").is_secret());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyClass(Class);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Plain,
    /// The key speaks of payment cards, so a bare number may be one.
    Card,
    Secret(Extent),
    Allowed,
    Statement,
}

impl KeyClass {
    /// The class of no key at all: span names, status messages, log lines.
    ///
    /// ```
    /// # use tracewell_redact::{KeyClass, Redactor};
    /// assert_eq!(Redactor::secrets().class_of("http.route"), KeyClass::NONE);
    /// ```
    pub const NONE: Self = Self(Class::Plain);

    /// Tells whether every text under the key is a secret.
    ///
    /// ```
    /// # use tracewell_redact::Redactor;
    /// assert!(Redactor::secrets().class_of("authorization").is_secret());
    /// ```
    pub const fn is_secret(self) -> bool {
        matches!(self.0, Class::Secret(_))
    }

    /// Tells whether values under the key are database statements.
    ///
    /// ```
    /// # use tracewell_redact::Redactor;
    /// assert!(Redactor::secrets().class_of("db.query.text").is_statement());
    /// ```
    pub const fn is_statement(self) -> bool {
        matches!(self.0, Class::Statement)
    }
}

impl Redactor {
    /// Makes rules ready.
    ///
    /// ```
    /// use tracewell_redact::{Mode, RedactError, Redactor, Rule, Rules};
    ///
    /// let mut rules = Rules::secrets();
    /// rules.modes.set(Rule::Card, Mode::Hmac);
    /// assert_eq!(Redactor::new(&rules).err(), Some(RedactError::WeakKey { bytes_min: 16 }));
    /// ```
    pub fn new(rules: &Rules) -> Result<Self, RedactError> {
        rules.check()?;
        let mut off = RuleSet::default();
        Rule::ALL
            .into_iter()
            .filter(|rule| rules.modes.of(*rule) == Mode::Off)
            .for_each(|rule| off.insert(rule));
        Ok(Self { keys: Keys::new(rules)?, rules: rules.clone(), off })
    }

    /// Makes [`Rules::secrets`] ready.
    ///
    /// ```
    /// # use tracewell_redact::{Redactor, Verdict};
    /// assert_eq!(Redactor::secrets().apply("price", "19.99"), Verdict::Keep);
    /// ```
    pub fn secrets() -> Self {
        Self::new(&Rules::secrets()).expect("our own rules are good")
    }

    /// Judges a key, to be used for many values.
    ///
    /// ```
    /// use tracewell_redact::{Redactor, Verdict};
    ///
    /// let redactor = Redactor::secrets();
    /// let class = redactor.class_of("http.request.header.cookie");
    /// assert_eq!(redactor.apply_class(class, "sid=1; theme=dark").into_text("").as_deref(), Some("****"));
    /// ```
    pub fn class_of(&self, key: &str) -> KeyClass {
        self.class_of_bytes(key.as_bytes())
    }

    /// Judges a key that may be no text.
    ///
    /// ```
    /// # use tracewell_redact::Redactor;
    /// assert!(Redactor::secrets().class_of_bytes(b"\xff.password").is_secret());
    /// ```
    pub fn class_of_bytes(&self, key: &[u8]) -> KeyClass {
        let obfuscates = self.rules.statements == Statements::Obfuscated;
        KeyClass(match self.keys.judge(key) {
            Judgement::Allowed => Class::Allowed,
            Judgement::Secret(extent) if !self.off.contains(Rule::Key) => Class::Secret(extent),
            _ if obfuscates && statement::is_statement_key(key) => Class::Statement,
            _ if obfuscates && statement::is_bound_key(key) => Class::Secret(Extent::Number),
            _ if speaks_of_card(key) => Class::Card,
            _ => Class::Plain,
        })
    }

    /// Judges an attribute.
    ///
    /// ```
    /// # use tracewell_redact::{Redactor, Verdict};
    /// let redactor = Redactor::secrets();
    /// assert_eq!(redactor.apply("password", "hunter2").into_text("hunter2").as_deref(), Some("****"));
    /// assert_eq!(redactor.apply("password.length", "7"), Verdict::Keep);
    /// ```
    pub fn apply(&self, key: &str, value: &str) -> Verdict {
        self.apply_class(self.class_of(key), value)
    }

    /// Judges a text without a key.
    ///
    /// ```
    /// # use tracewell_redact::Redactor;
    /// let text = "cannot reach postgres://app:hunter2@db:5432/shop";
    /// let verdict = Redactor::secrets().apply_text(text);
    /// assert_eq!(verdict.into_text(text).as_deref(), Some("cannot reach postgres://app:****@db:5432/shop"));
    /// ```
    pub fn apply_text(&self, text: &str) -> Verdict {
        self.apply_class(KeyClass::NONE, text)
    }

    /// Judges a value under a key that was judged before.
    ///
    /// ```
    /// # use tracewell_redact::{KeyClass, Redactor, Verdict};
    /// assert_eq!(Redactor::secrets().apply_class(KeyClass::NONE, "GET /"), Verdict::Keep);
    /// ```
    pub fn apply_class(&self, class: KeyClass, value: &str) -> Verdict {
        into_text(self.apply_bytes(class, value.as_bytes()))
    }

    /// Judges a value that may be no text.
    ///
    /// ```
    /// # use tracewell_redact::{KeyClass, Redactor};
    /// let verdict = Redactor::secrets().apply_bytes(KeyClass::NONE, b"\xff AKIAIOSFODNN7EXAMPLE");
    /// assert!(!verdict.is_keep());
    /// ```
    pub fn apply_bytes(&self, class: KeyClass, value: &[u8]) -> Verdict<Vec<u8>> {
        match class.0 {
            Class::Allowed => Verdict::Keep,
            Class::Secret(_) => self.whole(Rule::Key, value),
            Class::Statement => self.apply_statement_bytes(b"", value),
            Class::Card => self.look(value, scan::Hint::Card),
            Class::Plain => self.look(value, scan::Hint::None),
        }
    }

    /// Judges a number. Few keys make a number a secret: `pin`, `cvv`, `ssn`, `card_number` and the like.
    ///
    /// ```
    /// use tracewell_redact::{Redactor, Verdict};
    ///
    /// let redactor = Redactor::secrets();
    /// let verdict = redactor.apply_number(redactor.class_of("card.cvv"), 123);
    /// assert_eq!(verdict.into_text("123").as_deref(), Some("****"));
    /// assert_eq!(redactor.apply_number(redactor.class_of("token"), 123), Verdict::Keep);
    /// ```
    pub fn apply_number(&self, class: KeyClass, value: i64) -> Verdict {
        match class.0 {
            Class::Secret(Extent::Number) => self.apply_class(class, &value.to_string()),
            Class::Card if 0 < value => self.apply_class(class, &value.to_string()),
            _ => Verdict::Keep,
        }
    }

    /// Takes the literals out of a database statement, by the language of the system: the value of
    /// `db.system.name` or `db.system`, or nothing if it is not known.
    ///
    /// ```
    /// use tracewell_redact::Redactor;
    ///
    /// let sql = "SELECT * FROM \"users\" WHERE id IN (1, 2, 3) -- by mail";
    /// let verdict = Redactor::secrets().apply_statement("postgresql", sql);
    /// assert_eq!(verdict.into_text(sql).as_deref(), Some("SELECT * FROM \"users\" WHERE id IN (?)"));
    /// ```
    pub fn apply_statement(&self, system: &str, text: &str) -> Verdict {
        into_text(self.apply_statement_bytes(system.as_bytes(), text.as_bytes()))
    }

    /// Takes the literals out of a database statement that may be no text.
    ///
    /// ```
    /// # use tracewell_redact::Redactor;
    /// assert!(!Redactor::secrets().apply_statement_bytes(b"redis", b"SET k \xff").is_keep());
    /// ```
    pub fn apply_statement_bytes(&self, system: &[u8], text: &[u8]) -> Verdict<Vec<u8>> {
        if self.off.contains(Rule::Statement) || self.rules.statements == Statements::AsSent {
            return self.look(text, scan::Hint::None);
        }
        // What is cut or of another language may read differently once its literals are gone, so we go on
        // until nothing changes. Nearly always the second look is the last.
        let mut current = Cow::Borrowed(text);
        let mut found = RuleSet::default();
        for _ in 0..LOOKS_MAX {
            if let Some(plain) = statement::obfuscate(system, &current) {
                current = Cow::Owned(plain);
                found.insert(Rule::Statement);
                continue;
            }
            match self.look(&current, scan::Hint::None) {
                Verdict::Keep if found.is_empty() => return Verdict::Keep,
                Verdict::Keep => return Verdict::Replace { with: current.into_owned(), found },
                Verdict::Drop(more) => return Verdict::Drop(found.with(more)),
                Verdict::Replace { with, found: more } => {
                    current = Cow::Owned(with);
                    found = found.with(more);
                }
            }
        }
        Verdict::Replace { with: b"?".to_vec(), found }
    }

    /// The value is a secret as a whole.
    fn whole(&self, rule: Rule, value: &[u8]) -> Verdict<Vec<u8>> {
        let mode = self.rules.modes.of(rule);
        if is_no_secret(value) || mode::is_marker(value) {
            return Verdict::Keep;
        }
        if mode == Mode::Drop {
            return Verdict::Drop(rule.into());
        }
        let mut with = vec![];
        mode::write(mode, rule, value, &self.rules.hmac_key, &mut with);
        Verdict::Replace { with, found: rule.into() }
    }

    /// Looks for secrets by their shapes, until none is left: a secret may hide another one's beginning.
    /// What is found is rare, and in what is left of it nothing is found nearly always.
    fn look(&self, value: &[u8], hint: scan::Hint) -> Verdict<Vec<u8>> {
        let mut verdict = self.look_once(value, hint);
        for _ in 0..LOOKS_MAX {
            let Verdict::Replace { with, found } = &verdict else { return verdict };
            match self.look_once(with, hint) {
                Verdict::Keep => return verdict,
                Verdict::Drop(more) => return Verdict::Drop(found.with(more)),
                Verdict::Replace { with, found: more } => {
                    verdict = Verdict::Replace { with, found: found.with(more) };
                }
            }
        }
        Verdict::Replace { with: b"****".to_vec(), found: verdict.found() }
    }

    fn look_once(&self, value: &[u8], hint: scan::Hint) -> Verdict<Vec<u8>> {
        let mut found = RuleSet::default();
        let mut with = vec![];
        let mut copied = 0;
        let mut is_dropped = false;
        scan::scan(value, hint, &self.keys, self.off, &mut |finding: Finding| {
            let mode = self.rules.modes.of(finding.rule);
            let secret = &value[finding.start..finding.end];
            found.insert(finding.rule);
            is_dropped |= mode == Mode::Drop;
            with.extend_from_slice(&value[copied..finding.start]);
            mode::write(mode, finding.rule, secret, &self.rules.hmac_key, &mut with);
            copied = finding.end;
        });
        if found.is_empty() {
            return Verdict::Keep;
        }
        if is_dropped {
            return Verdict::Drop(found);
        }
        with.extend_from_slice(&value[copied..]);
        Verdict::Replace { with, found }
    }
}

/// What stands under a secret's key and tells nothing: emptiness, truth, absence.
fn is_no_secret(value: &[u8]) -> bool {
    const NOTHING: [&[u8]; 5] = [b"true", b"false", b"null", b"none", b"nil"];
    value.is_empty() || (value.len() <= 5 && NOTHING.iter().any(|known| known.eq_ignore_ascii_case(value)))
}

fn into_text(verdict: Verdict<Vec<u8>>) -> Verdict {
    match verdict {
        Verdict::Keep => Verdict::Keep,
        Verdict::Drop(found) => Verdict::Drop(found),
        Verdict::Replace { with, found } => {
            // Findings begin and end beside ASCII, so this is text; were it not, nothing would leak.
            let with = String::from_utf8(with)
                .unwrap_or_else(|broken| String::from_utf8_lossy(broken.as_bytes()).into_owned());
            Verdict::Replace { with, found }
        }
    }
}
