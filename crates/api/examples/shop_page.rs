//! Serves the query port over the reference engine, filled with a shop's traces of the last minutes:
//! to look at the page, and to measure what an answer costs, without anything else.
//!
//! `cargo run -p api --example shop_page -- [PORT] [TRACES]`

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use api::{Backend, Desk, Limits, Stats};
use axum::body::Body;
use listen::{Address, Bound, Guard, Listeners};
use span::{Tenant, UnixNanos};
use store::{MemoryStore, TraceWriter, Write};
use tower::ServiceExt;

#[expect(clippy::disallowed_methods, reason = "a program's top is where time enters")]
fn now() -> UnixNanos {
    UnixNanos(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let port: u16 = arguments.next().map_or(Ok(16686), |port| port.parse())?;
    let traces: u64 = arguments.next().map_or(Ok(2_000), |traces| traces.parse())?;
    let store = MemoryStore::new(usize::MAX);
    let start = UnixNanos(now().0.saturating_sub(600_000_000_000));
    for batch in shop::World::new(7).starting(start).traces(traces).traces_per_second(10.0).requests() {
        store.write(&[Write { tenant: Tenant::default(), received: start, batch }])?;
    }
    let desk = Desk::new(Backend {
        reader: Arc::new(store.clone()),
        archive: Some(Arc::new(store)),
        now: Arc::new(now),
        limits: Limits::of(2),
        stats: Arc::new(Stats::default()),
    });
    let bound = Bound::tcp(Address::on_host("127.0.0.1", port)?)?;
    eprintln!("http://127.0.0.1:{}", bound.port());
    let listeners = Listeners::new(listen::Limits::of(1_024));
    let service =
        api::router(desk).map_request(|request: http::Request<listen::RequestBody>| request.map(Body::new));
    listeners.serve(bound, Guard::default(), service)?;
    tokio::time::sleep(Duration::MAX).await;
    Ok(())
}
