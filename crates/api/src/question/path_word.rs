//! The word in a path that names what is asked for.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, Path};
use http::request::Parts;

/// A trace's name or a service's, as the path has it. Bytes that are no text stand as U+FFFD, so that each API says in
/// its own words that there is no such thing.
#[derive(Clone, Debug)]
pub(crate) struct PathWord(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for PathWord {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let word = Path::<String>::from_request_parts(parts, state).await;
        Ok(Self(word.map_or_else(|_| char::REPLACEMENT_CHARACTER.to_string(), |Path(word)| word)))
    }
}
