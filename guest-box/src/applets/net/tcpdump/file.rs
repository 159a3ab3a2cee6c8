//! Capture files: the classic pcap format, microseconds, Ethernet. Writes it, and reads it in either
//! order of bytes.

use std::io::{self, Read, Write};
use std::time::Duration;

/// Ethernet, as `LINKTYPE_` numbers it.
const ETHERNET: u32 = 1;
const MAGIC: u32 = 0xa1b2_c3d4;
/// The same with nanoseconds.
const MAGIC_NANOS: u32 = 0xa1b2_3c4d;
/// How long a packet may be; a longer one means that the file is broken.
const LENGTH_MAX: u32 = 262_144;

/// Begins a file.
pub(super) fn write_header(out: &mut dyn Write, snap: u32) -> io::Result<()> {
    out.write_all(&MAGIC.to_le_bytes())?;
    out.write_all(&[2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0])?;
    out.write_all(&snap.to_le_bytes())?;
    out.write_all(&ETHERNET.to_le_bytes())
}

/// Adds a packet of which `bytes` were kept.
pub(super) fn write_packet(
    out: &mut dyn Write,
    time: Duration,
    bytes: &[u8],
    length: u32,
) -> io::Result<()> {
    let kept = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    for word in [time.as_secs() as u32, time.subsec_micros(), kept, length] {
        out.write_all(&word.to_le_bytes())?;
    }
    out.write_all(bytes)
}

/// A file being read.
pub(super) struct Reader {
    input: Box<dyn Read>,
    swapped: bool,
    nanos: bool,
    pub(super) snap: u32,
}

/// Why a file cannot be read, in libpcap's words.
pub(super) type Broken = String;

impl Reader {
    pub(super) fn open(mut input: Box<dyn Read>) -> Result<Self, Broken> {
        let mut header = [0; 24];
        input
            .read_exact(&mut header)
            .map_err(|_| "truncated dump file; tried to read 24 file header bytes".to_owned())?;
        let magic = u32::from_le_bytes([header[0], header[1], header[2], header[3]]);
        let (swapped, nanos) = match magic {
            MAGIC => (false, false),
            MAGIC_NANOS => (false, true),
            _ => match magic.swap_bytes() {
                MAGIC => (true, false),
                MAGIC_NANOS => (true, true),
                _ => return Err("unknown file format".to_owned()),
            },
        };
        let mut reader = Self {
            input,
            swapped,
            nanos,
            snap: 0,
        };
        reader.snap = reader.number(&header[16..20]);
        match reader.number(&header[20..24]) & 0xffff {
            ETHERNET => Ok(reader),
            other => Err(format!("link-layer type {other} is not in this lab")),
        }
    }

    fn number(&self, bytes: &[u8]) -> u32 {
        let number = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        if self.swapped {
            number.swap_bytes()
        } else {
            number
        }
    }

    /// The next packet: its time, what was kept of it, its length.
    pub(super) fn next(&mut self) -> Result<Option<(Duration, Vec<u8>, u32)>, Broken> {
        let mut header = [0; 16];
        match self.input.read(&mut header[..1]) {
            Ok(0) => return Ok(None),
            Ok(_) => {}
            Err(error) => return Err(error.to_string()),
        }
        let cut = |_| "truncated dump file; tried to read 16 header bytes".to_owned();
        self.input.read_exact(&mut header[1..]).map_err(cut)?;
        let [seconds, part, kept, length] =
            [0, 4, 8, 12].map(|at| self.number(&header[at..at + 4]));
        if kept > LENGTH_MAX {
            return Err(format!(
                "invalid packet capture length {kept}, bigger than maximum of {LENGTH_MAX}"
            ));
        }
        let part = if self.nanos {
            part
        } else {
            part.saturating_mul(1_000)
        };
        let mut bytes = vec![0; kept as usize];
        let cut = |_| format!("truncated dump file; tried to read {kept} captured bytes");
        self.input.read_exact(&mut bytes).map_err(cut)?;
        let time = Duration::from_secs(seconds.into()) + Duration::from_nanos(part.into());
        Ok(Some((time, bytes, length)))
    }
}
