//! Reading: one element after the other out of a slice.
//!
//! Never accepts an indefinite length or a tag number above thirty.

use super::{Object, tag};

/// One element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element<'a> {
    /// Its tag.
    pub tag: u8,
    /// Its contents.
    pub body: &'a [u8],
    /// Tag, length and contents.
    pub raw: &'a [u8],
}

impl<'a> Element<'a> {
    /// A reader of what it holds.
    #[must_use]
    pub fn inner(&self) -> Reader<'a> {
        Reader::new(self.body)
    }

    /// The bytes of a bit string without unused bits.
    #[must_use]
    pub fn bits(&self) -> Option<&'a [u8]> {
        match self.body {
            [0, bytes @ ..] if self.tag == tag::BIT_STRING => Some(bytes),
            _ => None,
        }
    }

    /// The magnitude of an integer that is not negative, without its leading zero.
    #[must_use]
    pub fn magnitude(&self) -> Option<&'a [u8]> {
        match self.body {
            _ if self.tag != tag::INTEGER => None,
            [0] => Some(&[]),
            [0, rest @ ..] => Some(rest),
            [first, ..] if first & 0x80 == 0 => Some(self.body),
            _ => None,
        }
    }
}

/// What is left to read.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Starts at the beginning.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Whether nothing is left.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.rest.is_empty()
    }

    /// The tag that comes next.
    #[must_use]
    pub fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// The next element, whatever it is.
    pub fn any(&mut self) -> Option<Element<'a>> {
        let (&tag, rest) = self.rest.split_first()?;
        if tag & 0x1f == 0x1f {
            return None;
        }
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = if first < 0x80 {
            (usize::from(first), rest)
        } else {
            let count = usize::from(first & 0x7f);
            if count == 0 || count > 4 {
                return None;
            }
            let (digits, rest) = rest.split_at_checked(count)?;
            let length = digits
                .iter()
                .fold(0_usize, |length, digit| length << 8 | usize::from(*digit));
            (length, rest)
        };
        let (body, rest) = rest.split_at_checked(length)?;
        let raw = &self.rest[..self.rest.len() - rest.len()];
        self.rest = rest;
        Some(Element { tag, body, raw })
    }

    /// The next element when it has this tag.
    pub fn expect(&mut self, tag: u8) -> Option<Element<'a>> {
        self.optional(tag)
    }

    /// The next element when it has this tag; nothing is read otherwise.
    pub fn optional(&mut self, tag: u8) -> Option<Element<'a>> {
        if self.peek()? != tag {
            return None;
        }
        self.any()
    }

    /// A reader of the next element, a sequence.
    pub fn sequence(&mut self) -> Option<Self> {
        Some(self.expect(tag::SEQUENCE)?.inner())
    }

    /// The next element, an object identifier.
    pub fn object(&mut self) -> Option<Object> {
        Object::from_body(self.expect(tag::OBJECT)?.body)
    }

    /// The next element, a small integer that is not negative.
    pub fn small(&mut self) -> Option<u64> {
        let bytes = self.expect(tag::INTEGER)?.magnitude()?;
        (bytes.len() <= 8).then(|| {
            bytes
                .iter()
                .fold(0, |value, byte| value << 8 | u64::from(*byte))
        })
    }
}
