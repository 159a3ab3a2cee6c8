//! What a pod's volumes hold: ConfigMaps, Secrets, emptyDirs, downward fields, projections of them,
//! and directories that outlive the pod.
//!
//! A volume whose source is missing keeps the whole pod from starting. Never writes a file.

use super::command::{Environment, FileContent, Mount};
use super::token::{Tokens, token};
use crate::controller::meta::{items, name, namespace, text, uid};
use crate::kind::quantity::thousandths;
use crate::store::Store;
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

type Files = BTreeMap<String, FileContent>;

/// What a pod may know about itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Downward<'a> {
    pub(crate) pod: &'a Value,
    pub(crate) ip: Option<Ipv4Addr>,
    pub(crate) node_ip: Ipv4Addr,
    /// Without them tokens are empty, as while it is only asked whether a volume can be had.
    pub(crate) tokens: Option<Tokens<'a>>,
}

impl Downward<'_> {
    /// The value of a field path such as `status.podIP` or `metadata.labels['app']`.
    pub(crate) fn field(&self, path: &str) -> String {
        let metadata = &self.pod["metadata"];
        let part = |of: &str| {
            path.strip_prefix(of)
                .and_then(|rest| rest.strip_prefix("['"))
                .and_then(|rest| rest.strip_suffix("']"))
        };
        if let Some(key) = part("metadata.labels") {
            return text(&metadata["labels"][key]).to_owned();
        }
        if let Some(key) = part("metadata.annotations") {
            return text(&metadata["annotations"][key]).to_owned();
        }
        match path {
            "metadata.name" => name(self.pod).to_owned(),
            "metadata.namespace" => namespace(self.pod).to_owned(),
            "metadata.uid" => uid(self.pod).to_owned(),
            "metadata.labels" => pairs(&metadata["labels"]),
            "metadata.annotations" => pairs(&metadata["annotations"]),
            "spec.nodeName" => text(&self.pod["spec"]["nodeName"]).to_owned(),
            "spec.serviceAccountName" => text(&self.pod["spec"]["serviceAccountName"]).to_owned(),
            "status.podIP" | "status.podIPs" => {
                self.ip.map_or_else(String::new, |ip| ip.to_string())
            }
            "status.hostIP" | "status.hostIPs" => self.node_ip.to_string(),
            _ => String::new(),
        }
    }

    /// The value of a resource such as `limits.memory`, in units of the divisor.
    pub(crate) fn resource(&self, container: &Value, path: &str, divisor: &str) -> String {
        let stated = path
            .split_once('.')
            .and_then(|(list, resource)| container["resources"][list][resource].as_str());
        // Who states no limit may use the whole node; who requests nothing requests nothing.
        let whole = match path {
            "limits.cpu" => "2",
            "limits.memory" => "24581696Ki",
            "limits.ephemeral-storage" => "243497856212",
            _ => "0",
        };
        let amount = thousandths(stated.unwrap_or(whole)).unwrap_or(0);
        let divisor = thousandths(divisor)
            .filter(|divisor| *divisor > 0)
            .unwrap_or(1000);
        (amount / divisor + i128::from(amount % divisor != 0)).to_string()
    }
}

/// Labels or annotations as a file shows them: `key="escaped value"`, a line each.
fn pairs(map: &Value) -> String {
    let lines = map
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}={value}"));
    lines.collect::<Vec<_>>().join("\n")
}

/// Why a volume cannot be set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MountError {
    /// The volume.
    pub(crate) volume: String,
    /// The sentence of the Event `FailedMount`.
    pub(crate) message: String,
}

/// Checks every volume of a pod; all that are missing something, in order.
pub(crate) fn check(store: &Store, downward: &Downward<'_>) -> Vec<MountError> {
    let downward = &Downward {
        tokens: None,
        ..*downward
    };
    let volumes = items(&downward.pod["spec"]["volumes"]).iter();
    let failed = volumes.filter_map(|volume| {
        let error = contents(store, downward, volume).err()?;
        let volume = text(&volume["name"]).to_owned();
        let message = match error {
            Trouble::SetUp(why) => {
                format!("MountVolume.SetUp failed for volume \"{volume}\" : {why}")
            }
            Trouble::Unready(why) => format!(
                "Unable to attach or mount volumes: unmounted volumes=[{volume}], unattached volumes=[], failed to process volumes=[{volume}]: {why}"
            ),
        };
        Some(MountError { volume, message })
    });
    failed.collect()
}

