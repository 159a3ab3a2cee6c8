//! Ranges of addresses. Never resolves names.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

/// A range of IPv4 addresses, `10.244.0.0/16`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cidr {
    addr: Ipv4Addr,
    prefix_len: u8,
}

impl Cidr {
    /// The range of all addresses that share the first `prefix_len` bits with `addr`.
    ///
    /// A length above 32 counts as 32.
    #[must_use]
    pub const fn new(addr: Ipv4Addr, prefix_len: u8) -> Self {
        let prefix_len = if prefix_len > 32 { 32 } else { prefix_len };
        let addr = Ipv4Addr::from_bits(addr.to_bits() & Self::bits(prefix_len));
        Self { addr, prefix_len }
    }

    const fn bits(prefix_len: u8) -> u32 {
        if prefix_len == 0 {
            0
        } else {
            u32::MAX << (32 - prefix_len)
        }
    }

    /// The first address of the range.
    #[must_use]
    pub const fn network(self) -> Ipv4Addr {
        self.addr
    }

    /// How many leading bits its addresses share.
    #[must_use]
    pub const fn prefix_len(self) -> u8 {
        self.prefix_len
    }

    /// Whether `addr` lies in the range.
    #[must_use]
    pub const fn contains(self, addr: Ipv4Addr) -> bool {
        addr.to_bits() & Self::bits(self.prefix_len) == self.addr.to_bits()
    }

    /// The `n`th address of the range, counted from its network address.
    #[must_use]
    pub const fn nth(self, n: u32) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.addr.to_bits().wrapping_add(n))
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.addr, self.prefix_len)
    }
}

/// The text was not an address, a slash and a length from 0 to 32.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an address range: {0:?}")]
pub struct ParseCidrError(String);

impl FromStr for Cidr {
    type Err = ParseCidrError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let (addr, len) = text.split_once('/')?;
            let len = len.parse().ok().filter(|len| *len <= 32)?;
            Some(Self::new(addr.parse().ok()?, len))
        };
        parse().ok_or_else(|| ParseCidrError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_contains_its_addresses_and_no_others() {
        let cidr: Cidr = "10.244.1.0/24".parse().expect("a range");
        assert!(cidr.contains(Ipv4Addr::new(10, 244, 1, 255)));
        assert!(!cidr.contains(Ipv4Addr::new(10, 244, 2, 0)));
        assert_eq!(cidr.nth(1), Ipv4Addr::new(10, 244, 1, 1));
        assert!(Cidr::new(Ipv4Addr::UNSPECIFIED, 0).contains(Ipv4Addr::BROADCAST));
        assert!("10.0.0.0/33".parse::<Cidr>().is_err());
    }
}
