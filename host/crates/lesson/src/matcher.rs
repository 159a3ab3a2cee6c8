//! Does a value have this shape? Never changes a value and never looks anything up.
//!
//! A scalar is equality, a map is partial, a list is positional, operators begin with `$`.

use crate::lab::{Is, Matcher, Op};
use crate::template::{Captures, fill};
use regex::Regex;
use serde_json::Value;
use std::cmp::Ordering;
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The first place where value and shape differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mismatch {
    /// Where in the value: `spec.ports[0].port`; empty for the value itself.
    pub(crate) path: String,
    /// What the shape wants, in one line.
    pub(crate) expected: String,
    /// What is there; `None` is nothing.
    pub(crate) seen: Option<String>,
}

impl Matcher {
    /// Whether `seen` (`None` is "not there") has this shape.
    pub(crate) fn check(&self, seen: Option<&Value>, captures: &Captures) -> Result<(), Mismatch> {
        Walk {
            captures,
            path: String::new(),
        }
        .check(self, seen)
    }

    /// Whether a text or number has this shape.
    pub(crate) fn check_value(
        &self,
        seen: impl Into<Value>,
        captures: &Captures,
    ) -> Result<(), Mismatch> {
        self.check(Some(&seen.into()), captures)
    }

    /// The shape in one line, captured values filled in.
    pub(crate) fn told(&self, captures: &Captures) -> String {
        match self {
            Self::Equals(value) => told_scalar(value, captures),
            Self::Map(fields) => {
                let fields: Vec<String> = fields
                    .iter()
                    .map(|(key, shape)| format!("{key}: {}", shape.told(captures)))
                    .collect();
                format!("{{{}}}", fields.join(", "))
            }
            Self::List(items) => told_list(items, captures),
            Self::Ops(ops) => ops
                .iter()
                .map(|op| op.told(captures))
                .collect::<Vec<_>>()
                .join(", "),
        }
    }

    /// Every text in the shape that may hold `@(…)`.
    pub(crate) fn texts(&self, visit: &mut dyn FnMut(&str)) {
        match self {
            Self::Equals(Value::String(text)) => visit(text),
            Self::Equals(_) => {}
            Self::Map(fields) => fields.values().for_each(|shape| shape.texts(visit)),
            Self::List(items) => items.iter().for_each(|shape| shape.texts(visit)),
            Self::Ops(ops) => ops.iter().for_each(|op| op.texts(visit)),
        }
    }
}

impl Op {
    fn told(&self, captures: &Captures) -> String {
        let list = |name: &str, items: &[Matcher]| format!("{name} {}", told_list(items, captures));
        let one = |name: &str, shape: &Matcher| format!("{name} {}", shape.told(captures));
        let scalar = |value: &Value| told_scalar(value, captures);
        match self {
            Self::Contains(shape) => one("$contains", shape),
            Self::NotContains(shape) => one("$not_contains", shape),
            Self::Matches(regex) => format!("$matches {regex:?}"),
            Self::OneOf(items) => list("$one_of", items),
            Self::Gte(value) => format!("≥ {}", scalar(value)),
            Self::Lte(value) => format!("≤ {}", scalar(value)),
            Self::Between(low, high) => format!("{}…{}", scalar(low), scalar(high)),
            Self::Is(is) => format!("$is {}", is.name()),
            Self::InCidr(cidr) => format!("$in_cidr {cidr}"),
            Self::Count(shape) => one("$count", shape),
            Self::Each(shape) => one("$each", shape),
            Self::Any(shape) => one("$any", shape),
            Self::Set(items) => list("$set", items),
            Self::Absent => "$absent".to_owned(),
            Self::Not(shape) => one("$not", shape),
            Self::Cel(source) => format!("$cel {source:?}"),
        }
    }

    fn texts(&self, visit: &mut dyn FnMut(&str)) {
        match self {
            Self::Contains(shape)
            | Self::NotContains(shape)
            | Self::Count(shape)
            | Self::Each(shape)
            | Self::Any(shape)
            | Self::Not(shape) => shape.texts(visit),
            Self::OneOf(items) | Self::Set(items) => {
                items.iter().for_each(|shape| shape.texts(visit))
            }
            Self::Matches(text) | Self::InCidr(text) | Self::Cel(text) => visit(text),
            Self::Gte(value) | Self::Lte(value) => value.as_str().into_iter().for_each(visit),
            Self::Between(low, high) => [low, high]
                .into_iter()
                .filter_map(|v| v.as_str())
                .for_each(visit),
            Self::Is(_) | Self::Absent => {}
        }
    }
}

impl Is {
    /// Every type with its name.
    pub(crate) const ALL: [(&'static str, Self); 12] = [
        ("ip", Self::Ip),
        ("ipv4", Self::Ipv4),
        ("ipv6", Self::Ipv6),
        ("cidr", Self::Cidr),
        ("port", Self::Port),
        ("nodeport", Self::NodePort),
        ("hash", Self::Hash),
        ("int", Self::Int),
        ("duration", Self::Duration),
        ("base64", Self::Base64),
        ("pem-cert", Self::PemCert),
        ("pem-key", Self::PemKey),
    ];

    fn name(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(_, is)| *is == self)
            .map_or("", |(name, _)| name)
    }

