//! What a lesson, or somebody at a terminal, can break: one table, from which reading, help and
//! docs come. Never breaks anything: the shell does.

use crate::parse::duration;
use clock::Duration;
use serde::{Serialize, Serializer};
use std::fmt;

/// What can be broken: a row of [`FAULTS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FaultKind {
    /// A node loses power.
    NodeDown,
    /// A Pod's main processes are killed.
    PodKill,
    /// A node is cut off from its LAN.
    Partition,
    /// Cluster DNS is scaled away.
    DnsDown,
    /// An image cannot be pulled any more.
    ImageMissing,
    /// A link is unplugged.
    LinkDown,
    /// A link delays packets.
    LinkDelay,
    /// A link delays each packet differently.
    LinkJitter,
    /// A link loses packets.
    LinkLoss,
    /// A link delivers packets twice.
    LinkDuplicate,
    /// A link lets packets overtake others.
    LinkReorder,
    /// A link carries so many bits a second.
    LinkRate,
    /// A link flips bits.
    PacketCorrupt,
}

/// What is known about a kind of fault.
#[derive(Clone, Copy, Debug)]
pub struct FaultRow {
    /// Which.
    pub kind: FaultKind,
    /// Its name in lessons and on the command line.
    pub name: &'static str,
    /// Whom it is about.
    pub target: FaultTarget,
    /// How its amount is written.
    pub measure: Measure,
    /// What it does, in a few words.
    pub about: &'static str,
}

/// Whom a fault is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultTarget {
    /// A node by name.
    Node,
    /// A Pod: `NAME` or `NAMESPACE/NAME`.
    Pod,
    /// A machine's cable: `node-a`, `workstation`, `pod/NAME`, `pod/NAMESPACE/NAME`.
    Link,
    /// An image.
    Image,
    /// Cluster DNS, however it is called.
    Dns,
}

/// How an amount is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// There is none.
    Nothing,
    /// Of a hundred packets: `10`, `2.5%`.
    Percent,
    /// `50ms`, `2s`.
    Duration,
    /// Bits a second: `1000000`, `10M`, `512k`, `1G`.
    Rate,
}

/// How much.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Amount {
    /// Of a hundred.
    Percent(f64),
    /// So long.
    Duration(Duration),
    /// Bits a second.
    Rate(u64),
}

/// Which way a link is bad, seen from the machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FaultWay {
    /// Both ways.
    #[default]
    Both,
    /// Out of the machine.
    Out,
    /// Into it.
    In,
}

/// The names of the ways.
pub const WAYS: &[(&str, FaultWay)] = &[
    ("both", FaultWay::Both),
    ("out", FaultWay::Out),
    ("in", FaultWay::In),
];

const fn row(
    kind: FaultKind,
    name: &'static str,
    target: FaultTarget,
    measure: Measure,
    about: &'static str,
) -> FaultRow {
    FaultRow {
        kind,
        name,
        target,
        measure,
        about,
    }
}

/// Every kind of fault.
pub const FAULTS: &[FaultRow] = {
    use FaultKind as K;
    use FaultTarget as T;
    use Measure as M;
    &[
        row(
            K::NodeDown,
            "node-down",
            T::Node,
            M::Nothing,
            "a node loses power",
        ),
        row(
            K::PodKill,
            "pod-kill",
            T::Pod,
            M::Nothing,
            "a Pod's main processes are killed, once",
        ),
        row(
            K::Partition,
            "partition",
            T::Node,
            M::Nothing,
            "a node is cut off from its LAN",
        ),
        row(
            K::DnsDown,
            "dns-down",
            T::Dns,
            M::Nothing,
            "cluster DNS is scaled to nothing",
        ),
        row(
            K::ImageMissing,
            "image-missing",
            T::Image,
            M::Nothing,
            "an image is gone from the registry",
        ),
        row(
            K::LinkDown,
            "link-down",
            T::Link,
            M::Nothing,
            "a cable is unplugged",
        ),
        row(
            K::LinkDelay,
            "link-delay",
            T::Link,
            M::Duration,
            "packets take that much longer",
        ),
        row(
            K::LinkJitter,
            "link-jitter",
            T::Link,
            M::Duration,
            "packets take up to that much longer",
        ),
        row(
            K::LinkLoss,
            "link-loss",
            T::Link,
            M::Percent,
            "packets are lost",
        ),
        row(
            K::LinkDuplicate,
            "link-duplicate",
            T::Link,
            M::Percent,
            "packets arrive twice",
        ),
        row(
            K::LinkReorder,
            "link-reorder",
            T::Link,
            M::Percent,
            "packets overtake others",
        ),
        row(
            K::LinkRate,
            "link-rate",
            T::Link,
            M::Rate,
            "the cable carries no more bits a second",
        ),
        row(
            K::PacketCorrupt,
            "packet-corrupt",
            T::Link,
            M::Percent,
            "packets arrive with a flipped bit",
        ),
    ]
};

