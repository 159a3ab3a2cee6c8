//! Who is at the other end of a connection, and what the host's clock does to it.
//! Never knows what is asked.

use cluster::Credential;
use hyper::rt::{Sleep, Timer};
use hyper_util::rt::TokioTimer;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a connection may say nothing, or take over a request's head, as the real server's
/// idle timeout.
pub(super) const IDLE: Duration = Duration::from_secs(90);
/// How long the body of a request may take, as the real server's request timeout.
pub(super) const BODY: Duration = Duration::from_secs(60);

/// The other end.
#[derive(Clone, Debug)]
pub(crate) enum Caller {
    /// A program of the world, which is not asked who it is.
    Inside,
    /// Somebody on the host or beyond.
    Outside(Visit),
}

/// What is known of somebody from outside.
#[derive(Clone, Debug)]
pub(crate) struct Visit {
    /// What the administrator's certificate is called, when TLS has seen it.
    pub(crate) certificate: Option<String>,
    /// The word that serves instead of a certificate, if there is one.
    pub(crate) token: Option<Arc<str>>,
    /// Real time, which passes for people only.
    pub(crate) clock: HostClock,
}

/// The clock of the thread outside.
#[derive(Clone, Debug)]
pub(crate) struct HostClock(pub(crate) tokio::runtime::Handle);

impl Caller {
    /// What is shown with a request that has this `Authorization` header; nothing for somebody
    /// from outside who shows nothing, to whom nothing is told.
    pub(super) fn credential(&self, authorization: Option<&str>) -> Option<Credential> {
        let said = authorization.and_then(bearer);
        let token = said.map(|said| Credential::Token(said.to_owned()));
        match self {
            Self::Inside => Some(token.unwrap_or(Credential::Administrator(None))),
            Self::Outside(visit) => {
                let known = visit.token.as_deref().zip(said);
                if visit.certificate.is_some() {
                    Some(Credential::Administrator(visit.certificate.clone()))
                } else if known.is_some_and(|(known, said)| same(known, said)) {
                    Some(Credential::Administrator(None))
                } else {
                    token
                }
            }
        }
    }

    pub(super) fn clock(&self) -> Option<&HostClock> {
        match self {
            Self::Inside => None,
            Self::Outside(visit) => Some(&visit.clock),
        }
    }
}

/// The token in `Bearer TOKEN`.
fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.trim().split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| token.trim())
        .filter(|token| !token.is_empty())
}

/// Compares in a time that does not tell where they differ.
fn same(known: &str, said: &str) -> bool {
    let differ = known
        .bytes()
        .zip(said.bytes())
        .fold(0, |differ, (known, said)| differ | (known ^ said));
    known.len() == said.len() && differ == 0
}

impl Timer for HostClock {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        let _inside = self.0.enter();
        TokioTimer::new().sleep(duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        let _inside = self.0.enter();
        TokioTimer::new().sleep_until(deadline)
    }

    fn now(&self) -> Instant {
        TokioTimer::new().now()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_taken_only_whole_and_as_a_bearer() {
        assert_eq!(bearer("Bearer secret"), Some("secret"));
        assert_eq!(bearer("bearer  secret "), Some("secret"));
        assert_eq!(bearer("Basic secret"), None);
        assert_eq!(bearer("Bearer "), None);
        assert!(same("secret", "secret"));
        assert!(!same("secret", "secre"));
        assert!(!same("secret", "secreT"));
    }
}