    fn holds(self, text: &str) -> bool {
        let number =
            |low: i64, high: i64| text.parse::<i64>().is_ok_and(|n| (low..=high).contains(&n));
        let finds = |regex: &str| Regex::new(regex).is_ok_and(|regex| regex.is_match(text));
        match self {
            Self::Ip => text.parse::<IpAddr>().is_ok(),
            Self::Ipv4 => text.parse::<Ipv4Addr>().is_ok(),
            Self::Ipv6 => text.parse::<Ipv6Addr>().is_ok(),
            Self::Cidr => parse_cidr(text).is_some(),
            Self::Port => number(1, 65_535),
            Self::NodePort => number(30_000, 32_767),
            Self::Hash => finds("^[a-z0-9]{4,}$"),
            Self::Int => text.parse::<i64>().is_ok(),
            Self::Duration => finds(r"^(\d+(\.\d+)?(ns|us|µs|ms|s|m|h|d|y))+$"),
            Self::Base64 => text.len().is_multiple_of(4) && finds("^[A-Za-z0-9+/]+={0,2}$"),
            Self::PemCert => {
                finds("(?s)^-----BEGIN CERTIFICATE-----\n.*-----END CERTIFICATE-----\n?$")
            }
            Self::PemKey => finds(
                "(?s)^-----BEGIN [A-Z ]*PRIVATE KEY-----\n.*-----END [A-Z ]*PRIVATE KEY-----\n?$",
            ),
        }
    }
}

fn parse_cidr(text: &str) -> Option<(IpAddr, u32)> {
    let (addr, prefix) = text.split_once('/')?;
    let (addr, prefix) = (addr.parse::<IpAddr>().ok()?, prefix.parse::<u32>().ok()?);
    (prefix <= if addr.is_ipv4() { 32 } else { 128 }).then_some((addr, prefix))
}

fn in_cidr(text: &str, cidr: &str) -> bool {
    let same =
        |a: u128, b: u128, bits: u32, prefix: u32| prefix == 0 || (a ^ b) >> (bits - prefix) == 0;
    match (text.parse::<IpAddr>(), parse_cidr(cidr)) {
        (Ok(IpAddr::V4(a)), Some((IpAddr::V4(b), prefix))) => {
            same(a.to_bits().into(), b.to_bits().into(), 32, prefix)
        }
        (Ok(IpAddr::V6(a)), Some((IpAddr::V6(b), prefix))) => {
            same(a.to_bits(), b.to_bits(), 128, prefix)
        }
        _ => false,
    }
}

/// A value in one line, long texts shortened in the middle of nowhere but said so.
pub(crate) fn told_value(value: &Value) -> String {
    const LONG: usize = 400;
    let mut text = match value {
        Value::String(text) => format!("{text:?}"),
        other => other.to_string(),
    };
    if let Some((at, _)) = text.char_indices().nth(LONG) {
        text.truncate(at);
        text.push('…');
    }
    text
}

fn told_scalar(value: &Value, captures: &Captures) -> String {
    match value {
        Value::String(text) => format!(
            "{:?}",
            fill(text, captures).unwrap_or_else(|_| text.clone())
        ),
        other => other.to_string(),
    }
}

fn told_list(items: &[Matcher], captures: &Captures) -> String {
    format!(
        "[{}]",
        items
            .iter()
            .map(|item| item.told(captures))
            .collect::<Vec<_>>()
            .join(", ")
    )
}

/// A scalar as text, as a template would write it.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

struct Walk<'a> {
    captures: &'a Captures,
    path: String,
}