impl FaultKind {
    /// What is known about it.
    ///
    /// # Panics
    /// Never: every kind has its row.
    #[must_use]
    pub fn row(self) -> &'static FaultRow {
        FAULTS
            .iter()
            .find(|row| row.kind == self)
            .expect("every kind has its row")
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.row().name)
    }
}

impl Serialize for FaultKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.row().name)
    }
}

impl Measure {
    /// Reads an amount.
    ///
    /// # Errors
    /// How it is written, when it is not written so.
    pub fn read(self, text: Option<&str>) -> Result<Option<Amount>, &'static str> {
        let wanted = match self {
            Self::Nothing => {
                return match text {
                    None => Ok(None),
                    Some(_) => Err("nothing"),
                };
            }
            Self::Percent => "a percentage: 10, 2.5%",
            Self::Duration => "a number and a unit: 50ms, 2s",
            Self::Rate => "bits a second: 512k, 10M, 1G",
        };
        let text = text.ok_or(wanted)?;
        let amount = match self {
            Self::Percent => percent(text).map(Amount::Percent),
            Self::Duration => duration(text).map(Amount::Duration),
            Self::Rate | Self::Nothing => rate(text).map(Amount::Rate),
        };
        amount.ok_or(wanted).map(Some)
    }
}

fn percent(text: &str) -> Option<f64> {
    let number: f64 = text.strip_suffix('%').unwrap_or(text).parse().ok()?;
    (0.0..=100.0).contains(&number).then_some(number)
}

fn rate(text: &str) -> Option<u64> {
    let unit_at = text.find(|c: char| !c.is_ascii_digit());
    let (number, unit) = text.split_at(unit_at.unwrap_or(text.len()));
    let factor = match unit {
        "" => 1,
        "k" | "K" => 1_000,
        "M" => 1_000_000,
        "G" => 1_000_000_000,
        _ => return None,
    };
    let bits = number.parse::<u64>().ok()?.checked_mul(factor)?;
    (bits > 0).then_some(bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_by_their_measure() {
        let read = |measure: Measure, text| measure.read(Some(text));
        assert_eq!(
            read(Measure::Percent, "2.5%"),
            Ok(Some(Amount::Percent(2.5)))
        );
        assert_eq!(
            read(Measure::Percent, "10"),
            Ok(Some(Amount::Percent(10.0)))
        );
        assert_eq!(
            read(Measure::Rate, "10M"),
            Ok(Some(Amount::Rate(10_000_000)))
        );
        let wait = Duration::from_millis(50);
        assert_eq!(
            read(Measure::Duration, "50ms"),
            Ok(Some(Amount::Duration(wait)))
        );
        for (measure, text) in [
            (Measure::Percent, "110"),
            (Measure::Percent, "NaN"),
            (Measure::Rate, "0"),
            (Measure::Rate, "fast"),
            (Measure::Rate, "99999999999999G"),
            (Measure::Duration, "50"),
            (Measure::Nothing, "1"),
        ] {
            assert!(read(measure, text).is_err(), "{text}");
        }
        assert!(Measure::Rate.read(None).is_err());
        assert_eq!(Measure::Nothing.read(None), Ok(None));
    }

    #[test]
    fn every_kind_has_one_row_and_one_name() {
        for (i, row) in FAULTS.iter().enumerate() {
            assert!(
                FAULTS[..i]
                    .iter()
                    .all(|other| other.kind != row.kind && other.name != row.name)
            );
            assert_eq!(row.kind.to_string(), row.name);
        }
    }
}
