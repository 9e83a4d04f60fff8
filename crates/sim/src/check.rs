//! Everything that is there, held against the model and the engine in memory.

use span::{Trace, TraceId, TraceKey};
use store::{Detail, MemoryStore, Search, StoreError, TracePrefix, TraceReader};
use store_columnar::{Dice, SteppedStore, wild_search};

use crate::fingerprint::fingerprint;
use crate::model::{Model, Moment, Spans, tenant_of};
use crate::plan::TENANTS;

/// A tenant's traces in their order, each with its spans in theirs.
pub(crate) type Listing = Vec<(TraceKey, Vec<u64>)>;

/// What was compared last, so that what did not change is not built again.
#[derive(Debug, Default)]
pub(crate) struct Known {
    found: Vec<Spans>,
    reference: Option<MemoryStore>,
}

/// Compares everything. The disk must do nothing of its own meanwhile.
pub(crate) fn check(
    engine: &SteppedStore,
    model: &mut Model,
    known: &mut Known,
    moment: Moment,
    dice: &mut Dice,
) -> Result<(), String> {
    let damaged = engine.stats().reads_damaged;
    let mut listings = Vec::new();
    let mut found: Vec<Spans> = Vec::new();
    for tenant in 0..TENANTS {
        let listing = listing_of(engine, tenant).map_err(|error| format!("listing {tenant}: {error}"))?;
        let spans: Spans = listing.iter().flat_map(|(_, spans)| spans).copied().collect();
        let listed: usize = listing.iter().map(|(_, spans)| spans.len()).sum();
        if spans.len() < listed {
            return Err(format!("tenant {tenant}: {} spans are listed twice", listed - spans.len()));
        }
        model.settle(tenant, &spans, moment)?;
        let stored = engine.stored(&tenant_of(tenant));
        if model.stored_max(tenant) < stored {
            let most = model.stored_max(tenant);
            return Err(format!("tenant {tenant}: {stored} spans are stored of at most {most}"));
        }
        listings.push(listing);
        found.push(spans);
    }
    if known.reference.is_none() || known.found != found {
        known.reference = Some(model.reference(&found));
        known.found = found;
    }
    let reference = known.reference.as_ref().expect("it was made above");
    for (tenant, listing) in (0..TENANTS).zip(&listings) {
        same_answers(engine, reference, tenant, listing, dice)
            .map_err(|difference| format!("tenant {tenant}: {difference}"))?;
    }
    match engine.stats().reads_damaged == damaged {
        true => Ok(()),
        false => Err("reads found damage on a sound disk".to_owned()),
    }
}

/// Lists a tenant's traces whole.
pub(crate) fn listing_of(engine: &dyn TraceReader, tenant: u8) -> Result<Listing, StoreError> {
    let mut cursor = engine.search(Search::all(tenant_of(tenant)))?;
    let mut listing = Vec::new();
    while let Some(trace) = cursor.next()? {
        listing.push(told(&trace));
    }
    Ok(listing)
}

/// Returns a trace's place and its spans.
pub(crate) fn told(trace: &Trace) -> (TraceKey, Vec<u64>) {
    (trace.key(), trace.spans().map(fingerprint).collect())
}

fn same_answers(
    engine: &SteppedStore,
    reference: &MemoryStore,
    tenant: u8,
    listing: &Listing,
    dice: &mut Dice,
) -> Result<(), String> {
    let told_wrongly = |error: StoreError| error.to_string();
    let expected = listing_of(reference, tenant).map_err(told_wrongly)?;
    if *listing != expected {
        let at = listing.iter().zip(&expected).position(|(one, other)| one != other);
        return Err(format!("the listing differs from the reference's at trace {at:?}"));
    }
    let name = tenant_of(tenant);
    let services = engine.services(&name).map_err(told_wrongly)?;
    if services != reference.services(&name).map_err(told_wrongly)? {
        return Err("the services differ".to_owned());
    }
    if !services.is_empty() {
        let service = &services[dice.below(services.len() as u64) as usize];
        let theirs = reference.operations(&name, service).map_err(told_wrongly)?;
        if engine.operations(&name, service).map_err(told_wrongly)? != theirs {
            return Err(format!("the operations of {service:?} differ"));
        }
    }
    for _ in 0..2 {
        let search = search_of(tenant, listing, dice);
        let ours = keys(engine, &search).map_err(told_wrongly)?;
        if ours != keys(reference, &search).map_err(told_wrongly)? {
            return Err(format!("{search:?} finds other traces than the reference does"));
        }
    }
    let id = match listing.is_empty() {
        true => TraceId::from_halves(7, 7),
        false => listing[dice.below(listing.len() as u64) as usize].0.id,
    };
    for id in [id, TraceId::from_halves(dice.roll(), 1)] {
        let ours = engine.trace(&name, id).map_err(told_wrongly)?;
        let theirs = reference.trace(&name, id).map_err(told_wrongly)?;
        if ours.as_ref().map(told) != theirs.as_ref().map(told) {
            return Err(format!("trace {id} differs"));
        }
        let prefix = TracePrefix::new(&id.to_string()[..8]).expect("eight digits are a prefix");
        let ours = engine.ids_with_prefix(&name, prefix, 5).map_err(told_wrongly)?;
        if ours != reference.ids_with_prefix(&name, prefix, 5).map_err(told_wrongly)? {
            return Err(format!("the ids that begin like {id} differ"));
        }
    }
    Ok(())
}

/// Returns some search; often for a page of a longer listing.
pub(crate) fn search_of(tenant: u8, listing: &Listing, dice: &mut Dice) -> Search {
    let mut search = Search { tenant: tenant_of(tenant), ..wild_search(dice) };
    if dice.one_in(2) {
        search.detail = Detail::Skeleton;
    }
    if dice.one_in(3) && !listing.is_empty() {
        search.after = Some(listing[dice.below(listing.len() as u64) as usize].0);
    }
    search
}

/// Returns the places of the traces that a search finds.
pub(crate) fn keys(engine: &dyn TraceReader, search: &Search) -> Result<Vec<TraceKey>, StoreError> {
    let mut cursor = engine.search(search.clone())?;
    let mut keys = Vec::new();
    while let Some(trace) = cursor.next()? {
        keys.push(trace.key());
    }
    Ok(keys)
}
