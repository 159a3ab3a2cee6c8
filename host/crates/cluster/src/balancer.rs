//! The names that a cloud gives its load balancers, in the way of Amazon's classic ones:
//! `a320587ffd19711e5a37606cf4a74574-1142138393.us-east-1.elb.amazonaws.com`.
//!
//! The number in a name says which address it stands for, to those who know the cloud: names
//! need no list of their own. Never resolves a name for anybody: `dns` does.

use serde_json::Value;
use std::net::Ipv4Addr;

/// An odd number and its inverse modulo 2³²: addresses that follow each other get names that do
/// not look so.
const MIX: u32 = 2_654_435_761;
const UNMIX: u32 = 244_002_641;

/// The name of the balancer at `addr` for the Service with this uid.
#[must_use]
pub fn hostname(uid: &str, addr: Ipv4Addr, domain: &str) -> String {
    let letters: String = uid
        .chars()
        .filter(|letter| *letter != '-')
        .take(31)
        .collect();
    let number = u32::from(addr).wrapping_mul(MIX);
    format!("a{letters}-{number}.{domain}")
}

/// The address that a balancer's name stands for.
#[must_use]
pub fn address(hostname: &str) -> Option<Ipv4Addr> {
    let (name, _) = hostname.split_once('.')?;
    let (_, number) = name.rsplit_once('-')?;
    let number: u32 = number.parse().ok()?;
    Some(Ipv4Addr::from(number.wrapping_mul(UNMIX)))
}

/// The address of a balancer as a Service's status names it: itself, or by its name.
pub(crate) fn of_ingress(ingress: &Value) -> Option<Ipv4Addr> {
    match ingress["ip"].as_str() {
        Some(ip) => ip.parse().ok(),
        None => address(ingress["hostname"].as_str()?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_its_address() {
        let uid = "0b1c2d3e-0000-4000-8000-123456789abc";
        for last in [1, 2, 77, 254] {
            let addr = Ipv4Addr::new(203, 0, 113, last);
            let name = hostname(uid, addr, "us-west-2.elb.amazonaws.com");
            assert!(name.starts_with("a0b1c2d3e00004000800012345678"), "{name}");
            assert_eq!(address(&name), Some(addr), "{name}");
        }
        assert_eq!(address("www.example.com"), None);
    }
}
