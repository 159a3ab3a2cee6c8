//! Files as streams. Never wait: a file is always ready.

use super::open::Open;
use crate::fs::{Device, FileError};
use crate::kernel::Kernel;
use crate::wasi::Guest;
use bytes::Bytes;
use clock::Stream;
use rand::Rng;
use std::sync::Arc;
use wasmtime_wasi_io::poll::Pollable;
use wasmtime_wasi_io::streams::{InputStream, OutputStream, StreamError, StreamResult};

/// How much one call reads or writes.
const CHUNK_MAX: usize = 1 << 20;

fn failed(err: FileError) -> StreamError {
    StreamError::LastOperationFailed(wasmtime::Error::new(err))
}

/// A file read from an offset on.
#[derive(Debug)]
pub(super) struct ReadStream {
    open: Open,
    offset: u64,
}

impl ReadStream {
    pub(super) fn new(open: Open, offset: u64) -> Self {
        Self { open, offset }
    }
}

#[async_trait::async_trait]
impl Pollable for ReadStream {
    async fn ready(&mut self) {}
}

impl InputStream for ReadStream {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        let data = self
            .open
            .read(self.offset, size.min(CHUNK_MAX))
            .map_err(failed)?;
        if data.is_empty() && size > 0 {
            return Err(StreamError::Closed);
        }
        self.offset += data.len() as u64;
        Ok(data.into())
    }
}

/// A file written from an offset on, or always at its end.
#[derive(Debug)]
pub(super) struct WriteStream {
    open: Open,
    offset: Option<u64>,
    kernel: Arc<Kernel>,
}

impl WriteStream {
    pub(super) fn new(open: Open, offset: Option<u64>, kernel: &Arc<Kernel>) -> Self {
        Self {
            open,
            offset,
            kernel: Arc::clone(kernel),
        }
    }
}

#[async_trait::async_trait]
impl Pollable for WriteStream {
    async fn ready(&mut self) {}
}

impl OutputStream for WriteStream {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        let now = self.kernel.unix_nanos();
        let end = self.open.write(self.offset, &bytes, now).map_err(failed)?;
        self.offset = self.offset.map(|_| end);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(CHUNK_MAX)
    }
}

/// A device that gives bytes, or a text made for this reader.
#[derive(Debug)]
pub(super) enum Source {
    Null,
    Zero,
    Random(Box<Stream>),
    Text(Bytes),
}

impl Source {
    /// A text from an offset on.
    pub(super) fn text(text: String, offset: u64) -> Self {
        let mut bytes = Bytes::from(text);
        let from = usize::try_from(offset).unwrap_or(usize::MAX);
        Self::Text(bytes.split_off(from.min(bytes.len())))
    }

    pub(super) fn new(device: Device, guest: &mut Guest) -> Self {
        match device {
            Device::Zero => Self::Zero,
            // A stream of its own, begun by a draw from the process's: what is read from the
            // file does not shift what the process draws itself.
            Device::Random => {
                let start = clock::Seed::new(guest.chance().next_u64());
                Self::Random(Box::new(start.stream("urandom")))
            }
            _ => Self::Null,
        }
    }
}

#[async_trait::async_trait]
impl Pollable for Source {
    async fn ready(&mut self) {}
}

impl InputStream for Source {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        if let Self::Text(rest) = self {
            if rest.is_empty() && size > 0 {
                return Err(StreamError::Closed);
            }
            return Ok(rest.split_to(size.min(rest.len())));
        }
        let mut data = vec![0; size.min(CHUNK_MAX)];
        match self {
            Self::Null | Self::Text(_) => return Err(StreamError::Closed),
            Self::Zero => {}
            Self::Random(stream) => stream.fill_bytes(&mut data),
        }
        Ok(data.into())
    }
}
