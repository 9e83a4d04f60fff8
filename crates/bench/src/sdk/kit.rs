//! What is measured: a kit records bursts and sends them into a sink.

use super::shape::Shape;

/// A tracing kit, set up.
pub(super) trait Kit {
    /// Records `spans` spans of a shape.
    fn record(&mut self, shape: Shape, spans: usize);

    /// Waits until everything that was recorded is in the sink.
    fn flush(&mut self);
}

/// How a kit is set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Every trace is recorded.
    On,
    /// No trace is sampled.
    SampledOut,
    /// Nothing is set up.
    Off,
}

impl Mode {
    const ALL: [Self; 3] = [Self::On, Self::SampledOut, Self::Off];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::SampledOut => "sampled-out",
            Self::Off => "off",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.name() == name)
    }
}
