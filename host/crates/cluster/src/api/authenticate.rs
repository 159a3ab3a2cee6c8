//! Who asks: credentials to users, and users who want to be others.
//!
//! Never decides what somebody may do, except to be somebody else. A token is good while what it
//! is bound to is there: upstream's `pkg/serviceaccount/claims.go`.

use super::authorize::{self, Attributes, Resource};
use super::request::{Credential, Impersonation, Request};
use super::status::Failure;
use super::token::{ISSUER, Issuer};
use super::user::{
    ANONYMOUS, AUTHENTICATED, CREDENTIAL_ID, UNAUTHENTICATED, User, account_groups, account_of,
};
use crate::kind::look::{int, list, text};
use crate::store::Store;
use jiff::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;

/// After an object's deletion is due its tokens hold for so many seconds more.
const LEEWAY: i64 = 60;
/// How many tokens are remembered as signed by us, so that their signatures are not checked again.
const REMEMBERED: usize = 256;

/// Knows tokens, and remembers the last ones.
#[derive(Debug)]
pub(super) struct Authenticator {
    issuer: Issuer,
    known: BTreeMap<String, Value>,
}

impl Authenticator {
    pub(super) fn new(issuer: Issuer) -> Self {
        Self {
            issuer,
            known: BTreeMap::new(),
        }
    }

    pub(super) fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// Whose request this is.
    ///
    /// # Errors
    /// 401 when a token is no good; 403 when somebody may not be somebody else.
    pub(super) fn user_of(
        &mut self,
        store: &Store,
        wall: Timestamp,
        request: &Request,
    ) -> Result<User, Failure> {
        let user = match &request.credential {
            Credential::Administrator(id) => User::administrator(id.as_deref()),
            Credential::Nothing => User::anonymous(),
            Credential::Token(token) => {
                let user = self.account_of_token(store, wall, token, &[ISSUER]);
                user.map_err(|_| Failure::unauthorized())?
            }
        };
        if request.impersonate == Impersonation::default() {
            return Ok(user);
        }
        impersonated(store, &user, request)
    }

    /// The ServiceAccount that a token for one of these audiences speaks for.
    ///
    /// # Errors
    /// Why the token is no good.
    pub(super) fn account_of_token(
        &mut self,
        store: &Store,
        wall: Timestamp,
        token: &str,
        audiences: &[&str],
    ) -> Result<User, String> {
        const INVALID: &str = "invalid bearer token";
        let claims = match self.known.get(token) {
            Some(claims) => claims,
            None => {
                let claims = self.issuer.read(token).ok_or(INVALID)?;
                if self.known.len() >= REMEMBERED {
                    self.known.clear();
                }
                self.known.entry(token.to_owned()).or_insert(claims)
            }
        };
        check(store, wall.as_second(), claims, audiences)
            .map_err(|why| format!("[{INVALID}, {why}]"))?;
        Ok(user_of_claims(claims))
    }
}

fn user_of_claims(claims: &Value) -> User {
    let own = &claims["kubernetes.io"];
    let mut user = User::account(
        text(own, "/namespace"),
        text(own, "/serviceaccount/name"),
        text(own, "/serviceaccount/uid"),
    );
    let mut tell = |key: &str, value: &str| {
        if !value.is_empty() {
            user.extra.insert(key.to_owned(), vec![value.to_owned()]);
        }
    };
    tell(CREDENTIAL_ID, &format!("JTI={}", text(claims, "/jti")));
    for what in ["pod", "node"] {
        for part in ["name", "uid"] {
            let key = format!("authentication.kubernetes.io/{what}-{part}");
            tell(&key, text(own, &format!("/{what}/{part}")));
        }
    }
    user
}