/// What a container with this environment sees of the pod's volumes; why it cannot be made.
///
/// # Errors
/// The words of the kubelet for a `subPathExpr` that leads nowhere.
pub(crate) fn mounts(
    store: &Store,
    downward: &Downward<'_>,
    container: &Value,
    environment: &Environment,
) -> Result<Vec<Mount>, String> {
    let volumes = items(&downward.pod["spec"]["volumes"]);
    let mut mounts: Vec<Mount> = Vec::new();
    for mount in items(&container["volumeMounts"]) {
        let volume_name = text(&mount["name"]);
        let volume = volumes.iter().find(|volume| volume["name"] == volume_name);
        let Some(volume) = volume else { continue };
        let kept_by_kubelet = ["configMap", "secret", "projected", "downwardAPI"]
            .iter()
            .any(|source| !volume[*source].is_null());
        let files = contents(store, downward, volume).unwrap_or_default();
        let sub_path = sub_path(mount, environment)?;
        let of_claim = volume["persistentVolumeClaim"]["readOnly"] == true;
        mounts.push(Mount {
            path: text(&mount["mountPath"]).to_owned(),
            volume: volume_name.to_owned(),
            files: below(files, &sub_path),
            read_only: mount["readOnly"] == true || kept_by_kubelet || of_claim,
            shared: !kept_by_kubelet,
            sub_path: if kept_by_kubelet {
                String::new()
            } else {
                sub_path
            },
            lasting: lasting(store, downward.pod, volume).unwrap_or_default(),
        });
    }
    Ok(mounts)
}

/// The part of its volume that a mount shows, with variables put in.
fn sub_path(mount: &Value, environment: &Environment) -> Result<String, String> {
    let expression = text(&mount["subPathExpr"]);
    if expression.is_empty() {
        return Ok(text(&mount["subPath"]).to_owned());
    }
    let missing: Vec<&str> = super::env::names_in(expression)
        .into_iter()
        .filter(|name| environment.get(name).is_none_or(str::is_empty))
        .collect();
    if !missing.is_empty() {
        return Err(format!("missing value for {}", missing.join(", ")));
    }
    let path = super::env::expand(expression, environment);
    if path.starts_with('/') {
        return Err(format!(
            "error SubPath `{path}` must not be an absolute path"
        ));
    }
    if path.split('/').any(|part| part == "..") {
        return Err(format!(
            "unable to provision SubPath `{path}`: must not contain '..'"
        ));
    }
    Ok(path)
}

/// The objects a volume is made of: kinds of the store, and names in the pod's namespace.
pub(crate) fn sources_of(volume: &Value) -> Vec<(&'static str, &str)> {
    let projected = items(&volume["projected"]["sources"]);
    let one = |source: &'static str, field: &'static str, kind: &'static str| {
        let here = volume[source][field].as_str();
        let there = projected
            .iter()
            .filter_map(move |part| part[source]["name"].as_str());
        here.into_iter().chain(there).map(move |name| (kind, name))
    };
    one("configMap", "name", "configmaps")
        .chain(one("secret", "secretName", "secrets"))
        .collect()
}

/// The key of the directory behind a volume that outlives the pod, if it is one.
fn lasting(store: &Store, pod: &Value, volume: &Value) -> Result<Option<String>, Trouble> {
    let node = text(&pod["spec"]["nodeName"]);
    if let Some(path) = volume["hostPath"]["path"].as_str() {
        return Ok(Some(directory(node, path)));
    }
    let Some(claim_name) = volume["persistentVolumeClaim"]["claimName"].as_str() else {
        return Ok(None);
    };
    let space = namespace(pod);
    let unready = |why: &str| {
        let why = format!("error processing PVC {space}/{claim_name}: {why}");
        Err(Trouble::Unready(why))
    };
    let Some(claim) = store.get("persistentvolumeclaims", space, claim_name) else {
        let why = format!(
            "failed to fetch PVC from API server: persistentvolumeclaim \"{claim_name}\" not found"
        );
        return unready(&why);
    };
    let name_of_volume = text(&claim["spec"]["volumeName"]);
    if claim["status"]["phase"] != "Bound" || name_of_volume.is_empty() {
        return unready("PVC is not bound");
    }
    let Some(held) = store.get("persistentvolumes", "", name_of_volume) else {
        let why = format!("failed to fetch PV {name_of_volume} from API server");
        return unready(&why);
    };
    match key_of(node, held) {
        Some(key) => Ok(Some(key)),
        None => Err(Trouble::SetUp(format!(
            "not in this lab: volumes other than hostPath and local ({name_of_volume})"
        ))),
    }
}

/// The key of the directory that a PersistentVolume is on a node; none when it is no directory.
pub(crate) fn key_of(node: &str, volume: &Value) -> Option<String> {
    let mut paths = ["hostPath", "local"]
        .iter()
        .filter_map(|source| volume["spec"][*source]["path"].as_str());
    paths.next().map(|path| directory(node, path))
}

fn directory(node: &str, path: &str) -> String {
    format!("{node}:{}", path.trim_end_matches('/'))
}

