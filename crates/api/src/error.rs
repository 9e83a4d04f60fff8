//! Why a question has no answer.

use std::time::Duration;

use http::StatusCode;
use query::QueryError;
use span::TraceId;
use store::StoreError;

/// What went wrong, by who can mend it. Each API writes it in its own form; the status is the same.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The question is malformed; the text says which parameter and why.
    #[error("{0}")]
    Malformed(String),
    /// The query is not understood.
    #[error(transparent)]
    NotUnderstood(#[from] QueryError),
    /// There is no such trace, nor an archived one.
    #[error("trace not found")]
    TraceNotFound,
    /// The digits begin several ids.
    #[error("{} traces begin with {digits}: {}", counted(ids), listed(ids))]
    Ambiguous {
        /// What was asked for.
        digits: String,
        /// The first ids that begin so; at most [`Self::IDS_LISTED_MAX`], and one more where there are more.
        ids: Vec<TraceId>,
    },
    /// No writer was given to archive into.
    #[error("archive span storage was not configured")]
    NoArchive,
    /// This part of the API is not there; the text is what its clients know.
    #[error("{0}")]
    Disabled(&'static str),
    /// As many questions wait as may wait.
    #[error("{waiting} queries are waiting already; try again")]
    Busy {
        /// How many.
        waiting: usize,
    },
    /// The pool that all answers share has no room.
    #[error("all answers together hold {bytes_max} bytes already; try again, or narrow the search")]
    PoolExhausted {
        /// The pool.
        bytes_max: usize,
    },
    /// The query took longer than a query may take.
    #[error("the query took longer than {} s; narrow the search", time_max.as_secs())]
    TooSlow {
        /// The limit.
        time_max: Duration,
    },
    /// The body of a request is longer than it may be.
    #[error("the body is longer than {bytes_max} bytes")]
    BodyTooLong {
        /// The limit.
        bytes_max: usize,
    },
    /// A query panicked; the next one may not.
    #[error("the query failed inside; the server's log says where")]
    Broken,
    /// The engine failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ApiError {
    /// How many ids [`Self::Ambiguous`] lists.
    pub const IDS_LISTED_MAX: usize = 10;

    /// Returns the HTTP status that says so.
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::Malformed(_) | Self::NotUnderstood(_) | Self::Ambiguous { .. } => StatusCode::BAD_REQUEST,
            Self::TraceNotFound => StatusCode::NOT_FOUND,
            Self::Disabled(_) => StatusCode::NOT_IMPLEMENTED,
            Self::Busy { .. } | Self::PoolExhausted { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::TooSlow { .. } => StatusCode::GATEWAY_TIMEOUT,
            Self::BodyTooLong { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            // It will never fit, so it is no failure of ours that a retry could mend.
            Self::Store(StoreError::TooLarge { .. }) => StatusCode::BAD_REQUEST,
            Self::NoArchive | Self::Broken | Self::Store(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Tells whether the same question may succeed in a moment.
    pub const fn is_passing(&self) -> bool {
        matches!(self, Self::Busy { .. } | Self::PoolExhausted { .. })
    }
}

fn counted(ids: &[TraceId]) -> String {
    if ids.len() <= ApiError::IDS_LISTED_MAX {
        ids.len().to_string()
    } else {
        format!("more than {}", ApiError::IDS_LISTED_MAX)
    }
}

fn listed(ids: &[TraceId]) -> String {
    let ids = ids.iter().take(ApiError::IDS_LISTED_MAX);
    ids.map(TraceId::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ambiguous_prefix_lists_ids() {
        let ids = (1..=2).map(|low| TraceId::from_halves(0xabc, low)).collect();
        assert_eq!(
            ApiError::Ambiguous { digits: "000abc".to_owned(), ids }.to_string(),
            "2 traces begin with 000abc: 0000000000000abc0000000000000001, 0000000000000abc0000000000000002"
        );
        let ids = (1..=11).map(|low| TraceId::from_halves(0xabc, low)).collect();
        let text = ApiError::Ambiguous { digits: "000abc".to_owned(), ids }.to_string();
        assert!(text.starts_with("more than 10 traces begin with 000abc: "));
        assert_eq!(text.matches("0000000000000abc").count(), 10);
    }
}