/// Whether a token of ours still holds.
///
/// # Errors
/// Why it does not.
fn check(store: &Store, now: i64, claims: &Value, audiences: &[&str]) -> Result<(), String> {
    const GONE: &str = "service account token has been invalidated";
    let own = &claims["kubernetes.io"];
    if now > int(claims, "/exp").unwrap_or(0) {
        return Err("service account token has expired".to_owned());
    }
    if now < int(claims, "/nbf").unwrap_or(i64::MAX) {
        return Err("service account token is not valid yet".to_owned());
    }
    let for_us = |audience: &Value| audiences.iter().any(|own| audience == own);
    if !list(claims, "/aud").iter().any(for_us) {
        return Err(format!(
            "token audiences {} is invalid for the target audiences {audiences:?}",
            claims["aud"]
        ));
    }
    let (space, name) = (text(own, "/namespace"), text(own, "/serviceaccount/name"));
    let account = store.get("serviceaccounts", space, name);
    let account = account.ok_or_else(|| format!("serviceaccounts {name:?} not found"))?;
    if is_over(account, now) {
        return Err(GONE.to_owned());
    }
    let (uid, claimed) = (
        text(account, "/metadata/uid"),
        text(own, "/serviceaccount/uid"),
    );
    if uid != claimed {
        return Err(format!(
            "service account UID ({uid}) does not match claim ({claimed})"
        ));
    }
    for (what, kind) in [("pod", "pods"), ("secret", "secrets"), ("node", "nodes")] {
        let bound = &own[what];
        // A pod's token names the pod's node, and does not depend on it.
        if bound.is_null() || (what == "node" && !own["pod"].is_null()) {
            continue;
        }
        let space = if what == "node" { "" } else { space };
        let object = store.get(kind, space, text(bound, "/name"));
        let object = object.ok_or_else(|| GONE.to_owned())?;
        let (uid, claimed) = (text(object, "/metadata/uid"), text(bound, "/uid"));
        if is_over(object, now) {
            return Err(GONE.to_owned());
        }
        if uid != claimed {
            return Err(format!(
                "{what} UID ({uid}) does not match service account {what} ref claim ({claimed})"
            ));
        }
    }
    Ok(())
}

/// Whether an object has been on its way out for longer than its tokens hold.
fn is_over(object: &Value, now: i64) -> bool {
    let due: Option<Timestamp> = text(object, "/metadata/deletionTimestamp").parse().ok();
    due.is_some_and(|due| due.as_second() < now - LEEWAY)
}

/// Whom a user becomes who wants to be somebody else: upstream's
/// `pkg/endpoints/filters/impersonation`.
///
/// # Errors
/// 403 for the first part that the user may not take over.
fn impersonated(store: &Store, user: &User, request: &Request) -> Result<User, Failure> {
    let wanted = &request.impersonate;
    if wanted.user.is_empty() {
        return Err(Failure::internal(
            "requested groups, a uid or extra fields without impersonating a user",
        ));
    }
    for resource in wanted_resources(wanted) {
        let acts = Attributes::of_resource("impersonate", resource);
        authorize::require(store, user, &acts)?;
    }
    let mut groups = wanted.groups.clone();
    if let Some((space, _)) = account_of(&wanted.user)
        && groups.is_empty()
    {
        groups = account_groups(space);
    }
    let everybody = match wanted.user.as_str() {
        ANONYMOUS => UNAUTHENTICATED,
        _ => AUTHENTICATED,
    };
    let told = |group: &String| group == AUTHENTICATED || group == UNAUTHENTICATED;
    if !groups.iter().any(told) {
        groups.push(everybody.to_owned());
    }
    let mut extra: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (key, value) in &wanted.extra {
        extra.entry(key.clone()).or_default().push(value.clone());
    }
    Ok(User {
        name: wanted.user.clone(),
        uid: wanted.uid.clone(),
        groups,
        extra,
    })
}

/// What has to be allowed for each part.
fn wanted_resources(wanted: &Impersonation) -> Vec<Resource> {
    let of = |group: &str, resource: &str, name: &str| Resource {
        group: group.to_owned(),
        resource: resource.to_owned(),
        name: name.to_owned(),
        ..Resource::default()
    };
    const GROUP: &str = "authentication.k8s.io";
    let mut all = vec![match account_of(&wanted.user) {
        Some((space, name)) => Resource {
            namespace: space.to_owned(),
            ..of("", "serviceaccounts", name)
        },
        None => of("", "users", &wanted.user),
    }];
    all.extend(wanted.groups.iter().map(|group| of("", "groups", group)));
    all.extend(wanted.extra.iter().map(|(key, value)| Resource {
        subresource: key.clone(),
        ..of(GROUP, "userextras", value)
    }));
    if !wanted.uid.is_empty() {
        all.push(of(GROUP, "uids", &wanted.uid));
    }
    all
}
