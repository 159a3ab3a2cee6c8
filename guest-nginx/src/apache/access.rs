//! Who is let in: `Require`, the older `Order`, `Allow` and `Deny`, and passwords.
//! It looks at the request and at the file of users, and nowhere else.

use std::net::Ipv4Addr;

use super::conf::model::{Compat, Net, Require};
use super::{Apache, Draft, Spot, pages};
use crate::http::request::Request;
use crate::nginx::password;
use crate::reply::Client;

impl Net {
    /// Whether an address is in it.
    pub(super) fn has(&self, address: Ipv4Addr) -> bool {
        let mask = u32::MAX.checked_shl(32 - self.bits).unwrap_or(0);
        u32::from(address) & mask == u32::from(self.address) & mask
    }
}

impl Compat {
    fn lets_in(&self, address: Ipv4Addr) -> bool {
        let any = |nets: &[Net]| nets.iter().any(|net| net.has(address));
        if self.allow_first {
            any(&self.allow) && !any(&self.deny)
        } else {
            any(&self.allow) || !any(&self.deny)
        }
    }
}

/// What a condition says: yes, no, not without a password, or nothing at all.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Granted,
    Denied,
    NoUser,
    Neutral,
}

/// Who asks for what.
struct Asking<'a> {
    address: Ipv4Addr,
    own: Ipv4Addr,
    method: &'a str,
    user: Option<&'a str>,
}

fn verdict(require: &Require, asking: &Asking<'_>) -> Verdict {
    let plain = |held: bool| {
        if held {
            Verdict::Granted
        } else {
            Verdict::Denied
        }
    };
    let each =
        |all: &[Require]| -> Vec<Verdict> { all.iter().map(|one| verdict(one, asking)).collect() };
    match require {
        Require::All(held) => plain(*held),
        Require::Ip(nets) => plain(nets.iter().any(|net| net.has(asking.address))),
        Require::Local => plain(asking.address.is_loopback() || asking.address == asking.own),
        Require::Method(names) => plain(names.iter().any(|name| name == asking.method)),
        Require::ValidUser => match asking.user {
            Some(_) => Verdict::Granted,
            None => Verdict::NoUser,
        },
        Require::User(names) => match asking.user {
            Some(user) => plain(names.iter().any(|name| name == user)),
            None => Verdict::NoUser,
        },
        Require::Not(inner) => match verdict(inner, asking) {
            Verdict::Granted => Verdict::Denied,
            other => match other {
                Verdict::Denied => Verdict::Neutral,
                other => other,
            },
        },
        Require::AnyOf(inner) => {
            let each = each(inner);
            let first = [Verdict::Granted, Verdict::NoUser, Verdict::Denied];
            let found = first.into_iter().find(|one| each.contains(one));
            found.unwrap_or(Verdict::Neutral)
        }
        Require::AllOf(inner) => {
            let each = each(inner);
            let first = [Verdict::Denied, Verdict::NoUser, Verdict::Granted];
            let found = first.into_iter().find(|one| each.contains(one));
            found.unwrap_or(Verdict::Neutral)
        }
        Require::NoneOf(inner) => {
            if each(inner).contains(&Verdict::Granted) {
                Verdict::Denied
            } else {
                Verdict::Neutral
            }
        }
    }
}

impl Apache {
    /// Who asks, when that was shown.
    ///
    /// # Errors
    /// The answer to those who stay outside.
    pub(super) fn admitted(
        &self,
        request: &Request,
        spot: &Spot<'_>,
        client: &Client,
    ) -> Result<Option<String>, Box<Draft>> {
        let settings = &spot.settings;
        let denied = |code: &str, module| {
            let words = format!(
                "{code}: client denied by server configuration: {}",
                spot.file
            );
            Err(Box::new(pages::page(403, "").noting(module, words)))
        };
        let asks = |user| Asking {
            address: *client.remote.ip(),
            own: *client.local.ip(),
            method: request.method(),
            user,
        };
        if let Some(compat) = &settings.compat
            && !compat.lets_in(*client.remote.ip())
        {
            return denied("AH01797", "access_compat");
        }
        let Some(require) = &settings.require else {
            return Ok(None);
        };
        match verdict(require, &asks(None)) {
            Verdict::Granted => return Ok(None),
            Verdict::Denied | Verdict::Neutral => return denied("AH01630", "authz_core"),
            Verdict::NoUser => {}
        }
        let user = self.user(request, spot)?;
        match verdict(require, &asks(Some(&user))) {
            Verdict::Granted => Ok(Some(user)),
            _ => {
                let words = format!(
                    "AH01631: user {user}: authorization failure for \"{}\": ",
                    request.path
                );
                Err(Box::new(stranger(spot).noting("authz_core", words)))
            }
        }
    }

    /// The user whose password was shown.
    fn user(&self, request: &Request, spot: &Spot<'_>) -> Result<String, Box<Draft>> {
        let settings = &spot.settings;
        let wrong = |words: String| Err(Box::new(stranger(spot).noting("auth_basic", words)));
        if settings.realm.is_none() || !settings.basic {
            let words =
                "AH00025: configuration error:  couldn't check user.  Check your authn provider!";
            let place = format!("{words}: {}", request.path);
            return Err(Box::new(pages::page(500, "").noting("core", place)));
        }
        let Some((user, given)) = request.header("authorization").and_then(password::basic) else {
            return Err(Box::new(stranger(spot)));
        };
        let path = settings.users.as_deref().unwrap_or_default();
        let Ok(list) = std::fs::read_to_string(path) else {
            let words = format!("AH01620: Could not open password file: {path}");
            return Err(Box::new(pages::page(500, "").noting("authn_file", words)));
        };
        let own = |line: &str| {
            let (name, rest) = line.split_once(':')?;
            (name == user).then(|| rest.split(':').next().unwrap_or_default().to_owned())
        };
        match list.lines().find_map(own) {
            None => wrong(format!("AH01618: user {user} not found: {}", request.path)),
            Some(kept) if password::fits(&kept, &given) == Some(true) => Ok(user),
            Some(_) => wrong(format!(
                "AH01617: user {user}: authentication failure for \"{}\": Password Mismatch",
                request.path
            )),
        }
    }
}

/// The answer to a client that has to say who it is.
fn stranger(spot: &Spot<'_>) -> Draft {
    let realm = spot.settings.realm.as_deref().unwrap_or_default();
    let realm = realm.replace('\\', "\\\\").replace('"', "\\\"");
    pages::page(401, "").with("WWW-Authenticate", format!("Basic realm=\"{realm}\""))
}
