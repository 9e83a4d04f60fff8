//! Redaction: secrets are taken out of span data before they reach a wire or a disk.
//!
//! Published, because the SDK redacts while it writes and the server redacts before its log, by the same
//! rules. [`Rules`] are data; a [`Redactor`] is rules made ready; [`Redactor::apply`] judges an attribute
//! in one pass and allocates nothing unless it finds something.
//!
//! ```
//! use tracewell_redact::Redactor;
//!
//! let redactor = Redactor::secrets();
//! let shown = |key, value| redactor.apply(key, value).into_text(value).expect("nothing is dropped").into_owned();
//!
//! assert_eq!(shown("user.password", "hunter2"), "****");
//! assert_eq!(shown("ui.spinner", "hunter2"), "hunter2");
//! assert_eq!(shown("message", "paid with 4242 4242 4242 4242"), "paid with ****4242");
//! assert_eq!(shown("order.id", "4242424242424242"), "4242424242424242");
//! assert_eq!(shown("db.query.text", "SELECT * FROM users WHERE mail = 'a@b.c'"), "SELECT * FROM users WHERE mail = ?");
//! ```
//!
//! What is found, and what is deliberately left alone, stands in `docs/redaction.md` and in the tables
//! of `tests/`. Every search is linear in the bytes it reads.
//!
//! Deliberately absent: I/O, configuration files, regular expressions, personal data other than card and
//! social security numbers (names, mail and IP addresses are what traces are searched by).

#![forbid(unsafe_code)]

mod error;
mod keys;
mod mode;
mod redactor;
mod rule;
mod rules;
mod scan;
mod statement;
mod verdict;
mod words;

pub use error::RedactError;
pub use mode::Mode;
pub use redactor::{KeyClass, Redactor};
pub use rule::{Rule, RuleSet};
pub use rules::{Modes, Rules, Statements};
pub use verdict::Verdict;
