//! The nginx face: which server and location a request falls to, and what is said there.
//! The phases come in nginx's order (`turn`); what waits for others (an upstream, a delay) is named in a
//! `Verdict` and done elsewhere. It sends nothing; files are read when an answer is made.

mod access;
mod certified;
mod codes;
mod content;
pub mod draft;
mod finish;
mod limits;
pub mod log;
pub mod pages;
pub(crate) mod password;
pub mod turn;
mod values;

use std::cell::Cell;

use crate::files::Contents;

/// What a server counts and keeps while it runs, whatever its configuration.
#[derive(Debug, Default)]
pub struct House {
    /// The name of the machine.
    pub hostname: String,
    /// The number of the process.
    pub pid: u32,
    /// Connections so far.
    pub accepted: Cell<u64>,
    /// Requests so far.
    pub requests: Cell<u64>,
    /// Connections now.
    pub active: Cell<u64>,
    /// Those in the middle of a request.
    pub writing: Cell<u64>,
    /// Those whose head is being read.
    pub reading: Cell<u64>,
    /// Contents of small files.
    pub contents: Contents,
    /// What makes `$request_id` differ.
    pub chance: Cell<u64>,
}

impl House {
    /// A number nobody can guess from the others' order alone, for `$request_id` and boundaries.
    pub fn number(&self) -> u64 {
        // SplitMix64: one multiplication chain, no state but a counter.
        let next = self.chance.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.chance.set(next);
        let mut mixed = next;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
