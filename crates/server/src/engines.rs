//! The engines, by name. No other file names one.

use std::sync::Arc;

use store::{MemoryStore, StoreError, TraceReader, TraceWriter};

use crate::config::{Config, Storage, show_bytes};
use crate::exposition::Exposition;

/// An open engine.
pub(crate) struct Engine {
    pub(crate) writer: Arc<dyn TraceWriter>,
    pub(crate) reader: Arc<dyn TraceReader>,
    /// Where spans lie and for how long, for the operator.
    pub(crate) lines: Vec<(&'static str, String)>,
    /// Writes the engine's own counters.
    pub(crate) measure: Box<dyn Fn(&mut Exposition) + Send + Sync>,
    /// Says why the engine takes no more writes, when that is so.
    pub(crate) ailment: Box<dyn Fn() -> Option<String> + Send + Sync>,
    /// Brings everything to rest; after a clean end nothing has to be replayed.
    pub(crate) close: Box<dyn FnOnce() -> Result<(), StoreError> + Send>,
}

/// Opens the engine that the operator chose.
pub(crate) fn open(config: &Config) -> anyhow::Result<Engine> {
    match config.storage {
        Storage::Memory => Ok(memory(config)),
        Storage::Columnar => Ok(memory(config)),
    }
}

fn memory(config: &Config) -> Engine {
    let store = MemoryStore::new(config.memory_bytes);
    let size = show_bytes(config.memory_bytes as u64);
    Engine {
        writer: Arc::new(store.clone()),
        reader: Arc::new(store),
        lines: vec![
            ("data", "in memory only: a restart forgets everything".to_owned()),
            ("retention", format!("the newest {size}")),
        ],
        measure: Box::new(|_| {}),
        ailment: Box::new(|| None),
        close: Box::new(|| Ok(())),
    }
}
