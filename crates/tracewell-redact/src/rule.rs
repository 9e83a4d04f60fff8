//! The names of what is found, for rules, markers and counters.

use std::fmt;

/// What a redaction found. Its [`name`](Self::name) stands in markers and labels counters.
///
/// ```
/// use tracewell_redact::Rule;
///
/// assert_eq!(Rule::Jwt.name(), "jwt");
/// assert_eq!(Rule::named("card"), Some(Rule::Card));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rule {
    /// An attribute whose key is on the deny-list.
    Key,
    /// `key=value`, `key: value` or `"key":"value"` inside a text, with a key on the deny-list.
    Assignment,
    /// The password in a URL or a connection string.
    Url,
    /// `Authorization: Bearer`.
    Bearer,
    /// `Authorization: Basic`.
    Basic,
    /// A JSON web token.
    Jwt,
    /// A private key in PEM.
    PrivateKey,
    /// An access key of AWS.
    Aws,
    /// A token of GitHub or GitLab.
    Github,
    /// A token of Slack.
    Slack,
    /// A key of Stripe.
    Stripe,
    /// A key of Google.
    Google,
    /// A key of another service with a prefix of its own.
    ApiKey,
    /// A payment card's number.
    Card,
    /// A social security number of the United States.
    Ssn,
    /// The literals of a database statement.
    Statement,
}

impl Rule {
    /// Every rule.
    ///
    /// ```
    /// # use tracewell_redact::Rule;
    /// assert!(Rule::ALL.iter().all(|rule| Rule::named(rule.name()) == Some(*rule)));
    /// ```
    pub const ALL: [Self; 16] = [
        Self::Key,
        Self::Assignment,
        Self::Url,
        Self::Bearer,
        Self::Basic,
        Self::Jwt,
        Self::PrivateKey,
        Self::Aws,
        Self::Github,
        Self::Slack,
        Self::Stripe,
        Self::Google,
        Self::ApiKey,
        Self::Card,
        Self::Ssn,
        Self::Statement,
    ];

    /// Returns the name, as in configuration and in markers.
    ///
    /// ```
    /// # use tracewell_redact::Rule;
    /// assert_eq!(Rule::PrivateKey.name(), "private_key");
    /// ```
    pub const fn name(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Assignment => "assignment",
            Self::Url => "url",
            Self::Bearer => "bearer",
            Self::Basic => "basic",
            Self::Jwt => "jwt",
            Self::PrivateKey => "private_key",
            Self::Aws => "aws",
            Self::Github => "github",
            Self::Slack => "slack",
            Self::Stripe => "stripe",
            Self::Google => "google",
            Self::ApiKey => "api_key",
            Self::Card => "card",
            Self::Ssn => "ssn",
            Self::Statement => "statement",
        }
    }

    /// Finds a rule by its name.
    ///
    /// ```
    /// # use tracewell_redact::Rule;
    /// assert_eq!(Rule::named("cards"), None);
    /// ```
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.name() == name)
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of rules: what was found in one value.
///
/// ```
/// use tracewell_redact::{Rule, RuleSet};
///
/// let mut found = RuleSet::default();
/// found.insert(Rule::Jwt);
/// assert!(found.contains(Rule::Jwt) && !found.contains(Rule::Card));
/// assert_eq!(found.iter().collect::<Vec<_>>(), [Rule::Jwt]);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct RuleSet(u32);

impl RuleSet {
    /// Adds a rule.
    ///
    /// ```
    /// # use tracewell_redact::{Rule, RuleSet};
    /// let mut found = RuleSet::default();
    /// found.insert(Rule::Key);
    /// assert!(!found.is_empty());
    /// ```
    pub const fn insert(&mut self, rule: Rule) {
        self.0 |= 1 << rule as u32;
    }

    /// Returns the rules of both sets.
    ///
    /// ```
    /// # use tracewell_redact::{Rule, RuleSet};
    /// let both = RuleSet::from(Rule::Card).with(Rule::Key.into());
    /// assert_eq!(both.iter().collect::<Vec<_>>(), [Rule::Key, Rule::Card]);
    /// ```
    #[must_use]
    pub const fn with(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// Tells whether a rule is among them.
    ///
    /// ```
    /// # use tracewell_redact::{Rule, RuleSet};
    /// assert!(!RuleSet::default().contains(Rule::Key));
    /// ```
    pub const fn contains(self, rule: Rule) -> bool {
        self.0 & (1 << rule as u32) != 0
    }

    /// Tells whether there is none.
    ///
    /// ```
    /// # use tracewell_redact::RuleSet;
    /// assert!(RuleSet::default().is_empty());
    /// ```
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Walks the rules.
    ///
    /// ```
    /// # use tracewell_redact::{Rule, RuleSet};
    /// assert_eq!(RuleSet::from(Rule::Card).iter().next(), Some(Rule::Card));
    /// ```
    pub fn iter(self) -> impl Iterator<Item = Rule> {
        Rule::ALL.into_iter().filter(move |rule| self.contains(*rule))
    }
}

impl From<Rule> for RuleSet {
    fn from(rule: Rule) -> Self {
        let mut set = Self::default();
        set.insert(rule);
        set
    }
}

impl fmt::Debug for RuleSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}
