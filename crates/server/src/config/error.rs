//! What is wrong with a configuration. The operator is to blame for all of it.

use std::fmt;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ConfigError {
    /// A setting that does not exist.
    #[error("{from}: there is no such setting; did you mean {nearest}?")]
    Unknown { from: String, nearest: String },
    /// A value that cannot be read.
    #[error("{from}: {value:?} is {why}")]
    Value { from: String, value: String, why: String },
    /// Two listeners where only one can be.
    #[error("{flag} and {other} are both at port {port}; give one of them another, or switch it off")]
    SamePort { flag: String, other: String, port: u16 },
    /// A file that is no YAML.
    #[error("{name}: {why}")]
    Yaml { name: String, why: String },
    /// A list or a map where one value is meant, or the other way round.
    #[error("{from}: {why}")]
    Shape { from: String, why: &'static str },
    /// Jaeger's own configuration file.
    #[error("{name} is a configuration of Jaeger or the OpenTelemetry Collector; {answer}")]
    Jaeger { name: String, answer: String },
    /// A file that cannot be read.
    #[error("{name}: {why}")]
    File { name: String, why: String },
}

/// Everything that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ConfigErrors(pub(crate) Vec<ConfigError>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.len();
        let noun = if count == 1 { "mistake" } else { "mistakes" };
        write!(out, "the configuration has {count} {noun}:")?;
        for error in &self.0 {
            write!(out, "\n  {error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}
