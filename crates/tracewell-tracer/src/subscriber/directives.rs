//! Which spans and events count: `info,sqlx=debug,my_service::db=trace,h2=off`.

use tracing_core::metadata::{LevelFilter, Metadata};

/// Levels by target. The longest target that a span's begins with decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directives {
    rest: LevelFilter,
    /// Longest first.
    targets: Vec<(String, LevelFilter)>,
}

/// A directive that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{directive}` is no directive: write LEVEL or TARGET=LEVEL, with off, error, warn, info, debug or trace"
)]
pub struct DirectivesError {
    /// What was given.
    pub directive: String,
}

impl Default for Directives {
    /// INFO for everything.
    fn default() -> Self {
        Self { rest: LevelFilter::INFO, targets: Vec::new() }
    }
}

impl Directives {
    /// Reads directives, separated by commas.
    pub fn parse(text: &str) -> Result<Self, DirectivesError> {
        let mut read = Self::default();
        for directive in text.split(',').map(str::trim).filter(|directive| !directive.is_empty()) {
            let wrong = || DirectivesError { directive: directive.to_owned() };
            match directive.split_once('=') {
                Some((target, level)) if !target.contains(['[', '{', ' ']) => {
                    read.targets.push((target.to_owned(), level.trim().parse().map_err(|_| wrong())?));
                }
                Some(_) => return Err(wrong()),
                None => match directive.parse() {
                    Ok(level) => read.rest = level,
                    // A target alone means all of it.
                    Err(_) if directive.contains("::") => {
                        read.targets.push((directive.to_owned(), LevelFilter::TRACE));
                    }
                    Err(_) => return Err(wrong()),
                },
            }
        }
        read.targets.sort_by_key(|(target, _)| std::cmp::Reverse(target.len()));
        Ok(read)
    }

    pub(crate) fn admits(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= self.level_of(metadata.target())
    }

    fn level_of(&self, target: &str) -> LevelFilter {
        let own = |prefix: &str| {
            target.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
        };
        self.targets.iter().find(|(prefix, _)| own(prefix)).map_or(self.rest, |(_, level)| *level)
    }

    /// Returns the most verbose level that any target has.
    pub fn level_max(&self) -> LevelFilter {
        self.targets.iter().map(|(_, level)| *level).chain([self.rest]).max().unwrap_or(self.rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longest_target_decides() {
        let directives = Directives::parse("warn, sqlx=debug,sqlx::query=off,h2 = off")
            .map(|d| ["sqlx", "sqlx::pool", "sqlx::query", "sqlxx", "mine"].map(|target| d.level_of(target)));
        assert_eq!(directives, Err(DirectivesError { directive: "h2 = off".to_owned() }));
        let directives = Directives::parse("warn, sqlx=debug,sqlx::query=off").unwrap();
        let levels = ["sqlx::pool", "sqlx::query", "sqlxx"].map(|target| directives.level_of(target));
        assert_eq!(levels, [LevelFilter::DEBUG, LevelFilter::OFF, LevelFilter::WARN]);
        assert_eq!(directives.level_max(), LevelFilter::DEBUG);
        assert!(Directives::parse("loud").is_err());
    }
}
