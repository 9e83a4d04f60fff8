//! What is recorded.

/// A shape of trace; the same for every kit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// A root with a text and a number.
    Flat,
    /// A root with ten attributes and an event, and four children with two attributes each.
    Tree,
    /// A root that fails with an error of two links.
    Error,
}

impl Shape {
    pub(super) const ALL: [Self; 3] = [Self::Flat, Self::Tree, Self::Error];
    /// Spans of a tree.
    pub(super) const TREE: usize = 5;

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Flat => "flat",
            Self::Tree => "tree",
            Self::Error => "error",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|shape| shape.name() == name)
    }
}

/// An error with a cause.
#[derive(Debug, thiserror::Error)]
#[error("cannot charge the card")]
pub(super) struct ChargeError {
    #[source]
    pub(super) cause: std::num::ParseIntError,
}

/// Makes the error that failing spans end with.
pub(super) fn charge_error() -> ChargeError {
    ChargeError { cause: "x".parse::<i32>().expect_err("it is no number") }
}
