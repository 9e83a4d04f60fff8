//! Taking all ports, or telling about every one that is taken.

use std::fmt;

use listen::{BindError, Bound, BoundDatagrams};

use crate::config::{Config, Listener};

/// All sockets of the process, held and not yet served.
#[derive(Debug, Default)]
pub(crate) struct Doors {
    pub(crate) streams: Vec<(Listener, Bound)>,
    pub(crate) datagrams: Vec<(Listener, BoundDatagrams)>,
}

/// The ports that could not be had, each with the listener that wants it.
#[derive(Debug)]
pub(crate) struct NotBound(Vec<(Listener, BindError)>);

impl Doors {
    /// Takes the port of every listener that is on, or none.
    pub(crate) fn bind(config: &Config) -> Result<Self, NotBound> {
        let (mut doors, mut failed) = (Self::default(), Vec::new());
        for listener in Listener::ALL {
            let Some(address) = config.address(listener) else { continue };
            let bound = if listener.is_datagrams() {
                BoundDatagrams::udp(address).map(|bound| doors.datagrams.push((listener, bound)))
            } else {
                Bound::tcp(address).map(|bound| doors.streams.push((listener, bound)))
            };
            if let Err(error) = bound {
                failed.push((listener, error));
            }
        }
        if failed.is_empty() { Ok(doors) } else { Err(NotBound(failed)) }
    }

    /// Returns a line for each listener: its name, its addresses, what comes in there.
    pub(crate) fn lines(&self, config: &Config) -> Vec<String> {
        Listener::ALL.into_iter().map(|listener| self.line(config, listener)).collect()
    }

    fn line(&self, config: &Config, listener: Listener) -> String {
        let name = listener.name();
        let stream = self.streams.iter().find(|(of, _)| *of == listener);
        let datagrams = self.datagrams.iter().find(|(of, _)| *of == listener);
        let (addresses, note) = match (stream, datagrams) {
            (Some((_, bound)), _) => {
                let under = listener == Listener::Query && !config.base_path.is_root();
                let note =
                    if under { format!(", under {} too", config.base_path.as_str()) } else { String::new() };
                (bound.addresses(), note)
            }
            (_, Some((_, bound))) => {
                (&bound.addresses[..], format!(" ({} KiB socket buffer)", bound.buffer_bytes >> 10))
            }
            _ => {
                debug_assert!(config.address(listener).is_none());
                return format!("  {name:<15} off");
            }
        };
        let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
        format!("  {name:<15} {:<34} {}{note}", addresses.join(", "), listener.what())
    }
}

impl fmt::Display for NotBound {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "these listeners cannot be opened:")?;
        for (listener, error) in &self.0 {
            writeln!(out, "  --{:<15} {error}", listener.name())?;
        }
        let name = self.0.first().map_or("query", |(listener, _)| listener.name());
        write!(
            out,
            "Is a Jaeger, a Collector or another tracewell running here? Stop it, or move a listener\n\
             with its flag (--{name} ADDR), or switch it off (--{name} off)."
        )
    }
}

impl std::error::Error for NotBound {}
