//! Sets of characters, and their bytes in UTF-8. They never know a locale.

/// Characters as ranges.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct CharSet {
    ranges: Vec<(u32, u32)>,
}

/// The last character there is.
const LAST: u32 = 0x10_FFFF;
/// What counts as a letter beyond ASCII: everything but spaces, signs and punctuation.
const LETTERS: [(u32, u32); 4] = [
    (0xAA, 0x1FFF),
    (0x2C00, 0x2FEF),
    (0x3005, 0x3007),
    (0x3021, LAST),
];

impl CharSet {
    pub(super) fn one(c: char) -> Self {
        let code = u32::from(c);
        Self {
            ranges: vec![(code, code)],
        }
    }

    pub(super) fn add(&mut self, low: u32, high: u32) {
        self.ranges.push((low, high));
    }

    /// Adds a class by its name; false when there is none of that name.
    pub(super) fn add_class(&mut self, name: &str) -> bool {
        let ascii: &[(u8, u8)] = match name {
            "alpha" => &[(b'A', b'Z'), (b'a', b'z')],
            "digit" => &[(b'0', b'9')],
            "alnum" => &[(b'0', b'9'), (b'A', b'Z'), (b'a', b'z')],
            "upper" => &[(b'A', b'Z')],
            "lower" => &[(b'a', b'z')],
            "space" => &[(9, 13), (b' ', b' ')],
            "blank" => &[(9, 9), (b' ', b' ')],
            "punct" => &[(33, 47), (58, 64), (91, 96), (123, 126)],
            "print" => &[(32, 126)],
            "graph" => &[(33, 126)],
            "cntrl" => &[(0, 31), (127, 127)],
            "xdigit" => &[(b'0', b'9'), (b'A', b'F'), (b'a', b'f')],
            _ => return false,
        };
        for (low, high) in ascii {
            self.add(u32::from(*low), u32::from(*high));
        }
        match name {
            "alpha" | "alnum" => self.ranges.extend(LETTERS),
            "print" | "graph" => self.add(0xA1, LAST),
            _ => {}
        }
        true
    }

    /// `\w`: what words are made of.
    pub(super) fn word() -> Self {
        let mut set = Self::one('_');
        set.add_class("alnum");
        set
    }

    /// Everything that is not in it.
    pub(super) fn complement(mut self) -> Self {
        self.ranges.sort_unstable();
        let mut out = Self::default();
        let mut next = 0;
        for (low, high) in self.ranges {
            if low > next {
                out.add(next, low - 1);
            }
            next = next.max(high + 1);
        }
        if next <= LAST {
            out.add(next, LAST);
        }
        out
    }

    pub(super) fn without_newline(self) -> Self {
        let mut rest = self.complement();
        rest.add(10, 10);
        rest.complement()
    }

    /// Adds the other case of every letter.
    pub(super) fn fold(&mut self) {
        for index in 0..self.ranges.len() {
            let (low, high) = self.ranges[index];
            // Large ranges have both cases already.
            for c in (low..=high.min(low + 1000)).filter_map(char::from_u32) {
                let others = c.to_lowercase().chain(c.to_uppercase());
                for other in others.filter(|other| *other != c) {
                    self.add(u32::from(other), u32::from(other));
                }
            }
        }
    }

    /// The single bytes in it.
    pub(super) fn ascii(&self) -> [bool; 256] {
        let mut bytes = [false; 256];
        for (low, high) in &self.ranges {
            for code in *low..=(*high).min(127) {
                bytes[code as usize] = true;
            }
        }
        bytes
    }

    /// The characters of more than one byte, as sequences of ranges of bytes.
    pub(super) fn sequences(&self) -> Vec<Vec<(u8, u8)>> {
        let mut out = Vec::new();
        let mut ranges = self.ranges.clone();
        ranges.sort_unstable();
        let mut next = 0x80;
        for (low, high) in ranges {
            let (low, high) = (low.max(next), high.min(LAST));
            if low <= high {
                split(low, high, &mut out);
                next = high + 1;
            }
        }
        out
    }
}

/// Splits a range until its ends differ in whole trailing bytes.
fn split(low: u32, high: u32, out: &mut Vec<Vec<(u8, u8)>>) {
    for limit in [0x7FF, 0xFFFF] {
        if low <= limit && high > limit {
            split(low, limit, out);
            split(limit + 1, high, out);
            return;
        }
    }
    for bits in [6, 12, 18] {
        let mask = (1 << bits) - 1;
        if low & !mask != high & !mask {
            if low & mask != 0 {
                split(low, low | mask, out);
                split((low | mask) + 1, high, out);
                return;
            }
            if high & mask != mask {
                split(low, (high & !mask) - 1, out);
                split(high & !mask, high, out);
                return;
            }
        }
    }
    out.push(encode(low).into_iter().zip(encode(high)).collect());
}

fn encode(code: u32) -> Vec<u8> {
    let tail = |shift: u32| 0x80 | (code >> shift & 0x3F).to_le_bytes()[0];
    let head = |shift: u32, mark: u8| mark | (code >> shift).to_le_bytes()[0];
    match code {
        0..=0x7F => vec![head(0, 0)],
        0x80..=0x7FF => vec![head(6, 0xC0), tail(0)],
        0x800..=0xFFFF => vec![head(12, 0xE0), tail(6), tail(0)],
        _ => vec![head(18, 0xF0), tail(12), tail(6), tail(0)],
    }
}
