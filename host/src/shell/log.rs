//! What a container wrote, kept as a kubelet keeps it, and readers that follow it.
//!
//! Never grows without bound: the oldest lines go first, as log rotation would take them.

use clock::{Duration, Instant};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// Bytes of one container's log, the kubelet's `containerLogMaxSize` of 10 MiB.
const LIMIT: usize = 10 * 1024 * 1024;
/// A line longer than this is cut into several, as the container runtime does at 16 KiB.
const LINE: usize = 16 * 1024;

/// The log of one run of a container.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log(Rc<RefCell<State>>);

#[derive(Debug, Default)]
struct State {
    lines: VecDeque<Line>,
    /// How many lines were dropped from the front.
    dropped: u64,
    bytes: usize,
    closed: bool,
    readers: Vec<Waker>,
}

#[derive(Clone, Debug)]
struct Line {
    at: Instant,
    text: Vec<u8>,
}

/// Which lines are wanted and how they are shown.
#[derive(Clone, Debug, Default)]
pub(crate) struct LogOptions {
    /// Go on as more is written.
    pub(crate) follow: bool,
    /// Only this many last lines.
    pub(crate) tail: Option<u64>,
    /// Only lines not older than this.
    pub(crate) since: Option<Duration>,
    /// Begin each line with this calendar's time (unix seconds when virtual time begins).
    pub(crate) timestamps: Option<i64>,
    /// At most this many bytes.
    pub(crate) limit_bytes: Option<u64>,
}

impl Log {
    /// Adds output of the container; `partial` holds the beginning of a line that goes on.
    pub(crate) fn write(&self, now: Instant, partial: &mut Vec<u8>, data: &[u8]) {
        for piece in data.split_inclusive(|byte| *byte == b'\n') {
            partial.extend_from_slice(piece);
            if partial.ends_with(b"\n") || partial.len() >= LINE {
                self.push(now, std::mem::take(partial));
            }
        }
    }

    /// Adds one line, whole or the rest of one.
    pub(crate) fn push(&self, now: Instant, text: Vec<u8>) {
        if text.is_empty() {
            return;
        }
        let mut state = self.0.borrow_mut();
        state.bytes += text.len();
        state.lines.push_back(Line { at: now, text });
        while state.bytes > LIMIT {
            let Some(oldest) = state.lines.pop_front() else {
                break;
            };
            state.bytes -= oldest.text.len();
            state.dropped += 1;
        }
        state.wake();
    }

    /// At least this many of its last bytes, or all of it.
    pub(crate) fn tail(&self, bytes: usize) -> Vec<u8> {
        let state = self.0.borrow();
        let mut wanted = bytes;
        let mut from = state.lines.len();
        while from > 0 && wanted > 0 {
            from -= 1;
            wanted = wanted.saturating_sub(state.lines[from].text.len());
        }
        let lines = state.lines.iter().skip(from);
        lines.flat_map(|line| line.text.clone()).collect()
    }

    /// Nothing more will come.
    pub(crate) fn close(&self) {
        let mut state = self.0.borrow_mut();
        state.closed = true;
        state.wake();
    }

    /// A reader of this log.
    pub(crate) fn reader(&self, now: Instant, options: LogOptions) -> LogReader {
        let state = self.0.borrow();
        let mut first = 0;
        if let Some(since) = options.since {
            first = state
                .lines
                .partition_point(|line| now.saturating_since(line.at) > since);
        }
        if let Some(tail) = options.tail {
            let tail = usize::try_from(tail).unwrap_or(usize::MAX);
            first = first.max(state.lines.len().saturating_sub(tail));
        }
        let next = state.dropped + first as u64;
        drop(state);
        LogReader {
            log: self.clone(),
            next,
            left: options.limit_bytes,
            options,
        }
    }
}

impl State {
    fn wake(&mut self) {
        for reader in self.readers.drain(..) {
            reader.wake();
        }
    }
}

