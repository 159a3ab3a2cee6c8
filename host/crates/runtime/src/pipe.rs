//! Bounded pipes between programs, and between a program and the host.
//!
//! Never blocks a thread: a full or empty pipe is an answer, and readiness is awaited.

use crate::executor::Waiters;
use bytes::Bytes;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use wasmtime_wasi_io::poll::Pollable;
use wasmtime_wasi_io::streams::{InputStream, OutputStream, StreamError, StreamResult};

/// How much a pipe made by a guest holds, as on Linux.
pub const PIPE_CAPACITY: usize = 64 * 1024;

#[derive(Debug)]
struct State {
    bytes: VecDeque<u8>,
    capacity: usize,
    readers: Ends,
    writers: Ends,
    waiting: Waiters,
}

/// How many ends of one kind there are, and whether there ever was one.
#[derive(Debug, Default)]
struct Ends {
    count: usize,
    begun: bool,
}

impl Ends {
    fn add(&mut self) {
        self.count += 1;
        self.begun = true;
    }

    fn all_gone(&self) -> bool {
        self.begun && self.count == 0
    }
}

impl State {
    fn is_readable(&self) -> bool {
        !self.bytes.is_empty() || self.writers.all_gone()
    }

    fn room(&self) -> usize {
        self.capacity.saturating_sub(self.bytes.len())
    }
}

/// A pipe whose ends are made one by one; it is neither end itself.
#[derive(Debug)]
pub struct Pipe(Arc<Mutex<State>>);

impl Pipe {
    /// A pipe that holds up to `capacity` bytes.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        let state = State {
            bytes: VecDeque::new(),
            capacity: capacity.max(1),
            readers: Ends::default(),
            writers: Ends::default(),
            waiting: Waiters::default(),
        };
        Self(Arc::new(Mutex::new(state)))
    }

    /// One more end to read from.
    #[must_use]
    pub fn reader(&self) -> PipeReader {
        self.0.lock().readers.add();
        PipeReader(Arc::clone(&self.0))
    }

    /// One more end to write to.
    #[must_use]
    pub fn writer(&self) -> PipeWriter {
        self.0.lock().writers.add();
        PipeWriter(Arc::clone(&self.0))
    }
}

/// What a read found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read {
    /// At least one byte.
    Data(Vec<u8>),
    /// Nothing yet.
    WouldBlock,
    /// Nothing any more: every writer is gone.
    End,
}

/// The end bytes come out of. A clone reads from the same pipe.
#[derive(Debug)]
pub struct PipeReader(Arc<Mutex<State>>);

/// The end bytes go into. A clone writes to the same pipe; the reader sees the end when all are gone.
#[derive(Debug)]
pub struct PipeWriter(Arc<Mutex<State>>);

/// A pipe that holds up to `capacity` bytes.
#[must_use]
pub fn pipe(capacity: usize) -> (PipeReader, PipeWriter) {
    let pipe = Pipe::new(capacity);
    (pipe.reader(), pipe.writer())
}

impl PipeReader {
    /// Takes up to `max` bytes, if there are any.
    pub fn try_read(&self, max: usize) -> Read {
        let mut state = self.0.lock();
        if state.bytes.is_empty() {
            return if state.writers.all_gone() {
                Read::End
            } else {
                Read::WouldBlock
            };
        }
        let count = max.min(state.bytes.len());
        let data = take_front(&mut state.bytes, count);
        let mut waiting = state.waiting.take();
        drop(state);
        waiting.wake();
        Read::Data(data)
    }

    /// Waits for bytes and takes up to `max` of them; nothing at the end.
    pub async fn read(&self, max: usize) -> Option<Vec<u8>> {
        loop {
            match self.try_read(max) {
                Read::Data(data) => return Some(data),
                Read::End => return None,
                Read::WouldBlock => poll_fn(|cx| self.poll_readable(cx)).await,
            }
        }
    }

    /// Ready when [`try_read`](Self::try_read) would not answer that it would block.
    pub fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.0.lock();
        if state.is_readable() {
            return Poll::Ready(());
        }
        state.waiting.register(cx);
        Poll::Pending
    }
}

