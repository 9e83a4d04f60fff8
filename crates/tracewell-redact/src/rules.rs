//! Rules as data: which keys are denied, which survive, what becomes of a secret.

use crate::{Mode, RedactError, Rule};

/// Which keys are denied, which survive, and what becomes of a secret.
///
/// A pattern of a key is its words, compared without regard to case: `api key` is found in `user.apiKey`,
/// `API_KEY` and `x-api-key-v2`. A word between stars is found inside words too: `*password*` is found
/// in `dbpassword`. `allow` beats everything: a value under an allowed key is not even looked at.
///
/// ```
/// use tracewell_redact::{Mode, Redactor, Rule, Rules, Verdict};
///
/// let mut rules = Rules::secrets();
/// rules.deny.push("internal note".into());
/// rules.allow.push("csrf token".into());
/// rules.modes.set(Rule::Key, Mode::Drop);
/// let redactor = Redactor::new(&rules)?;
/// assert_eq!(redactor.apply("order.internal_note", "x"), Verdict::Drop(Rule::Key.into()));
/// assert_eq!(redactor.apply("form.csrf_token", "x"), Verdict::Keep);
/// # Ok::<(), tracewell_redact::RedactError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Rules {
    /// Patterns of keys whose values are secrets.
    pub deny: Vec<String>,
    /// Patterns of keys whose values are never touched.
    pub allow: Vec<String>,
    /// Whether the literals of database statements are taken out.
    pub statements: Statements,
    /// The key of keyed hashes, at least 16 bytes where a mode wants them.
    pub hmac_key: Vec<u8>,
    /// What becomes of what each rule finds.
    pub modes: Modes,
}

/// What becomes of what each rule finds.
///
/// ```
/// use tracewell_redact::{Mode, Rule, Rules};
///
/// let mut modes = Rules::secrets().modes;
/// modes.set(Rule::Card, Mode::Token);
/// assert_eq!(modes.of(Rule::Card), Mode::Token);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Modes([Mode; Rule::ALL.len()]);

impl Modes {
    /// Returns what becomes of what a rule finds.
    ///
    /// ```
    /// # use tracewell_redact::{Mode, Rule, Rules};
    /// assert_eq!(Rules::secrets().modes.of(Rule::Key), Mode::Mask);
    /// ```
    pub const fn of(&self, rule: Rule) -> Mode {
        self.0[rule as usize]
    }

    /// Sets what becomes of what a rule finds. The literals of statements are question marks in every
    /// mode but [`Mode::Off`].
    ///
    /// ```
    /// # use tracewell_redact::{Mode, Rule, Rules};
    /// let mut rules = Rules::secrets();
    /// rules.modes.set(Rule::Ssn, Mode::Off);
    /// ```
    pub const fn set(&mut self, rule: Rule, mode: Mode) {
        self.0[rule as usize] = mode;
    }
}

/// Whether the literals of database statements are taken out.
///
/// ```
/// use tracewell_redact::{Redactor, Rules, Statements, Verdict};
///
/// let rules = Rules { statements: Statements::AsSent, ..Rules::secrets() };
/// let redactor = Redactor::new(&rules)?;
/// assert_eq!(redactor.apply("db.query.text", "SELECT 1"), Verdict::Keep);
/// # Ok::<(), tracewell_redact::RedactError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Statements {
    /// Each literal becomes a question mark.
    Obfuscated,
    /// Statements are texts like all others.
    AsSent,
}

/// The shortest key of a keyed hash.
const HMAC_KEY_BYTES_MIN: usize = 16;

impl Rules {
    /// The rules that hold unless others are given: credentials, keys, card numbers, literals.
    ///
    /// ```
    /// # use tracewell_redact::{Mode, Rule, Rules};
    /// assert_eq!(Rules::secrets().modes.of(Rule::Card), Mode::Last4);
    /// ```
    pub fn secrets() -> Self {
        let mut modes = Modes([Mode::Token; Rule::ALL.len()]);
        for rule in [Rule::Key, Rule::Assignment, Rule::Url] {
            modes.set(rule, Mode::Mask);
        }
        modes.set(Rule::Card, Mode::Last4);
        let deny = DENY.iter().map(|pattern| (*pattern).to_owned()).collect();
        Self { deny, allow: vec![], statements: Statements::Obfuscated, hmac_key: vec![], modes }
    }

