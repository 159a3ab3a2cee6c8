//! Writing: each function returns a whole element.
//!
//! Never reorders: a set is written in the order it comes in.

use super::{Object, civil, tag};

/// An element of any tag.
#[must_use]
pub fn tagged(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut element = vec![tag];
    let length = body.len();
    if let Ok(short @ 0..0x80) = u8::try_from(length) {
        element.push(short);
    } else {
        let digits = length.to_be_bytes();
        let digits: Vec<u8> = digits.into_iter().skip_while(|digit| *digit == 0).collect();
        element.push(0x80 | u8::try_from(digits.len()).unwrap_or(8));
        element.extend(digits);
    }
    element.extend_from_slice(body);
    element
}

/// A sequence of elements.
#[must_use]
pub fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    tagged(tag::SEQUENCE, &parts.concat())
}

/// A set of elements, which the caller has ordered.
#[must_use]
pub fn set(parts: &[Vec<u8>]) -> Vec<u8> {
    tagged(tag::SET, &parts.concat())
}

/// An integer of this magnitude.
#[must_use]
pub fn integer(magnitude: &[u8]) -> Vec<u8> {
    let first = magnitude.iter().position(|byte| *byte != 0);
    let digits = first.map_or(&[][..], |first| &magnitude[first..]);
    let mut body = Vec::with_capacity(digits.len() + 1);
    if digits.first().is_none_or(|digit| digit & 0x80 != 0) {
        body.push(0);
    }
    body.extend_from_slice(digits);
    tagged(tag::INTEGER, &body)
}

/// A bit string of whole bytes.
#[must_use]
pub fn bit_string(bytes: &[u8]) -> Vec<u8> {
    tagged(tag::BIT_STRING, &[&[0], bytes].concat())
}

/// An octet string.
#[must_use]
pub fn octet_string(bytes: &[u8]) -> Vec<u8> {
    tagged(tag::OCTET_STRING, bytes)
}

/// A truth value.
#[must_use]
pub fn boolean(value: bool) -> Vec<u8> {
    tagged(tag::BOOLEAN, &[if value { 0xff } else { 0 }])
}

/// Nothing.
#[must_use]
pub fn null() -> Vec<u8> {
    tagged(tag::NULL, &[])
}

/// An object identifier by its numbers or name; empty contents when it is none.
#[must_use]
pub fn oid(name: &str) -> Vec<u8> {
    let body = Object::named(name).and_then(|object| object.to_body());
    tagged(tag::OBJECT, &body.unwrap_or_default())
}

/// `[n]` around primitive contents, implicitly.
#[must_use]
pub fn context(number: u8, body: &[u8]) -> Vec<u8> {
    tagged(0x80 | number, body)
}

/// `[n]` around a whole element, explicitly.
#[must_use]
pub fn explicit(number: u8, element: &[u8]) -> Vec<u8> {
    tagged(0xa0 | number, element)
}

/// A time: UTCTime until 2049, GeneralizedTime from 2050, as RFC 5280 has it.
#[must_use]
pub fn time(unix: i64) -> Vec<u8> {
    let moment = civil(unix);
    let rest = format!(
        "{:02}{:02}{:02}{:02}{:02}Z",
        moment.month, moment.day, moment.hour, moment.minute, moment.second
    );
    if (1950..2050).contains(&moment.year) {
        let text = format!("{:02}{rest}", moment.year % 100);
        tagged(tag::UTC_TIME, text.as_bytes())
    } else {
        let text = format!("{:04}{rest}", moment.year);
        tagged(tag::GENERALIZED_TIME, text.as_bytes())
    }
}