/// The part of a volume that `subPath` names: one file, or a directory.
fn below(files: Files, sub_path: &str) -> Files {
    if sub_path.is_empty() {
        return files;
    }
    let directory = format!("{sub_path}/");
    files
        .into_iter()
        .filter_map(|(path, content)| {
            if path == sub_path {
                return Some((String::new(), content));
            }
            path.strip_prefix(&directory)
                .map(|rest| (rest.to_owned(), content))
        })
        .collect()
}

/// What keeps a volume from being there.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Trouble {
    /// What it is made of is missing.
    SetUp(String),
    /// Its claim has no volume yet.
    Unready(String),
}

fn contents(store: &Store, downward: &Downward<'_>, volume: &Value) -> Result<Files, Trouble> {
    if lasting(store, downward.pod, volume)?.is_some() {
        return Ok(Files::new());
    }
    files_of(store, downward, volume).map_err(Trouble::SetUp)
}

fn files_of(store: &Store, downward: &Downward<'_>, volume: &Value) -> Result<Files, String> {
    if let Some(source) = volume.get("configMap") {
        return from_object(store, downward, "configmaps", text(&source["name"]), source);
    }
    if let Some(source) = volume.get("secret") {
        return from_object(
            store,
            downward,
            "secrets",
            text(&source["secretName"]),
            source,
        );
    }
    if let Some(source) = volume.get("downwardAPI") {
        return Ok(from_downward(
            downward,
            source,
            mode(&source["defaultMode"]),
        ));
    }
    let Some(projected) = volume.get("projected") else {
        return Ok(Files::new());
    };
    let default_mode = mode(&projected["defaultMode"]);
    let mut files = Files::new();
    for source in items(&projected["sources"]) {
        if let Some(source) = source.get("configMap") {
            files.extend(from_object(
                store,
                downward,
                "configmaps",
                text(&source["name"]),
                source,
            )?);
        } else if let Some(source) = source.get("secret") {
            files.extend(from_object(
                store,
                downward,
                "secrets",
                text(&source["name"]),
                source,
            )?);
        } else if let Some(source) = source.get("downwardAPI") {
            files.extend(from_downward(downward, source, default_mode));
        } else if let Some(source) = source.get("serviceAccountToken") {
            let made = downward.tokens;
            let made = made.map(|tokens| token(store, downward, source, &tokens));
            let content = FileContent {
                bytes: made.unwrap_or_default().into_bytes(),
                mode: default_mode,
            };
            files.insert(text(&source["path"]).to_owned(), content);
        }
    }
    Ok(files)
}

fn from_downward(downward: &Downward<'_>, source: &Value, mode: u32) -> Files {
    let files = items(&source["items"]).iter().map(|item| {
        let value = match item["fieldRef"]["fieldPath"].as_str() {
            Some(path) => downward.field(path),
            None => {
                let reference = &item["resourceFieldRef"];
                let containers = items(&downward.pod["spec"]["containers"]);
                let container = containers
                    .iter()
                    .find(|container| container["name"] == reference["containerName"]);
                downward.resource(
                    container.unwrap_or(&Value::Null),
                    text(&reference["resource"]),
                    text(&reference["divisor"]),
                )
            }
        };
        (
            text(&item["path"]).to_owned(),
            FileContent {
                bytes: value.into_bytes(),
                mode,
            },
        )
    });
    files.collect()
}

fn from_object(
    store: &Store,
    downward: &Downward<'_>,
    kind: &str,
    object_name: &str,
    source: &Value,
) -> Result<Files, String> {
    let namespace = namespace(downward.pod);
    let optional = source["optional"] == true;
    let Some(object) = store.get(kind, namespace, object_name) else {
        let word = if kind == "secrets" {
            "secret"
        } else {
            "configmap"
        };
        return if optional {
            Ok(Files::new())
        } else {
            Err(format!("{word} \"{object_name}\" not found"))
        };
    };
    let mut all: BTreeMap<&str, Vec<u8>> = BTreeMap::new();
    for (key, value) in object["data"].as_object().into_iter().flatten() {
        let bytes = if kind == "secrets" {
            decode(text(value))
        } else {
            text(value).as_bytes().to_vec()
        };
        all.insert(key, bytes);
    }
    for (key, value) in object["binaryData"].as_object().into_iter().flatten() {
        all.insert(key, decode(text(value)));
    }
    let default_mode = mode(&source["defaultMode"]);
    let Some(wanted) = source["items"].as_array() else {
        return Ok(all
            .into_iter()
            .map(|(key, bytes)| {
                (
                    key.to_owned(),
                    FileContent {
                        bytes,
                        mode: default_mode,
                    },
                )
            })
            .collect());
    };
    let mut files = Files::new();
    for item in wanted {
        match all.get(text(&item["key"])) {
            Some(bytes) => {
                let mode = item["mode"]
                    .as_u64()
                    .and_then(|mode| u32::try_from(mode).ok())
                    .unwrap_or(default_mode);
                files.insert(
                    text(&item["path"]).to_owned(),
                    FileContent {
                        bytes: bytes.clone(),
                        mode,
                    },
                );
            }
            None if optional => {}
            None => {
                let word = if kind == "secrets" {
                    "secret"
                } else {
                    "configmap"
                };
                return Err(format!(
                    "references non-existent {word} key: {}",
                    text(&item["key"])
                ));
            }
        }
    }
    Ok(files)
}

