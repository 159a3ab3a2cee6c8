//! Ingresses become the configuration of the nginx that stands in front: which hosts and paths
//! lead to which endpoints. This is what the controller of `ingress-nginx` works out in its Pod.
//!
//! Never serves a request, and never chooses an endpoint for one: nginx does.

pub(crate) mod class;
mod conf;

pub use class::{CONTROLLER, is_controller};

use crate::api::base64;
use crate::controller::meta::{items, name, namespace, text};
use crate::proxy::{Protocol, Rules};
use crate::store::{Object, Store};
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::SocketAddrV4;

/// Where a controller's Pod finds the files.
pub const FOLDER: &str = "/etc/nginx/ingress";

/// What all Ingresses of the class together want.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Wanted {
    /// Hosts by name; the empty one is everybody else's.
    hosts: BTreeMap<String, Host>,
    /// Endpoints by the upstream's name.
    upstreams: BTreeMap<String, Vec<SocketAddrV4>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Host {
    /// The Secret with its certificate, as `namespace/name`.
    tls: Option<String>,
    /// Paths in the order of the Ingresses; the first of two equal ones counts.
    paths: Vec<Path>,
    /// Whether plain HTTP is sent to HTTPS.
    redirect: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Path {
    path: String,
    kind: PathKind,
    upstream: String,
    /// `nginx.ingress.kubernetes.io/rewrite-target`.
    rewrite: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PathKind {
    Exact,
    Prefix,
    /// `nginx.ingress.kubernetes.io/use-regex`, or implied by a rewrite with groups.
    Regex,
}

/// The files of the controller's nginx, by their path below [`FOLDER`].
#[must_use]
pub fn files(store: &Store, rules: &Rules) -> BTreeMap<String, Vec<u8>> {
    let mut wanted = Wanted::default();
    let mut secrets = BTreeMap::new();
    for ingress in class::ours(store) {
        wanted.add(ingress, rules);
        for entry in items(&ingress["spec"]["tls"]) {
            let key = format!("{}/{}", namespace(ingress), text(&entry["secretName"]));
            if let Some(pair) = pair(store, ingress, entry) {
                secrets.insert(key.clone(), pair);
                for host in items(&entry["hosts"]) {
                    wanted.secure(ingress, text(host), &key);
                }
            }
        }
    }
    let mut files = BTreeMap::new();
    for (key, (certificate, private)) in secrets {
        let stem = key.replace('/', "-");
        files.insert(format!("{stem}.crt"), certificate);
        files.insert(format!("{stem}.key"), private);
    }
    files.insert("nginx.conf".to_owned(), conf::text(&wanted).into_bytes());
    files
}

/// What an Ingress asks for and does not get, each in a few words.
#[must_use]
pub fn left_out(ingress: &Value) -> Vec<String> {
    let annotations = ingress["metadata"]["annotations"].as_object();
    let theirs = annotations.into_iter().flatten().map(|(name, _)| name);
    let unknown = theirs.filter(|name| {
        name.strip_prefix(PREFIX)
            .is_some_and(|short| !KNOWN.contains(&short))
    });
    let mut found: Vec<String> = unknown
        .map(|name| format!("not in this lab: the annotation {name}"))
        .collect();
    if annotation(ingress, REWRITE).is_some_and(|target| !is_word(target)) {
        found.push(format!("{PREFIX}{REWRITE} is not one word of nginx"));
    }
    let spec = &ingress["spec"];
    let paths = items(&spec["rules"])
        .iter()
        .flat_map(|rule| items(&rule["http"]["paths"]));
    let backends = paths.clone().map(|entry| &entry["backend"]);
    if backends
        .chain([&spec["defaultBackend"]])
        .any(|backend| backend["resource"].is_object())
    {
        found.push("not in this lab: backends that are resources".to_owned());
    }
    let odd = paths.map(|entry| text(&entry["path"]));
    let odd = odd.filter(|path| !is_word(path));
    found.extend(odd.map(|path| format!("the path {path:?} is not one word of nginx")));
    found
}

/// Whether a text is one word of nginx' configuration, which nothing in it ends.
fn is_word(text: &str) -> bool {
    let ends = |c: char| c.is_whitespace() || c.is_control() || "{};\"'#".contains(c);
    !text.contains(ends) && !text.ends_with('\\')
}

const PREFIX: &str = "nginx.ingress.kubernetes.io/";
const REWRITE: &str = "rewrite-target";
const KNOWN: [&str; 3] = [REWRITE, "use-regex", "ssl-redirect"];

fn annotation<'a>(ingress: &'a Value, short: &str) -> Option<&'a str> {
    ingress["metadata"]["annotations"][format!("{PREFIX}{short}")].as_str()
}

