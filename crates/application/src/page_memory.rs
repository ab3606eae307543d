//! The memory of a page that is read for a client.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use convosync_domain::feed::Admit;

use crate::byte_budget::{ByteBudget, Reservation};

/// How much of a page is in memory at once: what the store holds, and the answer made of it.
const COPIES: usize = 2;

/// The memory that one page takes of a budget; nothing, until the page is admitted.
pub(crate) struct PageMemory {
    budget: ByteBudget,
    reserved: Arc<Mutex<Option<Reservation>>>,
}

impl PageMemory {
    pub(crate) fn of(budget: &ByteBudget) -> Self {
        Self {
            budget: budget.clone(),
            reserved: Arc::default(),
        }
    }

    /// Reserves the memory of the page. One that is larger than the whole budget gets all of it: no item is so
    /// large that it cannot be read at all.
    pub(crate) fn admit(&self) -> Admit {
        let (reserved, budget) = (Arc::clone(&self.reserved), self.budget.clone());
        Arc::new(move |content_bytes| {
            let mut reserved = lock(&reserved);
            let reservation = reserved.get_or_insert_with(|| budget.reserve());
            reservation.hold_or_all(content_bytes.saturating_mul(COPIES))
        })
    }

    /// What the page has got, to be held as long as the page is there.
    pub(crate) fn into_reservation(self) -> Reservation {
        let reserved = lock(&self.reserved).take();
        reserved.unwrap_or_else(|| self.budget.reserve())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
