//! Jaeger's strategies file.
//!
//! ```json
//! { "default_strategy": { "type": "probabilistic", "param": 0.5,
//!                         "operation_strategies": [{ "operation": "GET /health", "type": "probabilistic", "param": 0 }] },
//!   "service_strategies": [{ "service": "cart", "type": "ratelimiting", "param": 5 }] }
//! ```
//!
//! A service without operations of its own inherits the default's; with some, both lists are joined and its own
//! win. An operation can have a probability only: other types are left out, with a warning, as Jaeger does.
//! An unknown type is an error here; Jaeger falls back to its default without anybody noticing.

use std::collections::BTreeMap;

use serde::Deserialize;

/// What each service is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Strategies {
    default: Strategy,
    services: BTreeMap<String, Strategy>,
    /// What the operator should know although the file is good.
    pub warnings: Vec<String>,
}

/// What one service is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Strategy {
    /// For spans of no listed operation, by clients that know no operations.
    pub kind: StrategyKind,
    /// The probabilities by operation, and the one for all others; `None` when no operation is listed.
    pub operations: Option<(f64, Vec<(String, f64)>)>,
}

/// How roots are chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum StrategyKind {
    /// Each with this probability.
    Probabilistic(f64),
    /// So many a second.
    RateLimiting(i32),
}

