//! What this API can do, told to clients: groups, resources, versions. Derived from the kinds.

use super::negotiate::parameter;
use super::request::{Body, Request, Response};
use super::status::Failure;
use super::{base64, health, openapi};
use crate::kind::view::VIEWS;
use crate::kind::{ALL_VERBS, Kind, Subresource, served};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::net::SocketAddrV4;

/// The version this API speaks.
const MAJOR: &str = "1";
const MINOR: &str = "36";
/// What `kubectl version` shows.
pub(crate) const GIT_VERSION: &str = "v1.36.2";

/// The named groups with their versions, both in the order in which clients prefer them; recorded.
pub(super) const GROUPS: [(&str, &[&str]); 20] = [
    ("apiregistration.k8s.io", &["v1"]),
    ("apps", &["v1"]),
    ("events.k8s.io", &["v1"]),
    ("authentication.k8s.io", &["v1"]),
    ("authorization.k8s.io", &["v1"]),
    ("autoscaling", &["v2", "v1"]),
    ("batch", &["v1"]),
    ("certificates.k8s.io", &["v1"]),
    ("networking.k8s.io", &["v1"]),
    ("policy", &["v1"]),
    ("rbac.authorization.k8s.io", &["v1"]),
    ("storage.k8s.io", &["v1"]),
    ("admissionregistration.k8s.io", &["v1"]),
    ("apiextensions.k8s.io", &["v1"]),
    ("scheduling.k8s.io", &["v1"]),
    ("coordination.k8s.io", &["v1"]),
    ("node.k8s.io", &["v1"]),
    ("discovery.k8s.io", &["v1"]),
    ("resource.k8s.io", &["v1"]),
    ("flowcontrol.apiserver.k8s.io", &["v1"]),
];

/// The versions of a group, none when there is no such group.
pub(super) fn versions(group: &str) -> &'static [&'static str] {
    let found = GROUPS.iter().find(|(name, _)| *name == group);
    match group {
        "" => &["v1"],
        _ => found.map_or(&[], |(_, versions)| *versions),
    }
}

/// Answers a GET of a path that describes the API; `None` when nothing is there.
pub(super) fn describe(
    request: &Request,
    server: SocketAddrV4,
) -> Result<Option<Response>, Failure> {
    let parts: Vec<&str> = request
        .path
        .split('/')
        .filter(|part| !part.is_empty())
        .collect();
    let response = match parts[..] {
        [] => Response::json(200, &json!({ "paths": paths() })),
        ["version"] => Response::of_type(200, "application/json", version()),
        ["openapi", "v2"] => openapi::version_2(request),
        ["openapi", "v3", ref rest @ ..] => return Ok(openapi::answer(request, rest)),
        ["api"] => match aggregated(request) {
            Some(version) => cached(request, version, &aggregate(version, &[""])),
            None => Response::json(200, &core_versions(server)),
        },
        ["apis"] => match aggregated(request) {
            Some(version) => {
                let groups = GROUPS.map(|(group, _)| group);
                cached(request, version, &aggregate(version, &groups))
            }
            None => {
                let groups = GROUPS.map(|(name, _)| group(name)).to_vec();
                Response::json(
                    200,
                    &json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}),
                )
            }
        },
        ["apis", name] if !versions(name).is_empty() => {
            let mut group = group(name);
            group["kind"] = "APIGroup".into();
            group["apiVersion"] = "v1".into();
            Response::json(200, &group)
        }
        ["api", "v1"] => Response::json(200, &resources("", "v1")),
        ["apis", name, version] if versions(name).contains(&version) => {
            Response::json(200, &resources(name, version))
        }
        _ => return Ok(None),
    };
    Ok(Some(response))
}