impl PipeWriter {
    /// Puts in as much of `data` as there is room for; nothing when every reader is gone.
    pub fn try_write(&self, data: &[u8]) -> Option<usize> {
        let mut state = self.0.lock();
        if state.readers.all_gone() {
            return None;
        }
        let count = data.len().min(state.room());
        state.bytes.extend(&data[..count]);
        let mut waiting = if count > 0 {
            state.waiting.take()
        } else {
            Waiters::default()
        };
        drop(state);
        waiting.wake();
        Some(count)
    }

    /// Puts in all of `data`, waiting for room; false when every reader is gone.
    pub async fn write_all(&self, mut data: &[u8]) -> bool {
        while !data.is_empty() {
            match self.try_write(data) {
                None => return false,
                Some(0) => poll_fn(|cx| self.poll_writable(cx)).await,
                Some(count) => data = &data[count..],
            }
        }
        true
    }

    /// Ready when there is room or every reader is gone.
    pub fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.0.lock();
        if state.room() > 0 || state.readers.all_gone() {
            return Poll::Ready(());
        }
        state.waiting.register(cx);
        Poll::Pending
    }

    fn room(&self) -> Option<usize> {
        let state = self.0.lock();
        (!state.readers.all_gone()).then(|| state.room())
    }
}

impl Clone for PipeReader {
    fn clone(&self) -> Self {
        self.0.lock().readers.add();
        Self(Arc::clone(&self.0))
    }
}

impl Clone for PipeWriter {
    fn clone(&self) -> Self {
        self.0.lock().writers.add();
        Self(Arc::clone(&self.0))
    }
}

impl Drop for PipeReader {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.readers.count -= 1;
        if state.readers.all_gone() {
            let mut waiting = state.waiting.take();
            drop(state);
            waiting.wake();
        }
    }
}

impl Drop for PipeWriter {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.writers.count -= 1;
        if state.writers.all_gone() {
            let mut waiting = state.waiting.take();
            drop(state);
            waiting.wake();
        }
    }
}

#[async_trait::async_trait]
impl Pollable for PipeReader {
    async fn ready(&mut self) {
        poll_fn(|cx| self.poll_readable(cx)).await;
    }
}

impl InputStream for PipeReader {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        if size == 0 {
            return Ok(Bytes::new());
        }
        match self.try_read(size) {
            Read::Data(data) => Ok(data.into()),
            Read::WouldBlock => Ok(Bytes::new()),
            Read::End => Err(StreamError::Closed),
        }
    }
}

#[async_trait::async_trait]
impl Pollable for PipeWriter {
    async fn ready(&mut self) {
        poll_fn(|cx| self.poll_writable(cx)).await;
    }
}

impl OutputStream for PipeWriter {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        match self.try_write(&bytes) {
            None => Err(StreamError::Closed),
            Some(count) if count == bytes.len() => Ok(()),
            Some(_) => Err(StreamError::trap("wrote more than check-write permitted")),
        }
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        self.room().ok_or(StreamError::Closed)
    }
}

/// Takes the first `count` bytes, in two pieces at most: a queue gives up its bytes one by one.
pub(crate) fn take_front(bytes: &mut VecDeque<u8>, count: usize) -> Vec<u8> {
    let (first, second) = bytes.as_slices();
    let split = count.min(first.len());
    let taken = [&first[..split], &second[..count - split]].concat();
    bytes.drain(..count);
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_pipe_takes_what_fits() {
        let (reader, writer) = pipe(4);
        assert_eq!(writer.try_write(b"abcdef"), Some(4));
        assert_eq!(writer.try_write(b"ef"), Some(0));
        assert_eq!(reader.try_read(2), Read::Data(b"ab".to_vec()));
        assert_eq!(writer.try_write(b"ef"), Some(2));
        assert_eq!(reader.try_read(9), Read::Data(b"cdef".to_vec()));
        assert_eq!(reader.try_read(9), Read::WouldBlock);
    }

    #[test]
    fn the_end_comes_after_the_last_writer_and_the_last_byte() {
        let (reader, writer) = pipe(4);
        let second = writer.clone();
        writer.try_write(b"x");
        drop(writer);
        drop(second);
        assert_eq!(reader.try_read(9), Read::Data(b"x".to_vec()));
        assert_eq!(reader.try_read(9), Read::End);
    }

    #[test]
    fn writing_to_nobody_is_refused() {
        let (reader, writer) = pipe(4);
        drop(reader);
        assert_eq!(writer.try_write(b"x"), None);
    }
}
