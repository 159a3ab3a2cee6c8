//! After an answer: whether it leads elsewhere, or asks to log in.

use super::Transfer;
use crate::args::Auth;
use crate::auth::Challenge;
use crate::failure::Failure;
use crate::head::Head;
use crate::proxy;
use crate::request::Body;
use crate::url::{Reading, Url};

/// How many redirects are followed unless said otherwise.
const MAX_REDIRECTS: i64 = 50;

impl Transfer<'_, '_> {
    /// Asks until there is nothing more to follow.
    pub(super) fn follow(&mut self) -> Result<(), Failure> {
        loop {
            self.report.url_effective = self.effective();
            let trace = &mut self.session.trace;
            self.state.proxy = proxy::find(self.operation, &self.state.url, &mut |text| {
                trace.info(text);
            })?;
            let head = self.exchange()?;
            if std::mem::take(&mut self.state.ask_again) {
                let text = format!(
                    "Issue another request to this URL: '{}'",
                    self.state.url.whole()
                );
                self.session.trace.info(&text);
                continue;
            }
            if self.login_again(&head) {
                let text = format!(
                    "Issue another request to this URL: '{}'",
                    self.state.url.whole()
                );
                self.session.trace.info(&text);
                continue;
            }
            let place = head
                .header("location")
                .filter(|place| (300..400).contains(&head.status) && !place.is_empty());
            let Some(place) = place else {
                return self.last_word(&head);
            };
            let mut base = self.state.url.clone();
            if self.operation.user.is_some() {
                // Redirects show the user that -u named.
                base.set_login(self.operation.user.clone());
            }
            let place = base.join(place);
            if !self.operation.location {
                self.report.redirect_url = place;
                return self.last_word(&head);
            }
            self.redirect(&head, &place)?;
        }
    }

    fn effective(&self) -> String {
        self.state.url.plain()
    }

    fn last_word(&self, head: &Head) -> Result<(), Failure> {
        if self.operation.fail_with_body && head.status >= 400 {
            return Err(Failure::new(
                22,
                format!("The requested URL returned error: {}", head.status),
            ));
        }
        Ok(())
    }

    fn redirect(&mut self, head: &Head, place: &str) -> Result<(), Failure> {
        let operation = self.operation;
        let most = operation.max_redirects.unwrap_or(MAX_REDIRECTS);
        let done = i64::try_from(self.report.redirects).unwrap_or(i64::MAX);
        if most >= 0 && done >= most {
            return Err(Failure::new(
                47,
                format!("Maximum ({most}) redirects followed"),
            ));
        }
        if operation.auto_referrer {
            self.state.referrer = Some(self.state.url.plain());
        }
        self.report.redirects += 1;
        self.report.time_redirect = self.deadline.start.elapsed();
        self.session
            .trace
            .info(&format!("Issue another request to this URL: '{place}'"));
        let reading = Reading {
            default: None,
            as_is: operation.path_as_is,
            lenient: true,
        };
        let url = Url::read(place, reading)?;
        let name = url.scheme.name();
        let allowed = operation
            .protocols_redirect
            .as_ref()
            .or(operation.protocols.as_ref());
        if allowed.is_some_and(|list| !list.contains(&name)) {
            return Err(Failure::new(
                1,
                format!("Protocol \"{name}\" not supported or disabled in libcurl"),
            ));
        }
        if !operation.location_trusted
            && (url.host.to_ascii_lowercase(), url.port())
                != (
                    self.state.url.host.to_ascii_lowercase(),
                    self.state.url.port(),
                )
        {
            self.state.challenge = None;
        }
        if let Some(user) = &url.user {
            self.state.login = Some(crate::auth::Login {
                user: user.clone(),
                password: url.password.clone().unwrap_or_default(),
            });
        } else if !self.is_first(&url) && !operation.location_trusted {
            self.state.login = None;
        } else if self.state.login.is_none() {
            self.state.login = operation.user.as_deref().map(crate::auth::Login::split);
        }
        self.state.url = url;
        self.turn(head.status);
        Ok(())
    }

    fn is_first(&self, url: &Url) -> bool {
        self.state
            .first
            .as_ref()
            .is_none_or(|first| *first == (url.host.to_ascii_lowercase(), url.port()))
    }

    /// Some redirects turn the method into GET.
    fn turn(&mut self, status: u16) {
        let post = matches!(self.state.body, Body::Data(_) | Body::Form(..));
        let body = self.state.body != Body::None;
        let [stays301, stays302, stays303] = self.operation.post_stays;
        let told = match status {
            301 if post && !stays301 => "Switch from POST to GET",
            302 if post && !stays302 => "Switch from POST to GET",
            303 if body && !(post && stays303) => "Switch to GET",
            303 if self.operation.head && self.operation.method.is_none() => "Switch to HEAD",
            _ => return,
        };
        self.session.trace.info(told);
        self.state.body = Body::None;
        if self.operation.method.is_none() && !self.operation.head {
            "GET".clone_into(&mut self.state.method);
        }
    }

    /// Whether this 401 can be answered with a login that was not tried yet.
    pub(super) fn will_login(&self, head: &Head) -> bool {
        self.offer(head).is_some()
    }

    /// The challenge to answer, or nothing inside for Basic.
    fn offer(&self, head: &Head) -> Option<Option<Challenge>> {
        let state = &self.state;
        if head.status != 401
            || state.login.is_none()
            || !self.is_first(&state.url) && !self.operation.location_trusted
        {
            return None;
        }
        let offers: Vec<&str> = head.all("www-authenticate").collect();
        let word = |offer: &str, name: &str| {
            offer
                .get(..name.len())
                .filter(|start| start.eq_ignore_ascii_case(name))
                .map(|_| offer[name.len()..].to_owned())
        };
        let challenge = offers
            .iter()
            .find_map(|offer| Challenge::parse(&word(offer, "Digest")?));
        match self.operation.auth {
            Auth::Basic => None,
            _ if challenge
                .as_ref()
                .is_some_and(|c| state.challenge.is_none() || c.stale) =>
            {
                Some(challenge)
            }
            Auth::Any if state.challenge.is_none() && !state.chose_basic => offers
                .iter()
                .any(|offer| word(offer, "Basic").is_some())
                .then_some(None),
            _ => None,
        }
    }

    fn login_again(&mut self, head: &Head) -> bool {
        match self.offer(head) {
            None => false,
            Some(None) => {
                self.state.chose_basic = true;
                true
            }
            Some(challenge) => {
                self.state.challenge = challenge;
                self.state.nonce_uses = 0;
                true
            }
        }
    }
}