impl Walk<'_> {
    fn check(&mut self, shape: &Matcher, seen: Option<&Value>) -> Result<(), Mismatch> {
        match shape {
            Matcher::Equals(expected) => self.ensure(self.equals(expected, seen), shape, seen),
            Matcher::Map(fields) => {
                let Some(Value::Object(object)) = seen else {
                    return Err(self.mismatch(shape, seen));
                };
                fields.iter().try_for_each(|(key, shape)| {
                    let dot = if self.path.is_empty() { "" } else { "." };
                    self.below(&format!("{dot}{key}"), |walk| {
                        walk.check(shape, object.get(key))
                    })
                })
            }
            Matcher::List(items) => match seen {
                Some(Value::Array(list)) if list.len() == items.len() => items
                    .iter()
                    .zip(list)
                    .enumerate()
                    .try_for_each(|(i, (shape, value))| {
                        self.below(&format!("[{i}]"), |walk| walk.check(shape, Some(value)))
                    }),
                _ => Err(self.mismatch(shape, seen)),
            },
            Matcher::Ops(ops) => ops.iter().try_for_each(|op| {
                let held = self.op(op, seen);
                self.ensure(held, &Matcher::Ops(vec![op.clone()]), seen)
            }),
        }
    }

    fn below<T>(&mut self, step: &str, f: impl FnOnce(&mut Self) -> T) -> T {
        let length = self.path.len();
        let _ = write!(self.path, "{step}");
        let result = f(self);
        self.path.truncate(length);
        result
    }

    fn ensure(&self, held: bool, shape: &Matcher, seen: Option<&Value>) -> Result<(), Mismatch> {
        if held {
            Ok(())
        } else {
            Err(self.mismatch(shape, seen))
        }
    }

    fn mismatch(&self, shape: &Matcher, seen: Option<&Value>) -> Mismatch {
        Mismatch {
            path: self.path.clone(),
            expected: shape.told(self.captures),
            seen: seen.map(told_value),
        }
    }

    fn holds(&self, shape: &Matcher, seen: Option<&Value>) -> bool {
        Walk {
            captures: self.captures,
            path: String::new(),
        }
        .check(shape, seen)
        .is_ok()
    }

    fn equals(&self, expected: &Value, seen: Option<&Value>) -> bool {
        match (expected, seen) {
            (Value::Null, seen) => seen.is_none_or(Value::is_null),
            // A captured value is text whatever it came from, so `"@(port)"` equals the number.
            (Value::String(text), Some(seen)) if text.contains("@(") => {
                fill(text, self.captures).ok() == text_of(seen)
            }
            (Value::Number(a), Some(Value::Number(b))) => a == b || a.as_f64() == b.as_f64(),
            (expected, Some(seen)) => expected == seen,
            (_, None) => false,
        }
    }

    fn op(&self, op: &Op, seen: Option<&Value>) -> bool {
        let each = |seen: Option<&Value>| {
            seen.and_then(Value::as_array)
                .map_or(&[][..], Vec::as_slice)
                .to_vec()
        };
        match op {
            Op::Contains(shape) => self.contains(shape, seen),
            Op::NotContains(shape) => !self.contains(shape, seen),
            Op::Matches(regex) => {
                let regex = fill(regex, self.captures)
                    .ok()
                    .and_then(|regex| Regex::new(&regex).ok());
                regex
                    .zip(seen.and_then(text_of))
                    .is_some_and(|(regex, text)| regex.is_match(&text))
            }
            Op::OneOf(items) => items.iter().any(|shape| self.holds(shape, seen)),
            Op::Gte(bound) => self.compare(seen, bound).is_some_and(Ordering::is_ge),
            Op::Lte(bound) => self.compare(seen, bound).is_some_and(Ordering::is_le),
            Op::Between(low, high) => {
                self.compare(seen, low).is_some_and(Ordering::is_ge)
                    && self.compare(seen, high).is_some_and(Ordering::is_le)
            }
            Op::Is(is) => seen.and_then(text_of).is_some_and(|text| is.holds(&text)),
            Op::InCidr(cidr) => {
                let cidr = fill(cidr, self.captures).unwrap_or_default();
                seen.and_then(Value::as_str)
                    .is_some_and(|text| in_cidr(text, &cidr))
            }
            Op::Count(shape) => {
                let count = match seen {
                    None | Some(Value::Null) => 0,
                    Some(Value::Array(list)) => list.len(),
                    Some(Value::Object(map)) => map.len(),
                    Some(_) => return false,
                };
                self.holds(shape, Some(&count.into()))
            }
            Op::Each(shape) => {
                seen.is_some_and(Value::is_array)
                    && each(seen).iter().all(|item| self.holds(shape, Some(item)))
            }
            Op::Any(shape) => each(seen).iter().any(|item| self.holds(shape, Some(item))),
            Op::Set(items) => self.same_set(items, &each(seen)),
            Op::Absent => seen.is_none_or(Value::is_null),
            Op::Not(shape) => !self.holds(shape, seen),
            Op::Cel(source) => crate::expression::holds(source, self.captures, seen),
        }
    }

    fn contains(&self, shape: &Matcher, seen: Option<&Value>) -> bool {
        match (shape, seen) {
            (Matcher::Equals(part), Some(Value::String(text))) => {
                let part = text_of(part).and_then(|part| fill(&part, self.captures).ok());
                part.is_some_and(|part| text.contains(&part))
            }
            (shape, Some(Value::Array(list))) => {
                list.iter().any(|item| self.holds(shape, Some(item)))
            }
            _ => false,
        }
    }

    /// Sets are small (endpoints, names), so trying every order is not needed: shapes are taken
    /// greedily, the strictest first being the author's business.
    fn same_set(&self, shapes: &[Matcher], items: &[Value]) -> bool {
        let mut left: Vec<&Value> = items.iter().collect();
        shapes.iter().all(|shape| {
            let found = left.iter().position(|item| self.holds(shape, Some(item)));
            found.map(|i| left.remove(i)).is_some()
        }) && left.is_empty()
    }

    fn compare(&self, seen: Option<&Value>, bound: &Value) -> Option<Ordering> {
        let number = |value: &Value| match value {
            Value::String(text) => fill(text, self.captures).ok()?.parse().ok(),
            other => other.as_f64(),
        };
        number(seen?)?.partial_cmp(&number(bound)?)
    }
}

#[cfg(test)]
mod tests;
