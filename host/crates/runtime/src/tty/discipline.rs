//! The line discipline: a key in, what it causes out. Pure.

use crate::process::signal;

/// How long a line may be while it is edited, as on Linux.
const LINE_MAX: usize = 4095;

/// What one key causes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Effect {
    /// Shown on the screen.
    pub(super) echo: Vec<u8>,
    /// Given to the program: a finished line, or the key itself in raw mode.
    pub(super) input: Option<Vec<u8>>,
    /// The program reads the end of its input, once.
    pub(super) end: bool,
    /// Sent to the programs on the terminal; unread input is thrown away.
    pub(super) signal: Option<u8>,
}

/// The line discipline: what is typed becomes lines, echo and signals.
#[derive(Debug, Default)]
pub(super) struct Discipline {
    pub(super) raw: bool,
    pub(super) line: Vec<u8>,
}

impl Discipline {
    pub(super) fn key(&mut self, key: u8) -> Effect {
        if self.raw {
            return Effect {
                input: Some(vec![key]),
                ..Effect::default()
            };
        }
        match key {
            b'\r' | b'\n' => {
                self.line.push(b'\n');
                let line = std::mem::take(&mut self.line);
                Effect {
                    echo: b"\r\n".to_vec(),
                    input: Some(line),
                    ..Effect::default()
                }
            }
            0x03 => self.interrupt(b"^C", Some(signal::INT)),
            0x1c => self.interrupt(b"^\\", Some(signal::QUIT)),
            0x1a => Effect {
                echo: b"^Z".to_vec(),
                ..Effect::default()
            },
            0x04 if self.line.is_empty() => Effect {
                end: true,
                ..Effect::default()
            },
            0x04 => Effect {
                input: Some(std::mem::take(&mut self.line)),
                ..Effect::default()
            },
            0x7f | 0x08 => self.erase(1),
            0x15 => self.erase(usize::MAX),
            0x17 => self.erase(self.word()),
            _ => self.insert(key),
        }
    }

    fn interrupt(&mut self, shown: &[u8], signal: Option<u8>) -> Effect {
        self.line.clear();
        Effect {
            echo: shown.to_vec(),
            signal,
            ..Effect::default()
        }
    }

    fn insert(&mut self, key: u8) -> Effect {
        if self.line.len() >= LINE_MAX {
            return Effect {
                echo: vec![0x07],
                ..Effect::default()
            };
        }
        self.line.push(key);
        let echo = if key < 0x20 && key != b'\t' {
            vec![b'^', key + 0x40]
        } else {
            vec![key]
        };
        Effect {
            echo,
            ..Effect::default()
        }
    }

    /// Removes up to `count` characters from the end of the line.
    fn erase(&mut self, count: usize) -> Effect {
        let mut echo = Vec::new();
        for _ in 0..count {
            let Some(removed) = self.pop_character() else {
                break;
            };
            let shown_as_two = removed.len() == 1 && removed[0] < 0x20 && removed[0] != b'\t';
            for _ in 0..if shown_as_two { 2 } else { 1 } {
                echo.extend(b"\x08 \x08");
            }
        }
        Effect {
            echo,
            ..Effect::default()
        }
    }

    /// One character may be several bytes of UTF-8.
    fn pop_character(&mut self) -> Option<Vec<u8>> {
        let start = self.line.iter().rposition(|byte| byte & 0xc0 != 0x80)?;
        Some(self.line.split_off(start))
    }

    /// How many characters the last word and the blanks after it have.
    fn word(&self) -> usize {
        let is_start = |byte: &&u8| **byte & 0xc0 != 0x80;
        let mut backwards = self.line.iter().rev().filter(is_start).peekable();
        let mut count = 0;
        while backwards.next_if(|byte| **byte == b' ').is_some() {
            count += 1;
        }
        count + backwards.take_while(|byte| **byte != b' ').count()
    }
}
