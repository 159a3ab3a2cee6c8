//! What the terminal programs share: keys, widths of characters, and whether there is a terminal.
//! Never keeps what is on the screen.

use std::io::Read;

use guest_kit::{process::Input, terminal};

/// How many columns a character takes.
pub(super) fn width(c: char) -> usize {
    match u32::from(c) {
        0x300..=0x36F | 0x200B..=0x200F | 0xFE00..=0xFE0F | 0x20D0..=0x20FF | 0x3099..=0x309A => 0,
        0x1100..=0x115F
        | 0x2E80..=0x303E
        | 0x3041..=0xA4CF
        | 0xAC00..=0xD7A3
        | 0xF900..=0xFAFF
        | 0xFE30..=0xFE6F
        | 0xFF00..=0xFF60
        | 0xFFE0..=0xFFE6
        | 0x1F300..=0x1F64F
        | 0x1F900..=0x1F9FF
        | 0x20000..=0x3FFFD => 2,
        _ => 1,
    }
}

/// A key, as far as it is told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Char(char),
    /// A control character by its letter.
    Control(char),
    Enter,
    Escape,
    Backspace,
    Delete,
    Up,
    Down,
    Left,
    Right,
    Home,
    End,
    PageUp,
    PageDown,
    Tab,
    /// The terminal is gone.
    Gone,
}

/// Keys from a raw terminal. Raw mode ends when this is dropped.
#[derive(Debug)]
pub(super) struct Keys {
    input: Input,
    waiting: Vec<u8>,
}

impl Keys {
    /// Nothing when there is no terminal.
    pub(super) fn new() -> Option<Self> {
        terminal::set_raw(true).then(|| Self {
            input: Input::stdin(),
            waiting: Vec::new(),
        })
    }

    fn byte(&mut self, patience: Option<std::time::Duration>) -> Option<u8> {
        if self.waiting.is_empty() {
            if patience.is_some() && guest_kit::poll(&[&self.input], patience).is_empty() {
                return None;
            }
            let mut buffer = [0; 256];
            let length = self.input.read(&mut buffer).unwrap_or(0);
            self.waiting.extend_from_slice(&buffer[..length]);
            self.waiting.reverse();
        }
        self.waiting.pop()
    }

    /// The next key, or nothing after this time.
    pub(super) fn next_within(&mut self, patience: std::time::Duration) -> Option<Key> {
        if self.waiting.is_empty() && guest_kit::poll(&[&self.input], Some(patience)).is_empty() {
            return None;
        }
        Some(self.key())
    }

    pub(super) fn key(&mut self) -> Key {
        let Some(byte) = self.byte(None) else {
            return Key::Gone;
        };
        match byte {
            b'\r' | b'\n' => Key::Enter,
            b'\t' => Key::Tab,
            8 | 127 => Key::Backspace,
            27 => self.escape(),
            1..=26 => Key::Control(char::from(byte + 96)),
            32..=126 => Key::Char(char::from(byte)),
            byte if byte >= 0xC0 => self.wide(byte),
            _ => Key::Escape,
        }
    }

    fn wide(&mut self, first: u8) -> Key {
        let more = match first {
            0xC0..=0xDF => 1,
            0xE0..=0xEF => 2,
            _ => 3,
        };
        let mut bytes = vec![first];
        for _ in 0..more {
            bytes.extend(self.byte(None));
        }
        String::from_utf8_lossy(&bytes)
            .chars()
            .next()
            .map_or(Key::Escape, Key::Char)
    }

    fn escape(&mut self) -> Key {
        // A lone escape is not followed by anything soon.
        let soon = Some(std::time::Duration::from_millis(50));
        let Some(byte @ (b'[' | b'O')) = self.byte(soon) else {
            return Key::Escape;
        };
        let mut number = 0_u32;
        let _ = byte;
        loop {
            return match self.byte(soon) {
                Some(digit @ b'0'..=b'9') => {
                    number = (number * 10 + u32::from(digit - b'0')).min(1000);
                    continue;
                }
                Some(b';') => continue,
                Some(b'A') => Key::Up,
                Some(b'B') => Key::Down,
                Some(b'C') => Key::Right,
                Some(b'D') => Key::Left,
                Some(b'H') => Key::Home,
                Some(b'F') => Key::End,
                Some(b'~') => match number {
                    1 | 7 => Key::Home,
                    3 => Key::Delete,
                    4 | 8 => Key::End,
                    5 => Key::PageUp,
                    6 => Key::PageDown,
                    _ => Key::Escape,
                },
                _ => Key::Escape,
            };
        }
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        terminal::set_raw(false);
    }
}

/// The part of a text that fits into so many columns, tabs spread out.
pub(super) fn fit(text: &str, columns: usize) -> String {
    let (mut out, mut column) = (String::new(), 0);
    for c in text.chars() {
        let (shown, wide) = match c {
            '\t' => (" ".repeat(8 - column % 8), 8 - column % 8),
            c if u32::from(c) < 32 => (format!("^{}", char::from(c as u8 + 64)), 2),
            c => (c.to_string(), width(c)),
        };
        if column + wide > columns {
            break;
        }
        out.push_str(&shown);
        column += wide;
    }
    out
}