fn mode(value: &Value) -> u32 {
    value
        .as_u64()
        .and_then(|mode| u32::try_from(mode).ok())
        .unwrap_or(0o644)
}

/// Base64 as Secrets have it; letters outside the alphabet are skipped.
pub(crate) fn decode(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut count) = (0_u32, 0_u32);
    for letter in text.bytes() {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => continue,
        };
        bits = (bits << 6) | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(((bits >> count) & 0xff) as u8);
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Issuer;
    use serde_json::json;

    fn with_secret() -> Store {
        let mut store = Store::default();
        let secret = json!({"metadata": {"namespace": "default", "name": "tls"}, "data": {"tls.crt": "aGVsbG8=", "tls.key": "AAEC"}});
        store
            .create("secrets", secret)
            .expect("a fresh store takes it");
        store
    }

    fn pod(volume: Value) -> Value {
        json!({"metadata": {"namespace": "default", "name": "p"}, "spec": {"volumes": [volume]}})
    }

    fn downward(pod: &Value) -> Downward<'_> {
        Downward {
            pod,
            ip: None,
            node_ip: Ipv4Addr::LOCALHOST,
            tokens: None,
        }
    }

    #[test]
    fn a_missing_secret_is_named_as_upstream_names_it() {
        let pod = pod(json!({"name": "x", "secret": {"secretName": "y"}}));
        let errors = check(&Store::default(), &downward(&pod));
        assert_eq!(
            errors[0].message,
            "MountVolume.SetUp failed for volume \"x\" : secret \"y\" not found"
        );
    }

    #[test]
    fn a_secret_becomes_files_and_a_sub_path_one_of_them() {
        let pod = pod(json!({"name": "x", "secret": {"secretName": "tls"}}));
        let store = with_secret();
        let whole = json!({"volumeMounts": [{"name": "x", "mountPath": "/ssl"}]});
        let mount = &mounts(&store, &downward(&pod), &whole, &Environment::default())
            .expect("they can be made")[0];
        assert_eq!(mount.files["tls.crt"].bytes, b"hello");
        assert_eq!(mount.files["tls.key"].bytes, [0, 1, 2]);
        assert!(mount.read_only && !mount.shared);
        let one =
            json!({"volumeMounts": [{"name": "x", "mountPath": "/cert", "subPath": "tls.crt"}]});
        let mount = &mounts(&store, &downward(&pod), &one, &Environment::default())
            .expect("they can be made")[0];
        assert_eq!(mount.files.keys().collect::<Vec<_>>(), [""]);
    }

    #[test]
    fn a_token_is_its_accounts_and_bound_to_the_pod() {
        let source = json!({"serviceAccountToken": {"path": "token", "expirationSeconds": 600}});
        let pod = pod(json!({"name": "x", "projected": {"sources": [source]}}));
        let container = json!({"volumeMounts": [{"name": "x", "mountPath": "/t"}]});
        let issuer = Issuer::of_seed(clock::Seed::new(1));
        let tokens = Tokens {
            issuer: &issuer,
            now: 50,
        };
        let downward = Downward {
            tokens: Some(tokens),
            ..downward(&pod)
        };
        let mounts = mounts(
            &Store::default(),
            &downward,
            &container,
            &Environment::default(),
        );
        let mount = &mounts.expect("they can be made")[0];
        let token = String::from_utf8(mount.files["token"].bytes.clone()).expect("a text");
        let claims = issuer.read(&token).expect("a token of this issuer");
        assert_eq!(claims["sub"], "system:serviceaccount:default:default");
        assert_eq!(claims["kubernetes.io"]["pod"]["name"], "p");
        assert_eq!((&claims["iat"], &claims["exp"]), (&json!(50), &json!(650)));
    }

    #[test]
    fn an_empty_dir_is_shared_and_writable() {
        let pod = pod(json!({"name": "x", "emptyDir": {}}));
        let container = json!({"volumeMounts": [{"name": "x", "mountPath": "/data"}]});
        let mount = &mounts(
            &Store::default(),
            &downward(&pod),
            &container,
            &Environment::default(),
        )
        .expect("they can be made")[0];
        assert!(mount.shared && !mount.read_only && mount.files.is_empty());
    }
}
