//! Building the chain from the first certificate up to one that is trusted.
//!
//! Never goes back over choices other than OpenSSL's one: when a chain of the peer's certificates
//! leads nowhere, shorter ones are tried with trusted issuers.

use super::extensions::{is_self_signed, may_have_issued, time_error};
use super::{Code, Stop, Walk};
use crate::cert::Certificate;

impl<'a> Walk<'a, '_> {
    /// Extends the chain until a trusted root; tells what is missing when there is none.
    pub(super) fn build(
        &mut self,
        peers: &'a [Certificate],
        trust: &'a [Certificate],
    ) -> Result<(), Stop> {
        let mut peers: Vec<&Certificate> = peers.iter().collect();
        // Trusted issuers are always looked for first; the peer's only when there is none.
        loop {
            if self.extend_trusted(trust) {
                return Ok(());
            }
            let all_untrusted = self.untrusted == self.chain.len();
            let Some(issuer) = self.find_untrusted(&peers).filter(|_| all_untrusted) else {
                break;
            };
            peers.retain(|peer| !std::ptr::eq(*peer, issuer));
            self.chain.push(issuer);
            self.untrusted += 1;
        }
        if self.try_shorter(trust) {
            return Ok(());
        }
        let depth = self.chain.len() - 1;
        let last = self.chain[depth];
        let code = if depth > self.rules.depth {
            Code::ChainTooLong
        } else if is_self_signed(last) {
            if depth == 0 {
                Code::SelfSigned
            } else {
                Code::SelfSignedInChain
            }
        } else if self.untrusted <= depth {
            Code::UnableToGetIssuerCert
        } else {
            Code::UnableToGetLocalIssuer
        };
        self.fail(code, depth, last)
    }

    /// Adds trusted issuers as long as there are any; whether the chain ends in a trusted root.
    fn extend_trusted(&mut self, trust: &'a [Certificate]) -> bool {
        while self.chain.len() <= self.rules.depth + 1 {
            let top = self.chain.len() - 1;
            let last = self.chain[top];
            let Some(issuer) = self.find_trusted(last, trust) else {
                return false;
            };
            if is_self_signed(last) {
                // A root of the peer's counts only when the very same one is trusted.
                if last.der() != issuer.der() {
                    return false;
                }
                self.chain[top] = issuer;
                self.untrusted = self.untrusted.min(top);
                return true;
            }
            self.chain.push(issuer);
            if is_self_signed(issuer) {
                return true;
            }
        }
        false
    }

    /// Drops certificates of the peer's from the top and looks for trusted issuers of the rest.
    fn try_shorter(&mut self, trust: &'a [Certificate]) -> bool {
        if self.untrusted < 2 {
            return false;
        }
        let (whole, untrusted) = (self.chain.clone(), self.untrusted);
        for length in (1..untrusted).rev() {
            self.chain.truncate(length);
            self.untrusted = length;
            if self.extend_trusted(trust) {
                return true;
            }
            self.chain.clone_from(&whole);
            self.untrusted = untrusted;
        }
        false
    }

    /// The trusted issuer of a certificate: one that is valid now, else the one that was last.
    fn find_trusted(&self, of: &Certificate, trust: &'a [Certificate]) -> Option<&'a Certificate> {
        let candidates = trust.iter().filter(|issuer| may_have_issued(issuer, of));
        best(candidates, self.rules.now)
    }

    fn find_untrusted(&self, peers: &[&'a Certificate]) -> Option<&'a Certificate> {
        let last = self.chain[self.chain.len() - 1];
        if is_self_signed(last) || self.chain.len() > self.rules.depth {
            return None;
        }
        let candidates = peers.iter().copied().filter(|issuer| {
            may_have_issued(issuer, last)
                && !self.chain.iter().any(|known| known.der() == issuer.der())
        });
        best(candidates, self.rules.now)
    }
}

fn best<'a>(
    candidates: impl Iterator<Item = &'a Certificate>,
    now: i64,
) -> Option<&'a Certificate> {
    let mut found: Option<&Certificate> = None;
    for candidate in candidates {
        if time_error(candidate, now).is_none() {
            return Some(candidate);
        }
        if found.is_none_or(|found| candidate.not_after > found.not_after) {
            found = Some(candidate);
        }
    }
    found
}
