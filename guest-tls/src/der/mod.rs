//! DER, read and written.
//!
//! Never recurses and never trusts a length: reading ends with `None`, not with a panic.

mod object;
mod read;
mod time;
mod write;

pub use object::{Object, id};
pub use read::{Element, Reader};
pub use time::{Civil, civil, parse_time, unix};
pub use write::{
    bit_string, boolean, context, explicit, integer, null, octet_string, oid, sequence, set,
    tagged, time,
};

/// The tags that certificates and keys use.
pub mod tag {
    #![allow(missing_docs, reason = "the names are ASN.1's")]
    pub const BOOLEAN: u8 = 0x01;
    pub const INTEGER: u8 = 0x02;
    pub const BIT_STRING: u8 = 0x03;
    pub const OCTET_STRING: u8 = 0x04;
    pub const NULL: u8 = 0x05;
    pub const OBJECT: u8 = 0x06;
    pub const UTF8_STRING: u8 = 0x0c;
    pub const PRINTABLE_STRING: u8 = 0x13;
    pub const T61_STRING: u8 = 0x14;
    pub const IA5_STRING: u8 = 0x16;
    pub const UTC_TIME: u8 = 0x17;
    pub const GENERALIZED_TIME: u8 = 0x18;
    pub const BMP_STRING: u8 = 0x1e;
    pub const SEQUENCE: u8 = 0x30;
    pub const SET: u8 = 0x31;
}
