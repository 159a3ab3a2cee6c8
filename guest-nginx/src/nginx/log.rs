//! Lines of nginx's logs.

use crate::conf::model::{Level, LogTarget};
use crate::conf::settings::{Escape, LogFormat};
use crate::http::date::{Date, Now};

use super::turn::Turn;

/// A line for somewhere.
pub type Line = (LogTarget, Vec<u8>);

impl Turn<'_> {
    /// The lines for access logs.
    pub fn access_lines(&self) -> Vec<Line> {
        let logs = self.settings.access_logs.iter();
        let logs = logs.filter(|log| {
            log.condition.as_ref().is_none_or(|condition| {
                let value = self.render(condition);
                !value.is_empty() && value != b"0"
            })
        });
        logs.map(|log| (log.target.clone(), self.access_line(&log.format)))
            .collect()
    }

    fn access_line(&self, format: &LogFormat) -> Vec<u8> {
        let mut line = Vec::with_capacity(256);
        let mut value = Vec::new();
        format.text.render(&mut line, |var, out| {
            value.clear();
            self.value(var, &mut value);
            match format.escape {
                Escape::None => out.extend_from_slice(&value),
                Escape::Json => json(&value, out),
                Escape::Default if value.is_empty() && *var != crate::vars::Var::Request => {
                    out.push(b'-');
                }
                Escape::Default => escape(&value, out),
            }
        });
        line.push(b'\n');
        line
    }

    /// The lines for error logs, taken out of the notes.
    pub fn error_lines(&mut self) -> Vec<Line> {
        let notes = std::mem::take(&mut self.notes);
        let mut lines = Vec::new();
        for (level, what) in notes {
            for log in self
                .settings
                .error_logs
                .iter()
                .filter(|log| level <= log.level)
            {
                lines.push((log.target.clone(), self.error_line(level, &what)));
            }
        }
        lines
    }

    fn error_line(&self, level: Level, what: &str) -> Vec<u8> {
        let pid = self.house.pid;
        let mut line = format!(
            "{} [{}] {pid}#{pid}: *{} {what}, client: {}, server: {}",
            Date::of(self.now.seconds).nginx(),
            level.name(),
            self.client.id,
            self.client.remote.ip(),
            self.server.name
        )
        .into_bytes();
        let mut quoted = |label: &str, bytes: &[u8]| {
            line.extend_from_slice(format!(", {label}: \"").as_bytes());
            let shown = bytes.iter();
            line.extend(shown.map(|byte| if byte.is_ascii_control() { b'?' } else { *byte }));
            line.push(b'"');
        };
        let request = self
            .reject
            .map_or(self.request.line(), |reject| &reject.line);
        quoted("request", request);
        if let Some(asked) = self.asked.last() {
            let target = format!("http://{}{}", asked.address, self.path);
            quoted("upstream", target.as_bytes());
        }
        if let Some(host) = self.request.header("host") {
            quoted("host", host);
        }
        if let Some(referrer) = self.request.header("referer") {
            quoted("referrer", referrer);
        }
        line.push(b'\n');
        line
    }
}

/// A line of the error log about the server itself.
pub fn notice(now: Now, level: Level, pid: u32, text: &str) -> String {
    let date = Date::of(now.seconds).nginx();
    format!("{date} [{}] {pid}#{pid}: {text}\n", level.name())
}

/// Writes bytes so that they cannot be taken for something else in a log.
pub fn escape(bytes: &[u8], out: &mut Vec<u8>) {
    for byte in bytes {
        match byte {
            b'"' | b'\\' | 0..=0x1f | 0x7f..=0xff => {
                out.extend(format!("\\x{byte:02X}").into_bytes());
            }
            plain => out.push(*plain),
        }
    }
}

/// The same for a string of JSON.
fn json(bytes: &[u8], out: &mut Vec<u8>) {
    for byte in bytes {
        match byte {
            b'"' | b'\\' => out.extend([b'\\', *byte]),
            b'\n' => out.extend(b"\\n"),
            b'\r' => out.extend(b"\\r"),
            b'\t' => out.extend(b"\\t"),
            8 => out.extend(b"\\b"),
            12 => out.extend(b"\\f"),
            0..=0x1f => out.extend(format!("\\u{byte:04X}").into_bytes()),
            plain => out.push(*plain),
        }
    }
}
