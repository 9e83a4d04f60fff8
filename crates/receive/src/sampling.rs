//! Sampling strategies, as Jaeger's clients and OpenTelemetry's remote samplers poll them.
//!
//! The strategies come from a file that somebody above reads, and reads again when it changes ([`Sampling::replace`]).
//! A poll reads what stands there and stores nothing, whatever service it names.

pub(crate) mod grpc;
pub(crate) mod http;
mod strategies;

use std::sync::{Arc, PoisonError, RwLock};

use listen::Counter;

pub use grpc::sampling_grpc;
pub use http::sampling_http;
pub use strategies::{NoStrategies, Strategies, Strategy, StrategyKind};

/// The strategies that are in force.
#[derive(Debug)]
pub struct Sampling {
    /// Held only to clone or replace the inner pointer.
    strategies: RwLock<Arc<Strategies>>,
    /// Polls that were answered.
    pub polls: Counter,
}

impl Sampling {
    /// Starts with these strategies.
    pub fn new(strategies: Strategies) -> Arc<Self> {
        Arc::new(Self { strategies: RwLock::new(Arc::new(strategies)), polls: Counter::default() })
    }

    /// Puts other strategies in force: the file has changed.
    pub fn replace(&self, strategies: Strategies) {
        *self.strategies.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(strategies);
    }

    /// Returns the strategies in force, and counts a poll.
    fn poll(&self) -> Arc<Strategies> {
        self.polls.count();
        Arc::clone(&self.strategies.read().unwrap_or_else(PoisonError::into_inner))
    }
}