/// Why a text is no strategies file. The operator's fault.
#[derive(Debug, thiserror::Error)]
pub enum NoStrategies {
    /// It is not JSON, or not of this shape.
    #[error("sampling strategies: {0}")]
    Shape(#[from] serde_json::Error),
    /// A type that nobody knows.
    #[error("sampling strategies: {of}: type {found:?} is neither \"probabilistic\" nor \"ratelimiting\"")]
    Type {
        /// The service, or the default, or the operation.
        of: String,
        /// What is written there.
        found: String,
    },
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct File {
    default_strategy: Option<Entry>,
    service_strategies: Vec<Entry>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Entry {
    service: String,
    r#type: String,
    param: f64,
    operation_strategies: Vec<OperationEntry>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct OperationEntry {
    operation: String,
    r#type: String,
    param: f64,
}

impl Strategies {
    /// Returns what holds without a file: every service samples with this probability.
    pub fn always(probability: f64) -> Self {
        let default = Strategy { kind: StrategyKind::Probabilistic(probability), operations: None };
        Self { default, services: BTreeMap::new(), warnings: Vec::new() }
    }

    /// Reads a file's text. `probability` holds where the file gives none; `null` is an empty file.
    pub fn parse(text: &str, probability: f64) -> Result<Self, NoStrategies> {
        let file: Option<File> = serde_json::from_str(text)?;
        let File { default_strategy, service_strategies } = file.unwrap_or_default();
        let mut all = Self::always(probability);
        if let Some(entry) = default_strategy {
            all.default = all.strategy("default_strategy", &entry, probability)?;
        }
        for entry in service_strategies {
            let mut strategy = all.strategy(&entry.service, &entry, probability)?;
            strategy.inherit(&all.default);
            all.services.insert(entry.service, strategy);
        }
        Ok(all)
    }

    /// Returns what a service is told.
    pub fn of(&self, service: &str) -> &Strategy {
        self.services.get(service).unwrap_or(&self.default)
    }

    fn strategy(&mut self, of: &str, entry: &Entry, probability: f64) -> Result<Strategy, NoStrategies> {
        let kind = kind(of, &entry.r#type, entry.param)?;
        if entry.operation_strategies.is_empty() {
            return Ok(Strategy { kind, operations: None });
        }
        let others = if let StrategyKind::Probabilistic(own) = kind { own } else { probability };
        let mut list = Vec::new();
        for operation in &entry.operation_strategies {
            let name = &operation.operation;
            match kind_of_operation(of, operation)? {
                StrategyKind::Probabilistic(probability) => list.push((name.clone(), probability)),
                StrategyKind::RateLimiting(_) => self.warnings.push(format!(
                    "sampling strategies: {of}: {name}: operations can only be probabilistic, this one is left out"
                )),
            }
        }
        Ok(Strategy { kind, operations: Some((others, list)) })
    }
}

impl Strategy {
    fn inherit(&mut self, default: &Self) {
        let Some((others, inherited)) = &default.operations else { return };
        match (&mut self.operations, self.kind) {
            (Some((_, own)), _) => {
                let mut more = inherited.clone();
                more.retain(|(name, _)| own.iter().all(|(known, _)| known != name));
                own.extend(more);
            }
            (none, StrategyKind::Probabilistic(own)) => *none = Some((own, inherited.clone())),
            (none, StrategyKind::RateLimiting(_)) => *none = Some((*others, inherited.clone())),
        }
    }
}

fn kind_of_operation(of: &str, entry: &OperationEntry) -> Result<StrategyKind, NoStrategies> {
    kind(&format!("{of}: {}", entry.operation), &entry.r#type, entry.param)
}

fn kind(of: &str, found: &str, param: f64) -> Result<StrategyKind, NoStrategies> {
    match found {
        "probabilistic" => Ok(StrategyKind::Probabilistic(param)),
        // The wire has whole traces only.
        "ratelimiting" => Ok(StrategyKind::RateLimiting(param as i32)),
        _ => Err(NoStrategies::Type { of: of.to_owned(), found: found.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"{
        "default_strategy": { "type": "probabilistic", "param": 0.5, "operation_strategies": [
            { "operation": "health", "type": "probabilistic", "param": 0 },
            { "operation": "list", "type": "probabilistic", "param": 0.2 } ] },
        "service_strategies": [
            { "service": "cart", "type": "ratelimiting", "param": 5.9 },
            { "service": "pay", "type": "probabilistic", "param": 1, "operation_strategies": [
                { "operation": "list", "type": "probabilistic", "param": 0.9 },
                { "operation": "burst", "type": "ratelimiting", "param": 3 } ] },
            { "service": "web", "type": "probabilistic", "param": 0.8 } ] }"#;

    fn check(service: &str, expected: &str) {
        let strategies = Strategies::parse(FILE, 1.0).unwrap();
        let Strategy { kind, operations } = strategies.of(service);
        assert_eq!(format!("{kind:?} {operations:?}"), expected);
    }

    #[test]
    fn service_inherits_the_operations_and_keeps_its_own() {
        check("none", r#"Probabilistic(0.5) Some((0.5, [("health", 0.0), ("list", 0.2)]))"#);
        check("cart", r#"RateLimiting(5) Some((0.5, [("health", 0.0), ("list", 0.2)]))"#);
        check("pay", r#"Probabilistic(1.0) Some((1.0, [("list", 0.9), ("health", 0.0)]))"#);
        check("web", r#"Probabilistic(0.8) Some((0.8, [("health", 0.0), ("list", 0.2)]))"#);
    }

    #[test]
    fn operation_with_a_rate_is_left_out_with_a_warning() {
        let warnings = Strategies::parse(FILE, 1.0).unwrap().warnings;
        let expected =
            "sampling strategies: pay: burst: operations can only be probabilistic, this one is left out";
        assert_eq!(warnings, [expected]);
    }

    #[test]
    fn empty_files_mean_the_default() {
        for text in ["null", "{}", r#"{"service_strategies":[]}"#] {
            assert_eq!(Strategies::parse(text, 0.25).unwrap(), Strategies::always(0.25), "{text}");
        }
    }

    #[test]
    fn bad_files_say_what_is_wrong() {
        for (text, expected) in [
            ("", "sampling strategies: EOF while parsing a value at line 1 column 0"),
            (
                r#"{"default_strategy":{"type":"probablistic"}}"#,
                r#"sampling strategies: default_strategy: type "probablistic" is neither "probabilistic" nor "ratelimiting""#,
            ),
        ] {
            assert_eq!(Strategies::parse(text, 1.0).unwrap_err().to_string(), expected);
        }
    }
}