/// Written for people whoever asks, field by field in upstream's order, and without an end of line.
fn version() -> Vec<u8> {
    let fields = [
        ("major", MAJOR),
        ("minor", MINOR),
        ("emulationMajor", MAJOR),
        ("emulationMinor", MINOR),
        ("minCompatibilityMajor", MAJOR),
        ("minCompatibilityMinor", "35"),
        ("gitVersion", GIT_VERSION),
        ("gitCommit", "0000000000000000000000000000000000000000"),
        ("gitTreeState", "clean"),
        ("buildDate", "2026-07-15T00:00:00Z"),
        ("goVersion", "go1.26.6"),
        ("compiler", "gc"),
        ("platform", "linux/amd64"),
    ];
    let lines = fields.map(|(name, value)| format!("  \"{name}\": \"{value}\""));
    format!("{{\n{}\n}}", lines.join(",\n")).into_bytes()
}

/// What is below `/`, in alphabetical order.
fn paths() -> Vec<String> {
    let mut paths: Vec<String> = ["/api", "/api/v1", "/apis", "/openapi/v2", "/openapi/v3"]
        .map(str::to_owned)
        .to_vec();
    paths.push("/version".to_owned());
    for (group, versions) in GROUPS {
        paths.push(format!("/apis/{group}"));
        let versions = versions.iter();
        paths.extend(versions.map(|version| format!("/apis/{group}/{version}")));
    }
    paths.extend(health::paths());
    paths.sort();
    paths
}

fn core_versions(server: SocketAddrV4) -> Value {
    json!({
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [
            {"clientCIDR": "0.0.0.0/0", "serverAddress": server.to_string()},
        ],
    })
}

fn group(name: &str) -> Value {
    let version =
        |version: &&str| json!({"groupVersion": format!("{name}/{version}"), "version": version});
    let versions: Vec<Value> = versions(name).iter().map(version).collect();
    json!({"name": name, "preferredVersion": versions.first(), "versions": versions})
}

/// The kinds of a group and version, in alphabetical order.
pub(super) fn kinds_of(group: &str, version: &str) -> Vec<&'static dyn Kind> {
    let own = |kind: &&dyn Kind| kind.names().group == group && kind.names().version == version;
    let mut kinds: Vec<&dyn Kind> = served().filter(own).collect();
    kinds.sort_by_key(|kind| kind.names().plural);
    kinds
}

/// The list of resources of a group and version.
pub(super) fn resources(group: &str, version: &str) -> Value {
    let mut all = Vec::new();
    for kind in kinds_of(group, version) {
        let names = kind.names();
        let mut entry = json!({
            "name": names.plural,
            "singularName": names.singular,
            "namespaced": names.namespaced,
            "kind": names.kind,
            "verbs": kind.verbs(),
        });
        if kind.verbs().len() >= ALL_VERBS.len() - 1 {
            entry["storageVersionHash"] = storage_version(kind).into();
        }
        put_list(&mut entry, "shortNames", names.short);
        put_list(&mut entry, "categories", names.categories);
        all.push(entry);
        for sub in kind.subresources() {
            all.push(subresource(kind, sub));
        }
    }
    let group_version = if group.is_empty() {
        version.to_owned()
    } else {
        format!("{group}/{version}")
    };
    let mut list =
        json!({"kind": "APIResourceList", "groupVersion": group_version, "resources": all});
    if !group.is_empty() {
        list["apiVersion"] = "v1".into();
    }
    list
}

fn subresource(kind: &dyn Kind, sub: &Subresource) -> Value {
    let names = kind.names();
    let mut entry = json!({
        "name": format!("{}/{}", names.plural, sub.name),
        "singularName": "",
        "namespaced": names.namespaced,
        "kind": sub.answers.map_or(names.kind, |(_, _, kind)| kind),
        "verbs": sub.verbs,
    });
    if let Some((group, version, _)) = sub.answers.filter(|(group, _, _)| !group.is_empty()) {
        entry["group"] = group.into();
        entry["version"] = version.into();
    }
    entry
}

/// The name of the form in which objects are kept, as upstream computes it.
fn storage_version(kind: &dyn Kind) -> String {
    let kept = VIEWS
        .iter()
        .find(|view| view.kind().names() == kind.names());
    let names = kept.map_or(kind.names(), |view| view.kept().names());
    let form = format!("{}/{}/{}", names.group, names.version, names.kind);
    base64::encode(&Sha256::digest(form.as_bytes())[..8])
}

