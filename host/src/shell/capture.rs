//! A capture file that grows as packets pass. Never holds more than the network's own log does.

use super::driver::Shell;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use vnet::PcapWriter;

/// A pcapng file being written.
pub(crate) struct Capture {
    writer: PcapWriter<BufWriter<File>>,
    next: u64,
    lost: u64,
}

impl Capture {
    /// Begins the file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn create(path: &Path, epoch: i64) -> io::Result<Self> {
        let writer = PcapWriter::new(BufWriter::new(File::create(path)?), epoch)?;
        Ok(Self { writer, next: 0, lost: 0 })
    }

    /// Writes what has passed since the last time.
    pub(crate) fn catch_up(&mut self, shell: &Shell) -> io::Result<()> {
        shell.look(|world| {
            let log = world.net().packets();
            self.lost += log.first_seq().saturating_sub(self.next);
            for record in log.since(self.next) {
                self.next = record.seq + 1;
                self.writer.write(&record)?;
            }
            Ok(())
        })
    }

    /// Ends the file; how many packets the network forgot before they could be written.
    pub(crate) fn finish(self) -> io::Result<u64> {
        self.writer.into_inner().flush()?;
        Ok(self.lost)
    }
}
