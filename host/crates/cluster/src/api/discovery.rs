//! What this API can do, told to clients: groups, resources, versions. Derived from the kinds.

use super::negotiate::parameter;
use super::openapi;
use super::request::{Body, Request, Response};
use super::status::Failure;
use crate::kind::{KINDS, Kind, Subresource};
use serde_json::{Map, Value, json};
use std::net::SocketAddrV4;

/// The version this API speaks.
const MAJOR: &str = "1";
const MINOR: &str = "36";
/// What `kubectl version` shows.
pub(crate) const GIT_VERSION: &str = "v1.36.2";

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
        ["version"] => Response::json(200, &version()),
        ["openapi", "v2"] => openapi::version_2(request),
        ["openapi", "v3", ref rest @ ..] => return Ok(openapi::answer(request, rest)),
        ["api"] => match aggregated(request) {
            Some(version) => cached(request, version, &aggregate(version, &[""])),
            None => Response::json(200, &core_versions(server)),
        },
        ["apis"] => match aggregated(request) {
            Some(version) => cached(request, version, &aggregate(version, &groups())),
            None => {
                let groups: Vec<Value> = groups().into_iter().map(group).collect();
                Response::json(
                    200,
                    &json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}),
                )
            }
        },
        ["apis", name] if groups().contains(&name) => {
            let mut group = group(name);
            group["kind"] = "APIGroup".into();
            group["apiVersion"] = "v1".into();
            Response::json(200, &group)
        }
        ["api", "v1"] => Response::json(200, &resources("", "v1")),
        ["apis", name, "v1"] if groups().contains(&name) => {
            Response::json(200, &resources(name, "v1"))
        }
        _ => return Ok(None),
    };
    Ok(Some(response))
}

fn version() -> Value {
    json!({
        "major": MAJOR,
        "minor": MINOR,
        "emulationMajor": MAJOR,
        "emulationMinor": MINOR,
        "minCompatibilityMajor": MAJOR,
        "minCompatibilityMinor": "35",
        "gitVersion": GIT_VERSION,
        "gitCommit": "0000000000000000000000000000000000000000",
        "gitTreeState": "clean",
        "buildDate": "2026-07-15T00:00:00Z",
        "goVersion": "go1.26.6",
        "compiler": "gc",
        "platform": "linux/amd64",
    })
}

/// The named groups, in alphabetical order.
pub(super) fn groups() -> Vec<&'static str> {
    let mut groups: Vec<&str> = KINDS.iter().map(|kind| kind.names().group).collect();
    groups.sort_unstable();
    groups.dedup();
    groups.retain(|group| !group.is_empty());
    groups
}

fn paths() -> Vec<String> {
    let mut paths = vec!["/api".to_owned(), "/api/v1".to_owned(), "/apis".to_owned()];
    for group in groups() {
        paths.push(format!("/apis/{group}"));
        paths.push(format!("/apis/{group}/v1"));
    }
    paths.extend(
        [
            "/healthz",
            "/livez",
            "/openapi/v2",
            "/openapi/v3",
            "/readyz",
            "/version",
        ]
        .map(str::to_owned),
    );
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
    let version = json!({"groupVersion": format!("{name}/v1"), "version": "v1"});
    json!({"name": name, "versions": [version], "preferredVersion": version})
}

fn kinds_of(group: &str) -> Vec<&'static dyn Kind> {
    let mut kinds: Vec<&dyn Kind> = KINDS
        .iter()
        .copied()
        .filter(|kind| kind.names().group == group)
        .collect();
    kinds.sort_by_key(|kind| kind.names().plural);
    kinds
}

fn resources(group: &str, version: &str) -> Value {
    let mut all = Vec::new();
    for kind in kinds_of(group) {
        let names = kind.names();
        let mut entry = json!({
            "name": names.plural,
            "singularName": names.singular,
            "namespaced": names.namespaced,
            "kind": names.kind,
            "verbs": kind.verbs(),
            "storageVersionHash": &hash(names.key.as_bytes())[..12],
        });
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
        let resources: Vec<Value> = kinds_of(group).into_iter().map(aggregate_kind).collect();
        let mut metadata = json!({});
        if !group.is_empty() {
            metadata["name"] = (*group).into();
        }
        json!({
            "metadata": metadata,
            "versions": [{"version": "v1", "resources": resources, "freshness": "Current"}],
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
