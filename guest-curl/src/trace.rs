//! What `-v`, `--trace-ascii` and `--trace` tell of what passes. It never decides what passes.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::args::{Global, Trace};
use crate::voice::Voice;

/// What passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    HeadOut,
    HeadIn,
    DataOut,
    DataIn,
}

/// Where a trace goes.
#[derive(Debug)]
enum Place {
    Voice,
    Stdout,
    File(File),
}

/// Tells, or does not.
#[derive(Debug)]
pub(crate) struct Tracer<'a> {
    how: Trace,
    voice: &'a Voice,
    place: Place,
    times: bool,
    /// Bodies are announced only where they are not seen anyway.
    announce: bool,
    announced: bool,
}

impl<'a> Tracer<'a> {
    pub(crate) fn new(global: &Global, voice: &'a Voice) -> Self {
        let place = match &global.trace {
            Trace::Ascii(path) | Trace::Hex(path) => match path.as_str() {
                "-" => Place::Stdout,
                "%" => Place::Voice,
                path => match File::create(path) {
                    Ok(file) => Place::File(file),
                    Err(_) => {
                        voice.warn("Failed to create/open output");
                        Place::Voice
                    }
                },
            },
            _ => Place::Voice,
        };
        Self {
            how: global.trace.clone(),
            voice,
            place,
            times: global.trace_time,
            announce: !io::stdout().is_terminal(),
            announced: false,
        }
    }

    fn write(&mut self, bytes: &[u8]) {
        // A trace is a courtesy; nobody fails for it.
        let _ = match &mut self.place {
            Place::Voice => {
                self.voice.write(bytes);
                Ok(())
            }
            Place::Stdout => io::stdout().write_all(bytes),
            Place::File(file) => file.write_all(bytes),
        };
    }

    fn time(&self) -> String {
        if !self.times {
            return String::new();
        }
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let second = now.as_secs() % 86_400;
        format!(
            "{:02}:{:02}:{:02}.{:06} ",
            second / 3600,
            second / 60 % 60,
            second % 60,
            now.subsec_micros()
        )
    }

    /// A remark.
    pub(crate) fn info(&mut self, text: &str) {
        let time = self.time();
        match self.how {
            Trace::Nothing => {}
            Trace::Verbose => {
                self.announced = false;
                self.write(format!("{time}* {text}\n").as_bytes());
            }
            _ => self.write(format!("{time}== Info: {text}\n").as_bytes()),
        }
    }

    /// The head of a request.
    pub(crate) fn head_out(&mut self, bytes: &[u8]) {
        self.pass(Kind::HeadOut, bytes);
    }

    /// One line of an answer's head, its end included.
    pub(crate) fn head_in(&mut self, bytes: &[u8]) {
        self.pass(Kind::HeadIn, bytes);
    }

    /// Bytes of a body that leave.
    pub(crate) fn data_out(&mut self, bytes: &[u8]) {
        self.pass(Kind::DataOut, bytes);
    }

    /// Bytes of a body that arrive.
    pub(crate) fn data_in(&mut self, bytes: &[u8]) {
        self.pass(Kind::DataIn, bytes);
    }

    fn pass(&mut self, kind: Kind, bytes: &[u8]) {
        match self.how {
            Trace::Nothing => {}
            Trace::Verbose => self.sign(kind, bytes),
            Trace::Ascii(_) => self.dump(kind, bytes, false),
            Trace::Hex(_) => self.dump(kind, bytes, true),
        }
    }

    fn sign(&mut self, kind: Kind, bytes: &[u8]) {
        let time = self.time();
        let sign = match kind {
            Kind::HeadOut => '>',
            Kind::HeadIn => '<',
            Kind::DataOut => '}',
            Kind::DataIn => '{',
        };
        if matches!(kind, Kind::HeadOut | Kind::HeadIn) {
            self.announced = false;
            for line in bytes.split_inclusive(|byte| *byte == b'\n') {
                self.write(&[format!("{time}{sign} ").as_bytes(), line].concat());
            }
        } else if self.announce && !self.announced && !bytes.is_empty() {
            // Told once until another line comes.
            self.announced = true;
            let count = bytes.len();
            self.write(format!("{time}{sign} [{count} bytes data]\n").as_bytes());
        }
    }

    fn dump(&mut self, kind: Kind, bytes: &[u8], hex: bool) {
        let title = match kind {
            Kind::HeadOut => "=> Send header",
            Kind::HeadIn => "<= Recv header",
            Kind::DataOut => "=> Send data",
            Kind::DataIn => "<= Recv data",
        };
        let size = bytes.len();
        let mut text = format!("{}{title}, {size} bytes (0x{size:x})\n", self.time());
        let mut at = 0;
        while at < size {
            text.push_str(&format!("{at:04x}: "));
            let width = if hex { 16 } else { 64 };
            let row = &bytes[at..size.min(at + width)];
            if hex {
                for column in 0..width {
                    match row.get(column) {
                        Some(byte) => text.push_str(&format!("{byte:02x} ")),
                        None => text.push_str("   "),
                    }
                }
            }
            at += width;
            for (column, byte) in row.iter().enumerate() {
                let start = at - width + column;
                // The end of a line ends the row too.
                if !hex && bytes[start..].starts_with(b"\r\n") {
                    at = start + 2;
                    break;
                }
                text.push(match byte {
                    0x20..0x7f => char::from(*byte),
                    _ => '.',
                });
                if !hex && bytes[start + 1..].starts_with(b"\r\n") {
                    at = start + 3;
                    break;
                }
            }
            text.push('\n');
        }
        self.write(text.as_bytes());
    }
}
