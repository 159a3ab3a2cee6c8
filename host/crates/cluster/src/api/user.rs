//! Who asks: a name, groups, and what else is known. Never decides what somebody may do.

use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Everybody whose credentials are good.
pub(super) const AUTHENTICATED: &str = "system:authenticated";
/// Everybody else.
pub(super) const UNAUTHENTICATED: &str = "system:unauthenticated";
/// The name of those who show nothing.
pub(super) const ANONYMOUS: &str = "system:anonymous";
/// Those who may do everything, whatever roles say.
pub(super) const MASTERS: &str = "system:masters";
/// What names of ServiceAccounts begin with.
pub(super) const ACCOUNT: &str = "system:serviceaccount:";
/// Where the name of what was shown is kept, among what else is known.
pub(super) const CREDENTIAL_ID: &str = "authentication.kubernetes.io/credential-id";

/// One user, as `authentication.k8s.io`'s `UserInfo` describes one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct User {
    /// The name.
    pub(super) name: String,
    /// What tells two users of one name apart; empty for most.
    pub(super) uid: String,
    /// The groups, in the order in which they became known.
    pub(super) groups: Vec<String>,
    /// What else is known, by keys.
    pub(super) extra: BTreeMap<String, Vec<String>>,
}

impl User {
    /// The administrator, with the name of what was shown.
    pub(super) fn administrator(credential: Option<&str>) -> Self {
        let ids = credential.map(|id| (CREDENTIAL_ID.to_owned(), vec![id.to_owned()]));
        Self {
            name: "kubernetes-admin".to_owned(),
            uid: String::new(),
            groups: vec![MASTERS.to_owned(), AUTHENTICATED.to_owned()],
            extra: ids.into_iter().collect(),
        }
    }

    /// Somebody who shows nothing.
    pub(super) fn anonymous() -> Self {
        Self {
            name: ANONYMOUS.to_owned(),
            groups: vec![UNAUTHENTICATED.to_owned()],
            ..Self::default()
        }
    }

    /// A ServiceAccount.
    pub(super) fn account(namespace: &str, name: &str, uid: &str) -> Self {
        let mut groups = account_groups(namespace);
        groups.push(AUTHENTICATED.to_owned());
        Self {
            name: format!("{ACCOUNT}{namespace}:{name}"),
            uid: uid.to_owned(),
            groups,
            extra: BTreeMap::new(),
        }
    }

    /// Whether roles are not asked.
    pub(super) fn is_master(&self) -> bool {
        self.is_in(MASTERS)
    }

    /// Whether the user belongs to a group.
    pub(super) fn is_in(&self, group: &str) -> bool {
        self.groups.iter().any(|own| own == group)
    }

    /// As a `UserInfo`; what is not known is left out.
    pub(super) fn to_value(&self) -> Value {
        let mut info = json!({"username": self.name});
        if !self.uid.is_empty() {
            info["uid"] = self.uid.as_str().into();
        }
        if !self.groups.is_empty() {
            info["groups"] = json!(self.groups);
        }
        if !self.extra.is_empty() {
            info["extra"] = json!(self.extra);
        }
        info
    }
}

/// The groups of every ServiceAccount of a namespace.
pub(super) fn account_groups(namespace: &str) -> Vec<String> {
    vec![
        "system:serviceaccounts".to_owned(),
        format!("system:serviceaccounts:{namespace}"),
    ]
}

/// The namespace and the name of the ServiceAccount that a user's name stands for.
pub(super) fn account_of(user: &str) -> Option<(&str, &str)> {
    let (namespace, name) = user.strip_prefix(ACCOUNT)?.split_once(':')?;
    let whole = !namespace.is_empty() && !name.is_empty() && !name.contains(':');
    whole.then_some((namespace, name))
}
