//! The shape of a value. Never compares it: that is `matcher.rs`.

use serde_json::Value;
use std::collections::BTreeMap;

/// A value's shape.
#[derive(Clone, Debug, PartialEq)]
pub enum Matcher {
    /// Equal to this scalar.
    Equals(Value),
    /// An object with at least these fields.
    Map(BTreeMap<String, Self>),
    /// A list with exactly these items.
    List(Vec<Self>),
    /// Every one of these operators.
    Ops(Vec<Op>),
}

/// An operator of a [`Matcher`].
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// A text with this part, or a list with such an item.
    Contains(Box<Matcher>),
    /// The opposite.
    NotContains(Box<Matcher>),
    /// A text that the regular expression finds.
    Matches(String),
    /// One of these.
    OneOf(Vec<Matcher>),
    /// At least.
    Gte(Value),
    /// At most.
    Lte(Value),
    /// Both.
    Between(Value, Value),
    /// Of this type.
    Is(Is),
    /// An address in this range.
    InCidr(String),
    /// Has this many items.
    Count(Box<Matcher>),
    /// Every item.
    Each(Box<Matcher>),
    /// Some item.
    Any(Box<Matcher>),
    /// These items in any order.
    Set(Vec<Matcher>),
    /// Not there.
    Absent,
    /// Not this.
    Not(Box<Matcher>),
    /// True in CEL, the value being `self`.
    Cel(String),
}

/// The type of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Is {
    /// An address.
    Ip,
    /// An IPv4 address.
    Ipv4,
    /// An IPv6 address.
    Ipv6,
    /// A range of addresses.
    Cidr,
    /// A port number.
    Port,
    /// A port of the default NodePort range.
    NodePort,
    /// A generated suffix.
    Hash,
    /// An integer.
    Int,
    /// A duration as kubectl prints ages.
    Duration,
    /// Base64.
    Base64,
    /// A certificate in PEM.
    PemCert,
    /// A private key in PEM.
    PemKey,
}
