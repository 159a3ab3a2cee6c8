//! Faults as they are named in lessons and on the command line, as the world knows them. Never
//! breaks anything itself, and never decides for how long.

use super::driver::Shell;
use clock::Duration;
use lesson::{Amount, FAULTS, FaultKind, FaultTarget, FaultWay, Measure, WAYS};
use world::{Fault, Machine, Toll, Way};

/// A fault as somebody asked for it.
#[derive(Clone, Debug)]
pub(crate) struct FaultOrder {
    pub(crate) kind: FaultKind,
    pub(crate) target: String,
    pub(crate) amount: Option<Amount>,
    pub(crate) way: FaultWay,
    pub(crate) lasting: Option<Duration>,
}

impl Shell {
    /// Breaks something until [`Shell::mend`] or until its time is over.
    ///
    /// # Errors
    /// What there is not.
    pub(crate) fn break_down(&self, name: &str, order: FaultOrder) -> Result<(), String> {
        let lasting = order.lasting;
        let fault = order.fault()?;
        self.change(|world, now| world.break_down(now, name, fault, lasting))
    }

    /// Mends what the fault of this name broke.
    ///
    /// # Errors
    /// When no fault of this name lasts.
    pub(crate) fn mend(&self, name: &str) -> Result<(), String> {
        self.change(|world, now| world.mend(now, name))
    }
}

impl FaultOrder {
    /// Reads an order that came as words.
    ///
    /// # Errors
    /// Which word is wrong, and what could stand there.
    pub(crate) fn read(
        kind: &str,
        target: &str,
        value: Option<&str>,
        way: Option<&str>,
        lasting: Option<&str>,
    ) -> Result<Self, String> {
        let names = || {
            FAULTS
                .iter()
                .map(|row| row.name)
                .collect::<Vec<_>>()
                .join(", ")
        };
        let row = FAULTS.iter().find(|row| row.name == kind);
        let row =
            row.ok_or_else(|| format!("there is no fault {kind:?}; there are {}", names()))?;
        if target.is_empty() && row.target != FaultTarget::Dns {
            return Err(format!("{kind} of whom? {}", placeholder(row.target)));
        }
        let amount = row.measure.read(value);
        let amount =
            amount.map_err(|wanted| format!("after the target of {kind} comes {wanted}"))?;
        let way = match way {
            None => FaultWay::Both,
            Some(_) if row.target != FaultTarget::Link => {
                return Err(format!("{kind} is not about a link: it has no way"));
            }
            Some(word) => {
                let found = WAYS.iter().find(|(name, _)| *name == word);
                found.ok_or("a way is both, out or in")?.1
            }
        };
        let lasting = match Measure::Duration.read(lasting.or(Some("0s"))) {
            Ok(Some(Amount::Duration(time))) => lasting.map(|_| time),
            Ok(_) => None,
            Err(wanted) => return Err(format!("for how long? {wanted}")),
        };
        Ok(Self {
            kind: row.kind,
            target: target.to_owned(),
            amount,
            way,
            lasting,
        })
    }

    /// What a fault is called that nobody named.
    pub(crate) fn name(&self) -> String {
        match self.target.is_empty() {
            true => self.kind.to_string(),
            false => format!("{}-{}", self.kind, self.target.replace(['/', ':'], "-")),
        }
    }

    fn fault(self) -> Result<Fault, String> {
        let target = self.target.trim();
        let node = target.strip_prefix("node/").unwrap_or(target).to_owned();
        Ok(match self.kind {
            FaultKind::NodeDown => Fault::NodeDown { node },
            FaultKind::Partition => Fault::partition(&node),
            FaultKind::PodKill => {
                let (namespace, pod) = pod(target.strip_prefix("pod/").unwrap_or(target));
                Fault::PodKill { namespace, pod }
            }
            FaultKind::DnsDown => Fault::DnsDown,
            FaultKind::ImageMissing => Fault::ImageMissing {
                image: target.to_owned(),
            },
            _ => Fault::Link {
                machine: machine(target),
                toll: toll(self.kind, self.amount)?,
                way: match self.way {
                    FaultWay::Both => Way::Both,
                    FaultWay::Out => Way::Out,
                    FaultWay::In => Way::In,
                },
            },
        })
    }
}

/// `NAME` or `NAMESPACE/NAME`.
fn pod(text: &str) -> (String, String) {
    let (namespace, name) = text.split_once('/').unwrap_or(("default", text));
    (namespace.to_owned(), name.to_owned())
}

/// `node/NAME`, `host/NAME`, `pod/NAME`, or only the name of a node or a machine outside.
fn machine(target: &str) -> Machine {
    if let Some(rest) = target.strip_prefix("pod/") {
        let (namespace, name) = pod(rest);
        return Machine::Pod { namespace, name };
    }
    let bare = ["node/", "host/"]
        .iter()
        .find_map(|kind| target.strip_prefix(kind));
    Machine::Named(bare.unwrap_or(target).to_owned())
}

fn toll(kind: FaultKind, amount: Option<Amount>) -> Result<Toll, String> {
    let mut toll = Toll::default();
    match (kind, amount) {
        (FaultKind::LinkDown, None) => toll.down = true,
        (FaultKind::LinkDelay, Some(Amount::Duration(delay))) => toll.latency = delay,
        (FaultKind::LinkJitter, Some(Amount::Duration(jitter))) => toll.jitter = jitter,
        (FaultKind::LinkLoss, Some(Amount::Percent(share))) => toll.loss_pct = share,
        (FaultKind::LinkDuplicate, Some(Amount::Percent(share))) => toll.duplicate_pct = share,
        (FaultKind::LinkReorder, Some(Amount::Percent(share))) => toll.reorder_pct = share,
        (FaultKind::PacketCorrupt, Some(Amount::Percent(share))) => toll.corrupt_pct = share,
        (FaultKind::LinkRate, Some(Amount::Rate(rate))) => toll.rate = Some(rate),
        (kind, _) => return Err(format!("{kind} does not say how much")),
    }
    Ok(toll)
}

/// Whom a kind of fault is about, as help prints it.
pub(crate) const fn placeholder(target: FaultTarget) -> &'static str {
    match target {
        FaultTarget::Node => "NODE",
        FaultTarget::Pod => "[NAMESPACE/]POD",
        FaultTarget::Link => "MACHINE|pod/POD",
        FaultTarget::Image => "IMAGE",
        FaultTarget::Dns => "dns",
    }
}