    pub(crate) fn check(&self) -> Result<(), RedactError> {
        if self.modes.0.contains(&Mode::Hmac) && self.hmac_key.len() < HMAC_KEY_BYTES_MIN {
            return Err(RedactError::WeakKey { bytes_min: HMAC_KEY_BYTES_MIN });
        }
        Ok(())
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self::secrets()
    }
}

/// Keys whose values are secrets.
pub(crate) const DENY: &[&str] = &[
    "*password*",
    "*passwd*",
    "*passphrase*",
    "*apikey*",
    "*privatekey*",
    "*accesskey*",
    "*secretkey*",
    "*accesstoken*",
    "*authtoken*",
    "*refreshtoken*",
    "*sessiontoken*",
    "*clientsecret*",
    "*creditcard*",
    "*cardnumber*",
    "*sessid*",
    "jsessionid",
    "pwd",
    "passcode",
    "secret",
    "secrets",
    "token",
    "jwt",
    "bearer",
    "authorization",
    "cookie",
    "cookies",
    "setcookie",
    "credential",
    "credentials",
    "creds",
    "ssn",
    "cvv",
    "cvv2",
    "cvc",
    "cvc2",
    "pin",
    "otp",
    "totp",
    "iban",
    "api key",
    "private key",
    "access key",
    "secret key",
    "signing key",
    "encryption key",
    "master key",
    "account key",
    "shared key",
    "license key",
    "subscription key",
    "functions key",
    "storage key",
    "consumer key",
    "auth key",
    "card number",
    "credit card",
    "debit card",
    "social security",
    "security code",
    "recovery code",
    "verification code",
    "security answer",
];

/// Names of parameters inside a text that are secrets there, and would be something else as a key.
pub(crate) const PARAMETERS: &[&str] = &["sig", "signature", "amz signature", "auth"];

/// Denied keys whose values are secrets even as numbers.
pub(crate) const NUMBERS: &[&str] = &[
    "*password*",
    "*passwd*",
    "pwd",
    "passcode",
    "pin",
    "otp",
    "totp",
    "ssn",
    "cvv",
    "cvv2",
    "cvc",
    "cvc2",
    "*cardnumber*",
    "*creditcard*",
    "card number",
    "credit card",
    "debit card",
    "social security",
    "security code",
    "recovery code",
    "verification code",
];

/// Denied keys of headers whose value is the whole rest of a line.
pub(crate) const LINES: &[&str] = &["authorization", "cookie", "cookies", "setcookie"];

/// Keys that survive the deny-list: what may be shown of a card, by custom.
pub(crate) const SURVIVE: &[&str] = &[
    "last4",
    "last 4",
    "last four",
    "card type",
    "card brand",
    "card network",
    "card country",
    "card scheme",
];

/// Words after a secret one, or last in a key, that make it a fact about the secret.
pub(crate) const FACTS: &[&str] = &[
    "age",
    "alg",
    "arn",
    "aud",
    "exp",
    "iat",
    "iss",
    "kid",
    "algorithm",
    "at",
    "changed",
    "consent",
    "count",
    "counts",
    "created",
    "date",
    "decision",
    "disabled",
    "duration",
    "enabled",
    "endpoint",
    "error",
    "exists",
    "expired",
    "expires",
    "expiration",
    "expiry",
    "file",
    "format",
    "issuer",
    "kind",
    "latency",
    "len",
    "length",
    "limit",
    "manager",
    "method",
    "missing",
    "mode",
    "name",
    "names",
    "ok",
    "path",
    "policy",
    "present",
    "provider",
    "required",
    "reset",
    "result",
    "rotation",
    "scheme",
    "scope",
    "scopes",
    "server",
    "size",
    "source",
    "state",
    "status",
    "strength",
    "time",
    "total",
    "ttl",
    "type",
    "types",
    "updated",
    "uri",
    "url",
    "usage",
    "valid",
    "validity",
    "version",
];
