//! Where a listing ended, as a text that a client gives back.
//!
//! ```text
//! 1700000000000000000-0af7651916cd43dd8448eb211c80319c        behind this trace
//! ..+00000000000000000000000000000007.120                     and behind 120 spans of that one, which comes next
//! ```

use std::fmt;
use std::str::FromStr;

use span::{TraceId, TraceKey, UnixNanos};

/// A place in a listing; the default is its beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// The last trace that was listed whole.
    pub(super) behind: Option<TraceKey>,
    /// A trace of which only so many spans were.
    pub(super) within: Option<(TraceId, usize)>,
}

impl Place {
    pub(super) const fn behind(key: TraceKey) -> Self {
        Self { behind: Some(key), within: None }
    }

    /// Returns how many spans of a trace were listed before.
    pub(super) fn listed_of(&self, id: TraceId) -> usize {
        self.within.filter(|(within, _)| *within == id).map_or(0, |(_, listed)| listed)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(key) = self.behind {
            write!(f, "{}-{}", key.start.0, key.id)?;
        }
        match self.within {
            Some((id, listed)) => write!(f, "+{id}.{listed}"),
            None => Ok(()),
        }
    }
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let unknown = || "it is no continuation that was given".to_owned();
        let (behind, within) = text.split_once('+').map_or((text, None), |(key, rest)| (key, Some(rest)));
        let key = |text: &str| {
            let (start, id) = text.split_once('-')?;
            Some(TraceKey { start: UnixNanos(start.parse().ok()?), id: id.parse().ok()? })
        };
        let part = |text: &str| {
            let (id, listed) = text.split_once('.')?;
            Some((id.parse().ok()?, listed.parse().ok()?))
        };
        let behind = match behind {
            "" => None,
            text => Some(key(text).ok_or_else(unknown)?),
        };
        let within = within.map(|text| part(text).ok_or_else(unknown)).transpose()?;
        Ok(Self { behind, within })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let (key, id) = ("17-0000000000000000000000000000000a", "0000000000000000000000000000000b");
        for text in [key.to_owned(), format!("{key}+{id}.120"), format!("+{id}.1")] {
            assert_eq!(text.parse::<Place>().unwrap().to_string(), text);
        }
        for odd in ["x", "17", "17-x", "17-+", "+", "+b", "+b.", "+b.-1", "17-a+b"] {
            assert!(odd.parse::<Place>().is_err(), "{odd}");
        }
    }
}
