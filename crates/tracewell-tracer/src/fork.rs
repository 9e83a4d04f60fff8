//! Locks in a process that may have been forked.
//!
//! A forked child has a copy of everything and only the thread that forked. A lock that another thread
//! held at that moment stays held in the child for ever, so nothing here waits for a lock before it
//! has looked whether this is still the process in which the lock was made. That is asked only where a
//! lock is taken already; a free one costs what it always did.
//!
//! The child has no exporter's thread: what it records is never sent, neither its own spans nor the
//! copies of its parent's, so nothing is sent twice. A child that wants to be traced starts a tracer
//! of its own.

use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, TryLockError};

/// Returns the process that this is.
pub(crate) fn process() -> u32 {
    std::process::id()
}

/// Tells whether this process was forked from the one that `home` is.
pub(crate) fn is_child_of(home: u32) -> bool {
    home != std::process::id()
}

/// Locks, unless a thread that stayed behind in the parent process holds the lock. Whatever a panic left
/// under one of our locks is whole.
#[inline]
pub(crate) fn lock<T>(mutex: &Mutex<T>, home: u32) -> Option<MutexGuard<'_, T>> {
    match mutex.try_lock() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => contended(mutex, home),
    }
}

#[cold]
fn contended<T>(mutex: &Mutex<T>, home: u32) -> Option<MutexGuard<'_, T>> {
    (!is_child_of(home)).then(|| mutex.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Locks for reading; likewise.
#[inline]
pub(crate) fn read<T>(lock: &RwLock<T>, home: u32) -> Option<RwLockReadGuard<'_, T>> {
    match lock.try_read() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => {
            (!is_child_of(home)).then(|| lock.read().unwrap_or_else(PoisonError::into_inner))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lock_that_is_held_is_waited_for_at_home_alone() {
        let mutex = Mutex::new(1);
        let held = mutex.lock().unwrap();
        assert!(lock(&mutex, process().wrapping_add(1)).is_none());
        drop(held);
        assert!(lock(&mutex, process().wrapping_add(1)).is_some());
        std::thread::scope(|scope| {
            let held = mutex.lock().unwrap();
            let waiting = scope.spawn(|| lock(&mutex, process()).map(|value| *value));
            drop(held);
            assert_eq!(waiting.join().unwrap(), Some(1));
        });
    }
}