impl Wanted {
    fn add(&mut self, ingress: &Object, rules: &Rules) {
        let spec = &ingress["spec"];
        if spec["defaultBackend"].is_object() {
            let upstream = self.upstream(ingress, &spec["defaultBackend"], rules);
            self.path("", "/", PathKind::Prefix, upstream, None);
        }
        let regex = annotation(ingress, "use-regex") == Some("true");
        let rewrite = annotation(ingress, REWRITE)
            .filter(|target| is_word(target))
            .map(str::to_owned);
        for rule in items(&spec["rules"]) {
            let host = text(&rule["host"]);
            self.hosts.entry(host.to_owned()).or_default();
            for entry in items(&rule["http"]["paths"]) {
                let kind = match text(&entry["pathType"]) {
                    "Exact" => PathKind::Exact,
                    "ImplementationSpecific" if regex || rewrite.is_some() => PathKind::Regex,
                    _ if regex => PathKind::Regex,
                    _ => PathKind::Prefix,
                };
                let path = match text(&entry["path"]) {
                    "" => "/",
                    path => path,
                };
                let upstream = self.upstream(ingress, &entry["backend"], rules);
                self.path(host, path, kind, upstream, rewrite.clone());
            }
        }
    }

    fn path(
        &mut self,
        host: &str,
        path: &str,
        kind: PathKind,
        upstream: String,
        rewrite: Option<String>,
    ) {
        // Nothing that would end a word of nginx' configuration gets into it.
        if !is_word(path) {
            return;
        }
        let paths = &mut self.hosts.entry(host.to_owned()).or_default().paths;
        if !paths.iter().any(|old| old.path == path && old.kind == kind) {
            paths.push(Path {
                path: path.to_owned(),
                kind,
                upstream,
                rewrite,
            });
        }
    }

    /// The name of the upstream for a backend; one without endpoints has no addresses.
    fn upstream(&mut self, ingress: &Object, backend: &Value, rules: &Rules) -> String {
        let space = namespace(ingress);
        let service = text(&backend["service"]["name"]);
        let port = &backend["service"]["port"];
        let found = rules.services.iter().find(|rule| {
            rule.namespace == space
                && rule.service == service
                && rule.protocol == Protocol::Tcp
                && (port["number"] == rule.port
                    || port["name"].as_str() == Some(rule.port_name.as_str()))
        });
        let label = match port["number"].as_u64() {
            Some(number) => number.to_string(),
            None => text(&port["name"]).to_owned(),
        };
        let name = format!("{space}-{service}-{label}");
        let endpoints = found.map(|rule| rule.endpoints.iter().map(|one| one.addr).collect());
        self.upstreams
            .insert(name.clone(), endpoints.unwrap_or_default());
        name
    }

    fn secure(&mut self, ingress: &Object, host: &str, secret: &str) {
        let Some(host) = self.hosts.get_mut(host) else {
            return;
        };
        host.tls = Some(secret.to_owned());
        host.redirect = annotation(ingress, "ssl-redirect") != Some("false");
    }
}

/// The certificate and the key of a TLS entry's Secret, if it has both.
fn pair(store: &Store, ingress: &Object, entry: &Value) -> Option<(Vec<u8>, Vec<u8>)> {
    let secret = store.get("secrets", namespace(ingress), text(&entry["secretName"]))?;
    let data = |key: &str| base64::decode(secret["data"][key].as_str()?);
    let (certificate, private) = (data("tls.crt")?, data("tls.key")?);
    let pem = |bytes: &[u8]| bytes.starts_with(b"-----BEGIN ");
    (pem(&certificate) && pem(&private)).then_some((certificate, private))
}

/// An Ingress by `namespace/name`, as the controller's Events and messages have it.
#[must_use]
pub fn label(ingress: &Value) -> String {
    format!("{}/{}", namespace(ingress), name(ingress))
}
