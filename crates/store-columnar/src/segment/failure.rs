//! Why a segment could not be read: its bytes are broken, or its disk is.

use store::StoreError;

use super::layout::Place;
use crate::column::Broken;
use crate::disk::ReadAt;

#[derive(Debug)]
pub(super) enum Failure {
    /// The block in this place is not what was written.
    Broken(Broken, Place),
    Store(StoreError),
}

impl Failure {
    /// Says it in the words of the contract.
    pub(super) fn tell(self, file: &dyn ReadAt) -> StoreError {
        match self {
            Self::Broken(Broken(what), place) => {
                StoreError::Damaged { path: file.path().to_owned(), what: what.to_owned(), at: place.offset }
            }
            Self::Store(error) => error,
        }
    }
}

impl From<(Broken, Place)> for Failure {
    fn from((broken, place): (Broken, Place)) -> Self {
        Self::Broken(broken, place)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<span::BatchFull> for Failure {
    fn from(full: span::BatchFull) -> Self {
        Self::Store(StoreError::BatchFull(full))
    }
}
