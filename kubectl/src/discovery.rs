//! What the server has: its groups, versions and resources, and finding one by any of its names.

use serde_json::Value;

use crate::fail::{Fail, Outcome, quoted};
use crate::session::Session;
use crate::text::json::{list, text};

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";

/// One kind of object.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Resource {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) kind: String,
    pub(crate) plural: String,
    pub(crate) singular: String,
    pub(crate) short: Vec<String>,
    pub(crate) categories: Vec<String>,
    pub(crate) verbs: Vec<String>,
    pub(crate) namespaced: bool,
    /// The version that the server would rather have used for this group.
    pub(crate) preferred: bool,
}

impl Resource {
    /// `apps/v1`, or `v1` for the core group.
    pub(crate) fn group_version(&self) -> String {
        if self.group.is_empty() {
            self.version.clone()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// `deployments.apps`, or `pods`.
    pub(crate) fn plural_group(&self) -> String {
        if self.group.is_empty() {
            self.plural.clone()
        } else {
            format!("{}.{}", self.plural, self.group)
        }
    }

    /// `deployment.apps`, or `pod`.
    pub(crate) fn kind_group(&self) -> String {
        let kind = self.kind.to_lowercase();
        if self.group.is_empty() {
            kind
        } else {
            format!("{kind}.{}", self.group)
        }
    }

    /// The request path of the collection or of one object.
    pub(crate) fn path(&self, namespace: &str, name: &str) -> String {
        let mut path = if self.group.is_empty() {
            "/api/".to_owned()
        } else {
            format!("/apis/{}/", self.group)
        };
        path.push_str(&self.version);
        if self.namespaced && !namespace.is_empty() {
            path.push_str("/namespaces/");
            path.push_str(&crate::http::escape(namespace, false));
        }
        path.push('/');
        path.push_str(&self.plural);
        if !name.is_empty() {
            path.push('/');
            path.push_str(&crate::http::escape(name, false));
        }
        path
    }

    /// Whether the kind is Kubernetes' own, so that strategic merge knows it.
    pub(crate) fn is_built_in(&self) -> bool {
        !self.group.contains('.') || self.group.ends_with(".k8s.io")
    }

    fn is_called(&self, name: &str) -> bool {
        let plain = |name: &str| {
            self.plural == name
                || self.singular == name
                || self.short.iter().any(|short| short == name)
                || self.kind.to_lowercase() == name
        };
        if plain(name) {
            return true;
        }
        let Some((first, rest)) = name.split_once('.') else {
            return false;
        };
        let by_version = rest
            .split_once('.')
            .is_some_and(|(version, group)| version == self.version && group == self.group);
        plain(first) && (rest == self.group || by_version)
    }
}

/// Everything the server has, in its own order.
#[derive(Debug, Default)]
pub(crate) struct Discovery {
    pub(crate) resources: Vec<Resource>,
    /// `apps/v1` and the like.
    pub(crate) versions: Vec<String>,
}

impl Discovery {
    pub(crate) fn load(session: &mut Session<'_, '_>) -> Outcome<Self> {
        let mut discovery = Self::default();
        for root in ["/api", "/apis"] {
            let (status, body) = session.exchange(
                "GET",
                &format!("{root}?timeout=32s"),
                AGGREGATED,
                "",
                Vec::new(),
            )?;
            if status >= 400 {
                return Err(crate::session::refused(status, &body));
            }
            let value: Value = serde_json::from_slice(&body).map_err(|error| {
                Fail::message(format!(
                    "couldn't get current server API group list: {error}"
                ))
            })?;
            if value["kind"] == "APIGroupDiscoveryList" {
                discovery.add_aggregated(&value);
            } else {
                discovery.add_legacy(session, root, &value)?;
            }
        }
        Ok(discovery)
    }

    fn add_aggregated(&mut self, value: &Value) {
        for group in list(value, "items") {
            let group_name = text(group, "metadata.name");
            for (index, version) in list(group, "versions").iter().enumerate() {
                let version_name = text(version, "version");
                self.add_version(group_name, version_name);
                for item in list(version, "resources") {
                    let words = |key: &str| {
                        list(item, key)
                            .iter()
                            .filter_map(Value::as_str)
                            .map(str::to_owned)
                            .collect()
                    };
                    let or = |own: &str, default: &str| {
                        if own.is_empty() {
                            default.to_owned()
                        } else {
                            own.to_owned()
                        }
                    };
                    self.resources.push(Resource {
                        group: or(text(item, "responseKind.group"), group_name),
                        version: or(text(item, "responseKind.version"), version_name),
                        kind: text(item, "responseKind.kind").to_owned(),
                        plural: text(item, "resource").to_owned(),
                        singular: text(item, "singularResource").to_owned(),
                        short: words("shortNames"),
                        categories: words("categories"),
                        verbs: words("verbs"),
                        namespaced: text(item, "scope") == "Namespaced",
                        preferred: index == 0,
                    });
                }
            }
        }
    }

    fn add_version(&mut self, group: &str, version: &str) {
        self.versions.push(if group.is_empty() {
            version.to_owned()
        } else {
            format!("{group}/{version}")
        });
    }

    /// Servers without aggregated discovery answer with lists of names first.
    fn add_legacy(&mut self, session: &mut Session<'_, '_>, root: &str, value: &Value) -> Outcome {
        let mut versions: Vec<(String, String, bool)> = Vec::new();
        for version in list(value, "versions").iter().filter_map(Value::as_str) {
            versions.push((String::new(), version.to_owned(), true));
        }
        for group in list(value, "groups") {
            let preferred = text(group, "preferredVersion.version");
            for version in list(group, "versions") {
                let version = text(version, "version");
                versions.push((
                    text(group, "name").to_owned(),
                    version.to_owned(),
                    version == preferred,
                ));
            }
        }
        for (group, version, preferred) in versions {
            self.add_version(&group, &version);
            let path = if group.is_empty() {
                format!("{root}/{version}")
            } else {
                format!("{root}/{group}/{version}")
            };
            let found = session.get(&path)?;
            for item in list(&found, "resources") {
                let words = |key: &str| {
                    list(item, key)
                        .iter()
                        .filter_map(Value::as_str)
                        .map(str::to_owned)
                        .collect()
                };
                if text(item, "name").contains('/') {
                    continue;
                }
                self.resources.push(Resource {
                    group: group.clone(),
                    version: version.clone(),
                    kind: text(item, "kind").to_owned(),
                    plural: text(item, "name").to_owned(),
                    singular: text(item, "singularName").to_owned(),
                    short: words("shortNames"),
                    categories: words("categories"),
                    verbs: words("verbs"),
                    namespaced: item["namespaced"] == true,
                    preferred,
                });
            }
        }
        Ok(())
    }

    /// A resource by plural, singular, short name or kind, with or without its group.
    pub(crate) fn find(&self, name: &str) -> Outcome<&Resource> {
        let lower = name.to_lowercase();
        let called: Vec<&Resource> = self
            .resources
            .iter()
            .filter(|resource| resource.is_called(&lower))
            .collect();
        called
            .iter()
            .find(|resource| resource.preferred)
            .or(called.first())
            .copied()
            .ok_or_else(|| {
                Fail::message(format!(
                    "the server doesn't have a resource type {}",
                    quoted(name.split('.').next().unwrap_or(name))
                ))
            })
    }

    /// The resource that an object with this apiVersion and kind belongs to.
    pub(crate) fn by_kind(&self, api_version: &str, kind: &str) -> Option<&Resource> {
        self.resources
            .iter()
            .find(|resource| resource.kind == kind && resource.group_version() == api_version)
    }

    /// The resources of a category such as `all`.
    pub(crate) fn category(&self, name: &str) -> Vec<&Resource> {
        self.resources
            .iter()
            .filter(|resource| {
                resource.preferred && resource.categories.iter().any(|category| category == name)
            })
            .collect()
    }
}
