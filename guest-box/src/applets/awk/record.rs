//! Cutting input into records and records into fields.

use std::io::Read;
use std::rc::Rc;

use super::value::Value;
use crate::applets::regex::Regex;

/// What ends a record.
#[derive(Clone, Debug)]
pub(super) enum Separator {
    Byte(u8),
    /// Empty lines.
    Paragraph,
    Regex(Rc<Regex>),
}

/// An input that is read record by record.
pub(super) struct Reader {
    input: Box<dyn Read>,
    buffer: Vec<u8>,
    start: usize,
    ended: bool,
}

impl Reader {
    pub(super) fn new(input: Box<dyn Read>) -> Self {
        Self {
            input,
            buffer: Vec::new(),
            start: 0,
            ended: false,
        }
    }

    /// The next record; nothing at the end. `waits` is called before anything can block.
    pub(super) fn record(
        &mut self,
        separator: &Separator,
        waits: &mut dyn FnMut(),
    ) -> std::io::Result<Option<String>> {
        let mut searched = 0;
        loop {
            if matches!(separator, Separator::Paragraph) && searched == 0 {
                while self.buffer.get(self.start) == Some(&b'\n') {
                    self.start += 1;
                }
            }
            let rest = &self.buffer[self.start..];
            let found = match separator {
                Separator::Byte(byte) => rest[searched..]
                    .iter()
                    .position(|known| known == byte)
                    .map(|at| (searched + at, searched + at + 1)),
                Separator::Paragraph => paragraph_end(rest, self.ended),
                // A match at the end of what is there may grow.
                Separator::Regex(regex) => regex
                    .find_at(rest, 0)
                    .filter(|(start, end)| end > start && (*end < rest.len() || self.ended)),
            };
            if let Some((end, next)) = found {
                let text = String::from_utf8_lossy(&rest[..end]).into_owned();
                self.start += next;
                return Ok(Some(text));
            }
            if self.ended {
                if rest.is_empty() {
                    return Ok(None);
                }
                let rest = match separator {
                    Separator::Paragraph | Separator::Regex(_) => {
                        rest.strip_suffix(b"\n").unwrap_or(rest)
                    }
                    Separator::Byte(_) => rest,
                };
                let text = String::from_utf8_lossy(rest).into_owned();
                self.start = self.buffer.len();
                return Ok(Some(text));
            }
            if let Separator::Byte(_) = separator {
                searched = rest.len();
            }
            self.buffer.drain(..self.start);
            self.start = 0;
            waits();
            let length = self.buffer.len();
            self.buffer.resize(length + 32 * 1024, 0);
            let read = self.input.read(&mut self.buffer[length..])?;
            self.buffer.truncate(length + read);
            self.ended = read == 0;
        }
    }
}

/// Where a paragraph ends and the next begins.
fn paragraph_end(text: &[u8], ended: bool) -> Option<(usize, usize)> {
    let end = text.windows(2).position(|pair| pair == b"\n\n")?;
    let next = end
        + text[end..]
            .iter()
            .take_while(|byte| **byte == b'\n')
            .count();
    (next < text.len() || ended).then_some((end, next))
}

/// How fields are separated.
pub(super) enum Fields {
    Blanks,
    Characters,
    Char(char),
    Regex(Rc<Regex>),
}

/// The parts of a text.
pub(super) fn split<'t>(text: &'t str, by: &Fields, lines: bool) -> Vec<&'t str> {
    match by {
        Fields::Blanks => text
            .split([' ', '\t', '\n'])
            .filter(|part| !part.is_empty())
            .collect(),
        _ if text.is_empty() => Vec::new(),
        Fields::Characters => text.split("").filter(|part| !part.is_empty()).collect(),
        Fields::Char(c) => text
            .split(|known| known == *c || lines && known == '\n')
            .collect(),
        Fields::Regex(regex) => {
            let mut parts = Vec::new();
            let (mut at, mut from) = (0, 0);
            while let Some((start, end)) = regex.find_at(text.as_bytes(), from) {
                if start == end {
                    from = end + 1;
                    if from > text.len() {
                        break;
                    }
                    continue;
                }
                parts.push(text.get(at..start).unwrap_or_default());
                (at, from) = (end, end);
            }
            parts.push(text.get(at..).unwrap_or_default());
            if lines {
                parts = parts.iter().flat_map(|part| part.split('\n')).collect();
            }
            parts
        }
    }
}

/// The same as values.
pub(super) fn fields(text: &str, by: &Fields, lines: bool) -> Vec<Value> {
    split(text, by, lines)
        .into_iter()
        .map(Value::input)
        .collect()
}
