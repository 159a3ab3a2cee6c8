//! A capture file that grows as packets pass. Never holds more than the network's own log does.

use super::driver::Shell;
use std::fs::File;
use std::io::{self, BufWriter};
use std::path::Path;
use vnet::PcapWriter;

/// A pcapng file being written.
#[derive(Debug)]
pub(crate) struct Capture(PcapWriter<BufWriter<File>>);

impl Capture {
    /// Begins the file; `epoch` is the Unix time when virtual time began.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn create(path: &Path, epoch: i64) -> io::Result<Self> {
        PcapWriter::new(BufWriter::new(File::create(path)?), epoch).map(Self)
    }

    /// Writes what has passed since the last time.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn catch_up(&mut self, shell: &Shell) -> io::Result<()> {
        shell.look(|world| self.0.catch_up(world.net().packets(), |_| true))
    }

    /// How many packets the network forgot before they could be written.
    pub(crate) fn lost(&self) -> u64 {
        self.0.lost()
    }
}
