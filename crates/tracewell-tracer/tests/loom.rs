//! Where threads meet without a lock, or where two facts must exclude each other: every order is tried.

#[path = "../src/fold/leaf.rs"]
mod leaf;
#[expect(dead_code, reason = "the engine uses more of it than is modelled")]
#[path = "../src/tenancy.rs"]
mod tenancy;

/// What the modelled files take for the standard library's.
mod sync {
    pub(crate) use loom::sync::{Arc, Mutex, atomic};
}

mod fork {
    use loom::sync::{Mutex, MutexGuard};

    /// A model has one process.
    pub(crate) fn lock<T>(mutex: &Mutex<T>, _: u32) -> Option<MutexGuard<'_, T>> {
        mutex.lock().ok()
    }
}

use leaf::Leaf;
use loom::sync::Arc;
use loom::thread;
use tenancy::{Tenancy, Tenant};

fn tenant(number: u64) -> Tenant {
    Tenant { trace_high: number, trace_low: number, span: number, bits: number as u32 }
}

#[test]
fn reader_of_a_place_never_sees_another_tenant() {
    loom::model(|| {
        let place = Arc::new(Tenancy::default());
        place.prepare(tenant(1));
        let first = place.begin();
        let theirs = Arc::clone(&place);
        let next = thread::spawn(move || {
            assert_eq!(theirs.leave(first), Some(true));
            theirs.vacate(first);
            theirs.prepare(tenant(2));
            theirs.begin()
        });
        if let Some((seen, ())) = place.read(first, |_| ()) {
            assert_eq!(seen, tenant(1));
        }
        let second = next.join().unwrap();
        assert_eq!(place.read(first, |_| ()), None);
        assert_eq!(place.read(second, |_| ()), Some((tenant(2), ())));
    });
}

#[test]
fn one_of_those_who_let_go_is_the_last() {
    loom::model(|| {
        let place = Arc::new(Tenancy::default());
        place.prepare(tenant(1));
        let number = place.begin();
        assert!(place.hold(number));
        let theirs = Arc::clone(&place);
        let other = thread::spawn(move || theirs.leave(number));
        let lasts = [place.leave(number), other.join().unwrap()];
        assert_eq!(lasts.iter().filter(|last| **last == Some(true)).count(), 1);
        assert!(!place.hold(number), "it is over");
    });
}

#[test]
fn span_that_somebody_knows_is_not_folded() {
    loom::model(|| {
        let parent = Arc::new(Leaf::new(None, 0));
        let span = Arc::new(Leaf::new(Some(Arc::clone(&parent)), 0));
        let (theirs, ending) = (Arc::clone(&span), Arc::clone(&parent));
        let child = thread::spawn(move || theirs.know());
        let ended = thread::spawn(move || ending.end(false, 0));
        let folded = span.end(true, 7).is_err();
        let known = child.join().unwrap();
        let told = ended.join().unwrap().expect("it may not be folded");
        assert!(!(known && folded), "a child would lose its parent");
        // What was folded is told by the parent, or the parent had ended and the span stands for itself.
        assert_eq!(told, if folded { (1, 7) } else { (0, 0) });
    });
}
