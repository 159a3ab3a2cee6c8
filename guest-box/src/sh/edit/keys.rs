//! Keys from the bytes that a terminal sends.
//!
//! Never knows what a key does; an escape sequence that is not listed is a key that does nothing.

/// What was pressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sh) enum Key {
    Text(String),
    Enter,
    Tab,
    Left,
    Right,
    Up,
    Down,
    Home,
    End,
    WordLeft,
    WordRight,
    Backspace,
    /// Ctrl-D, which on an empty line means the end, or the key of that name.
    Delete(bool),
    KillEnd,
    KillStart,
    KillWord,
    KillWordLeft,
    KillWordRight,
    Yank,
    Clear,
    Search,
    Interrupt,
    /// Pasted text begins, or ends.
    Paste(bool),
    Nothing,
}

/// Collects bytes until they are a key.
#[derive(Debug, Default)]
pub(in crate::sh) struct Decoder {
    bytes: Vec<u8>,
}

impl Decoder {
    /// One more byte; the key when it is complete, and a second one when a character broke off.
    pub(in crate::sh) fn push(&mut self, byte: u8) -> Vec<Key> {
        let mut keys = Vec::new();
        let inside = self.bytes.first().is_some_and(|first| *first >= 0x80);
        if inside && byte & 0xc0 != 0x80 {
            self.bytes.clear();
            keys.push(Key::Text(char::REPLACEMENT_CHARACTER.to_string()));
        }
        self.bytes.push(byte);
        let key = match self.bytes[0] {
            0x1b => escape(&self.bytes[1..]),
            0..=0x1f | 0x7f => Some(control(byte)),
            first => text(first, &self.bytes),
        };
        if key.is_some() {
            self.bytes.clear();
        }
        keys.extend(key);
        keys
    }
}

fn control(byte: u8) -> Key {
    match byte {
        0x01 => Key::Home,
        0x02 => Key::Left,
        0x03 => Key::Interrupt,
        0x04 => Key::Delete(true),
        0x05 => Key::End,
        0x06 => Key::Right,
        0x08 | 0x7f => Key::Backspace,
        0x09 => Key::Tab,
        0x0a | 0x0d => Key::Enter,
        0x0b => Key::KillEnd,
        0x0c => Key::Clear,
        0x0e => Key::Down,
        0x10 => Key::Up,
        0x12 => Key::Search,
        0x15 => Key::KillStart,
        0x17 => Key::KillWord,
        0x19 => Key::Yank,
        _ => Key::Nothing,
    }
}

/// A character of UTF-8, once it is whole; what is none becomes the replacement character.
fn text(first: u8, bytes: &[u8]) -> Option<Key> {
    let length = match first {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => 1,
    };
    (bytes.len() >= length).then(|| Key::Text(String::from_utf8_lossy(bytes).into_owned()))
}

/// What follows an escape.
fn escape(rest: &[u8]) -> Option<Key> {
    let (first, last) = (*rest.first()?, *rest.last()?);
    match first {
        b'[' | b'O' => {
            if rest.len() < 2 {
                return None;
            }
            let complete = (0x40..=0x7e).contains(&last);
            if !complete {
                // Longer than any sequence there is: give it up.
                return (rest.len() > 12).then_some(Key::Nothing);
            }
            Some(sequence(&rest[1..]))
        }
        b'b' => Some(Key::WordLeft),
        b'f' => Some(Key::WordRight),
        b'd' => Some(Key::KillWordRight),
        0x7f | 0x08 => Some(Key::KillWordLeft),
        _ => Some(Key::Nothing),
    }
}

fn sequence(bytes: &[u8]) -> Key {
    match bytes {
        b"A" => Key::Up,
        b"B" => Key::Down,
        b"C" => Key::Right,
        b"D" => Key::Left,
        b"H" | b"1~" | b"7~" => Key::Home,
        b"F" | b"4~" | b"8~" => Key::End,
        b"3~" => Key::Delete(false),
        b"1;5C" | b"1;3C" | b"5C" => Key::WordRight,
        b"1;5D" | b"1;3D" | b"5D" => Key::WordLeft,
        b"3;5~" => Key::KillWordRight,
        b"200~" => Key::Paste(true),
        b"201~" => Key::Paste(false),
        _ => Key::Nothing,
    }
}