fn put_list(entry: &mut Value, field: &str, list: &[&str]) {
    if !list.is_empty() {
        entry[field] = list.into();
    }
}

/// The version of aggregated discovery that the client asks for.
fn aggregated(request: &Request) -> Option<&'static str> {
    request.accept.split(',').find_map(|clause| {
        let wanted = parameter(clause, "as") == Some("APIGroupDiscoveryList")
            && parameter(clause, "g") == Some("apidiscovery.k8s.io");
        match parameter(clause, "v") {
            Some("v2") if wanted => Some("v2"),
            Some("v2beta1") if wanted => Some("v2beta1"),
            _ => None,
        }
    })
}

fn aggregate(version: &str, groups: &[&str]) -> Value {
    let item = |group: &&str| {
        let of_version = |version: &&str| {
            let kinds = kinds_of(group, version).into_iter();
            let resources: Vec<Value> = kinds.map(aggregate_kind).collect();
            json!({"version": version, "resources": resources, "freshness": "Current"})
        };
        let versions: Vec<Value> = versions(group).iter().map(of_version).collect();
        let mut metadata = json!({});
        if !group.is_empty() {
            metadata["name"] = (*group).into();
        }
        json!({
            "metadata": metadata,
            "versions": versions,
        })
    };
    json!({
        "kind": "APIGroupDiscoveryList",
        "apiVersion": format!("apidiscovery.k8s.io/{version}"),
        "metadata": {},
        "items": groups.iter().map(item).collect::<Vec<_>>(),
    })
}

fn aggregate_kind(kind: &dyn Kind) -> Value {
    let names = kind.names();
    let response =
        |(group, version, kind)| json!({"group": group, "version": version, "kind": kind});
    let mut entry = json!({
        "resource": names.plural,
        "responseKind": response(("", "", names.kind)),
        "scope": if names.namespaced { "Namespaced" } else { "Cluster" },
        "singularResource": names.singular,
        "verbs": kind.verbs(),
    });
    put_list(&mut entry, "shortNames", names.short);
    put_list(&mut entry, "categories", names.categories);
    let sub = |sub: &Subresource| {
        let answers = sub.answers.filter(|(group, _, _)| !group.is_empty());
        let kind = sub.answers.map_or(names.kind, |(_, _, kind)| kind);
        json!({
            "subresource": sub.name,
            "responseKind": response(answers.unwrap_or(("", "", kind))),
            "verbs": sub.verbs,
        })
    };
    let subs: Vec<Value> = kind.subresources().iter().map(sub).collect();
    if !subs.is_empty() {
        entry["subresources"] = subs.into();
    }
    entry
}

/// An answer that a client may keep until its hash changes.
fn cached(request: &Request, version: &str, value: &Value) -> Response {
    let bytes = value.to_string().into_bytes();
    let tag = format!("\"{}\"", hash(&bytes));
    let unchanged = request.if_none_match.as_deref() == Some(tag.as_str());
    let headers = vec![
        ("cache-control", "public".to_owned()),
        (
            "content-type",
            format!("application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList"),
        ),
        ("etag", tag),
        ("vary", "Accept".to_owned()),
    ];
    let status = if unchanged { 304 } else { 200 };
    Response {
        status,
        headers,
        body: Body::Bytes(if unchanged { Vec::new() } else { bytes }),
    }
}

/// A name for some content, which changes with it: FNV-1a twice, in capital hexadecimal.
pub(super) fn hash(bytes: &[u8]) -> String {
    let fnv = |start: u64| {
        bytes.iter().fold(start, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
        })
    };
    format!(
        "{:016X}{:016X}",
        fnv(0xcbf2_9ce4_8422_2325),
        fnv(0x6c62_272e_07bb_0142)
    )
}

/// A JSON object from pairs.
pub(super) fn object<const N: usize>(pairs: [(&str, Value); N]) -> Map<String, Value> {
    pairs
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}
