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
    /// A program of the world that encrypts.
    Inside(Shown),
    /// A program of the world that does not encrypt: one of the workstation's, when it says this
    /// word as its token.
    Plain(Arc<str>),
    /// Somebody on the host or beyond.
    Outside(Visit),
}

/// Which certificate somebody inside has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// The administrator's, by its name.
    Administrator(String),
    /// One that nobody knows.
    Foreign,
    /// None.
    Nothing,
}

/// Why somebody is not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stranger {
    /// What was shown is no good, or nothing was.
    Unknown,
    /// A server that wants to be spoken to in TLS is not.
    NotEncrypted,
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
    /// What is shown with a request that has this `Authorization` header.
    ///
    /// # Errors
    /// Who shows nothing from outside is told nothing, as with `--anonymous-auth=false`; inside
    /// there is `system:anonymous`.
    pub(super) fn credential(&self, authorization: Option<&str>) -> Result<Credential, Stranger> {
        let said = authorization.and_then(bearer);
        let is_said = |known: &str| said.is_some_and(|said| same(known, said));
        let token = said.map(|said| Credential::Token(said.to_owned()));
        match self {
            Self::Inside(Shown::Administrator(id)) => {
                Ok(Credential::Administrator(Some(id.clone())))
            }
            Self::Inside(Shown::Nothing) => Ok(token.unwrap_or(Credential::Nothing)),
            Self::Inside(Shown::Foreign) => token.ok_or(Stranger::Unknown),
            Self::Plain(word) if is_said(word) => Ok(Credential::Administrator(None)),
            Self::Plain(_) => Err(Stranger::NotEncrypted),
            Self::Outside(visit) if visit.certificate.is_some() => {
                Ok(Credential::Administrator(visit.certificate.clone()))
            }
            Self::Outside(visit) if visit.token.as_deref().is_some_and(is_said) => {
                Ok(Credential::Administrator(None))
            }
            Self::Outside(_) => token.ok_or(Stranger::Unknown),
        }
    }

    pub(super) fn clock(&self) -> Option<&HostClock> {
        match self {
            Self::Inside(_) | Self::Plain(_) => None,
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

    #[test]
    fn inside_everybody_is_somebody_and_without_tls_only_who_knows_the_word() {
        let token = |text: &str| Ok(Credential::Token(text.to_owned()));
        let nothing = Caller::Inside(Shown::Nothing);
        assert_eq!(nothing.credential(None), Ok(Credential::Nothing));
        assert_eq!(nothing.credential(Some("Bearer t")), token("t"));
        let foreign = Caller::Inside(Shown::Foreign);
        assert_eq!(foreign.credential(None), Err(Stranger::Unknown));
        assert_eq!(foreign.credential(Some("Bearer t")), token("t"));
        let plain = Caller::Plain("word".into());
        let known = Ok(Credential::Administrator(None));
        assert_eq!(plain.credential(Some("Bearer word")), known);
        for said in [None, Some("Bearer t"), Some("Basic word")] {
            assert_eq!(plain.credential(said), Err(Stranger::NotEncrypted));
        }
    }
}