/// One reader's place in a log.
#[derive(Debug)]
pub(crate) struct LogReader {
    log: Log,
    next: u64,
    left: Option<u64>,
    options: LogOptions,
}

impl LogReader {
    /// The next bytes to send; `None` at the end.
    pub(crate) fn poll_lines(&mut self, cx: &mut Context<'_>) -> Poll<Option<Vec<u8>>> {
        let log = self.log.clone();
        let mut state = log.0.borrow_mut();
        self.next = self.next.max(state.dropped);
        let from = usize::try_from(self.next - state.dropped).expect("a log fits in memory");
        let mut out = Vec::new();
        for line in state.lines.iter().skip(from).take(1024) {
            self.next += 1;
            if let Some(epoch) = self.options.timestamps {
                out.extend_from_slice(super::calendar::rfc3339_nanos(epoch, line.at).as_bytes());
                out.push(b' ');
            }
            out.extend_from_slice(&line.text);
        }
        self.cut(&mut out);
        if !out.is_empty() {
            return Poll::Ready(Some(out));
        }
        if state.closed || !self.options.follow || self.left == Some(0) {
            return Poll::Ready(None);
        }
        state.readers.push(cx.waker().clone());
        Poll::Pending
    }

    fn cut(&mut self, out: &mut Vec<u8>) {
        if let Some(left) = &mut self.left {
            out.truncate(usize::try_from(*left).unwrap_or(usize::MAX));
            *left -= out.len() as u64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(reader: &mut LogReader) -> String {
        let mut out = Vec::new();
        let mut cx = Context::from_waker(Waker::noop());
        while let Poll::Ready(Some(data)) = reader.poll_lines(&mut cx) {
            out.extend(data);
        }
        String::from_utf8(out).expect("the test wrote text")
    }

    fn log(lines: &[(u64, &str)]) -> Log {
        let log = Log::default();
        for (secs, line) in lines {
            log.write(Instant::from_secs(*secs), &mut Vec::new(), line.as_bytes());
        }
        log
    }

    #[test]
    fn the_tail_is_the_last_lines() {
        let log = log(&[(1, "a\n"), (2, "b\n"), (3, "c\n")]);
        let options = LogOptions {
            tail: Some(2),
            ..LogOptions::default()
        };
        assert_eq!(
            read(&mut log.reader(Instant::from_secs(9), options)),
            "b\nc\n"
        );
    }

    #[test]
    fn since_leaves_out_what_is_older() {
        let log = log(&[(1, "a\n"), (5, "b\n")]);
        let options = LogOptions {
            since: Some(Duration::from_secs(5)),
            ..LogOptions::default()
        };
        assert_eq!(read(&mut log.reader(Instant::from_secs(9), options)), "b\n");
    }

    #[test]
    fn a_follower_goes_on_where_it_stopped_and_ends_with_the_container() {
        let log = log(&[(1, "a\n")]);
        let mut reader = log.reader(
            Instant::from_secs(1),
            LogOptions {
                follow: true,
                ..LogOptions::default()
            },
        );
        assert_eq!(read(&mut reader), "a\n");
        log.push(Instant::from_secs(2), b"b\n".to_vec());
        assert_eq!(read(&mut reader), "b\n");
        log.close();
        let mut cx = Context::from_waker(Waker::noop());
        assert_eq!(reader.poll_lines(&mut cx), Poll::Ready(None));
    }

    #[test]
    fn a_line_may_come_in_pieces() {
        let log = Log::default();
        let mut partial = Vec::new();
        log.write(Instant::ZERO, &mut partial, b"hel");
        log.write(Instant::ZERO, &mut partial, b"lo\nwor");
        log.close();
        assert_eq!(
            read(&mut log.reader(Instant::ZERO, LogOptions::default())),
            "hello\n"
        );
        assert_eq!(partial, b"wor");
    }
}
