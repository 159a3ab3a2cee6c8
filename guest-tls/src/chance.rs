//! Where keys, salts and serial numbers get their chance from: `wasi:random`, which the host seeds,
//! or a source that somebody lends for the time of a call.
//!
//! Never keeps a generator of its own: with a seeded source the same program draws the same bytes.

use std::cell::RefCell;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

type Fill = dyn FnMut(&mut [u8]) + Send;

/// A source of chance besides the machine's, for servers that run where the machine's is not
/// seeded.
#[derive(Clone)]
pub struct Source(Arc<Mutex<Fill>>);

impl fmt::Debug for Source {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Source")
    }
}

thread_local! {
    static LENT: RefCell<Option<Source>> = const { RefCell::new(None) };
}

impl Source {
    /// A source that fills with what this gives.
    pub fn new(fill: impl FnMut(&mut [u8]) + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(fill)))
    }

    /// Does something on this thread for which all chance comes from here.
    pub fn lend<R>(&self, act: impl FnOnce() -> R) -> R {
        let before = LENT.replace(Some(self.clone()));
        let _back = Back(before);
        act()
    }

    /// Fills with bytes.
    pub fn fill(&self, buffer: &mut [u8]) {
        // A source is whole between two calls, whatever happened to who used it.
        let mut fill = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        fill(buffer);
    }
}

/// Gives back what was lent before, also when something goes wrong in between.
struct Back(Option<Source>);

impl Drop for Back {
    fn drop(&mut self) {
        LENT.set(self.0.take());
    }
}

/// Fills with bytes from the source that is lent, or from the machine's.
///
/// # Panics
/// When the machine has none, which a machine of the lab always has.
pub fn fill(buffer: &mut [u8]) {
    match LENT.with_borrow(Clone::clone) {
        Some(source) => source.fill(buffer),
        None => getrandom::fill(buffer).expect("every machine has a source of chance"),
    }
}

/// So many bytes.
#[must_use]
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut buffer = [0; N];
    fill(&mut buffer);
    buffer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lent_is_drawn_from_and_given_back() {
        let counting = |from: u8| {
            let mut next = from;
            Source::new(move |buffer: &mut [u8]| {
                for byte in buffer {
                    *byte = next;
                    next += 1;
                }
            })
        };
        let (outer, inner) = (counting(0), counting(100));
        outer.lend(|| {
            assert_eq!(bytes(), [0, 1]);
            assert_eq!(inner.lend(bytes), [100]);
            assert_eq!(bytes(), [2]);
        });
        assert!(LENT.with_borrow(Option::is_none));
    }
}
