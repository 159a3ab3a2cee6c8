//! A container's environment: what the pod writes, what it refers to, and the variables of Services.
//!
//! Only Services that have an address when the container starts are there. Never sets what the
//! image or the machine sets (`PATH`, `HOSTNAME`, `HOME`).

use super::command::Environment;
use super::links::Links;
use super::volume::Downward;
use crate::controller::meta::{items, namespace, text};
use crate::store::Store;
use serde_json::Value;

/// Why a container's configuration cannot be made; the message of `CreateContainerConfigError`.
pub(crate) type ConfigError = String;

/// The environment of a container that sees these Services.
pub(crate) fn environment(
    store: &Store,
    downward: &Downward<'_>,
    container: &Value,
    services: Links,
) -> Result<Environment, ConfigError> {
    let pod = downward.pod;
    let mut environment = Environment {
        own: Vec::new(),
        services,
    };
    for source in items(&container["envFrom"]) {
        for (key, value) in whole_source(store, namespace(pod), source)? {
            environment.set(key, value);
        }
    }
    for variable in items(&container["env"]) {
        let key = text(&variable["name"]).to_owned();
        let value = match variable.get("valueFrom").filter(|from| !from.is_null()) {
            Some(from) => one_source(store, downward, container, from)?,
            None => Some(expand(text(&variable["value"]), &environment)),
        };
        if let Some(value) = value {
            environment.set(key, value);
        }
    }
    Ok(environment)
}

/// Replaces `$(NAME)` by the variable's value; `$$` stands for one dollar, unknown names stay.
pub(crate) fn expand(input: &str, variables: &Environment) -> String {
    let mut output = String::new();
    let mut rest = input;
    while let Some(at) = rest.find('$') {
        output.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            output.push('$');
            rest = after;
        } else if let Some((key, after)) = rest
            .strip_prefix('(')
            .and_then(|inner| inner.split_once(')'))
        {
            match variables.get(key) {
                Some(value) => output.push_str(value),
                None => {
                    output.push_str("$(");
                    output.push_str(key);
                    output.push(')');
                }
            }
            rest = after;
        } else {
            output.push('$');
        }
    }
    output.push_str(rest);
    output
}

/// The names that `$(NAME)` in a text refers to, in order.
pub(crate) fn names_in(input: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut rest = input;
    while let Some(at) = rest.find('$') {
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            rest = after;
        } else if let Some((name, after)) = rest
            .strip_prefix('(')
            .and_then(|inner| inner.split_once(')'))
        {
            names.push(name);
            rest = after;
        }
    }
    names
}

fn whole_source(
    store: &Store,
    namespace: &str,
    source: &Value,
) -> Result<Vec<(String, String)>, ConfigError> {
    let prefix = text(&source["prefix"]);
    let (kind, reference) = match source.get("secretRef") {
        Some(reference) => ("secrets", reference),
        None => ("configmaps", &source["configMapRef"]),
    };
    let Some(object) = store.get(kind, namespace, text(&reference["name"])) else {
        return if reference["optional"] == true {
            Ok(Vec::new())
        } else {
            Err(absent(kind, text(&reference["name"])))
        };
    };
    let Some(data) = object["data"].as_object() else {
        return Ok(Vec::new());
    };
    Ok(data
        .iter()
        .map(|(key, value)| (format!("{prefix}{key}"), plain(kind, value)))
        .collect())
}

fn one_source(
    store: &Store,
    downward: &Downward<'_>,
    container: &Value,
    from: &Value,
) -> Result<Option<String>, ConfigError> {
    if let Some(field) = from["fieldRef"]["fieldPath"].as_str() {
        return Ok(Some(downward.field(field)));
    }
    if let Some(resource) = from["resourceFieldRef"]["resource"].as_str() {
        let other = from["resourceFieldRef"]["containerName"].as_str();
        let spec = &downward.pod["spec"];
        let named = other.filter(|name| !name.is_empty()).map(|name| {
            let all = items(&spec["containers"])
                .iter()
                .chain(items(&spec["initContainers"]));
            let mut all = all.filter(|one| one["name"] == name);
            all.next()
        });
        let container = named.unwrap_or(Some(container)).unwrap_or(&Value::Null);
        return Ok(Some(downward.resource(
            container,
            resource,
            text(&from["resourceFieldRef"]["divisor"]),
        )));
    }
    let (kind, reference) = match from.get("secretKeyRef") {
        Some(reference) => ("secrets", reference),
        None => ("configmaps", &from["configMapKeyRef"]),
    };
    let (object_name, key, optional) = (
        text(&reference["name"]),
        text(&reference["key"]),
        reference["optional"] == true,
    );
    let namespace = namespace(downward.pod);
    let Some(object) = store.get(kind, namespace, object_name) else {
        return if optional {
            Ok(None)
        } else {
            Err(absent(kind, object_name))
        };
    };
    match object["data"].get(key) {
        Some(value) => Ok(Some(plain(kind, value))),
        None if optional => Ok(None),
        None => {
            let word = if kind == "secrets" {
                "Secret"
            } else {
                "ConfigMap"
            };
            Err(format!(
                "couldn't find key {key} in {word} {namespace}/{object_name}"
            ))
        }
    }
}

fn absent(kind: &str, object_name: &str) -> ConfigError {
    let word = if kind == "secrets" {
        "secret"
    } else {
        "configmap"
    };
    format!("{word} \"{object_name}\" not found")
}

fn plain(kind: &str, value: &Value) -> String {
    if kind == "secrets" {
        String::from_utf8_lossy(&super::volume::decode(text(value))).into_owned()
    } else {
        text(value).to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::super::links::ServiceLinks;
    use super::*;
    use serde_json::json;

    fn store() -> Store {
        let mut store = Store::default();
        for (namespace, name, port) in [
            (
                "default",
                "kubernetes",
                json!({"name": "https", "port": 443}),
            ),
            ("shop", "my-nginx", json!({"port": 80})),
        ] {
            let service = json!({
                "metadata": {"namespace": namespace, "name": name},
                "spec": {"clusterIP": if name == "kubernetes" { "10.96.0.1" } else { "10.109.166.161" }, "ports": [port]},
            });
            store
                .create("services", service)
                .expect("a fresh store takes it");
        }
        let map = json!({"metadata": {"namespace": "shop", "name": "settings"}, "data": {"colour": "blue"}});
        store
            .create("configmaps", map)
            .expect("a fresh store takes it");
        let secret = json!({"metadata": {"namespace": "shop", "name": "keys"}, "data": {"token": "aGVsbG8="}});
        store
            .create("secrets", secret)
            .expect("a fresh store takes it");
        store
    }

    fn pod(spec: Value) -> Value {
        json!({"metadata": {"namespace": "shop", "name": "p", "labels": {"app": "x"}}, "spec": spec})
    }

    fn environment_of(spec: Value, container: Value) -> Result<Vec<(String, String)>, ConfigError> {
        let pod = pod(spec);
        let store = store();
        let services = ServiceLinks::default().of(&store, &pod);
        let made = environment(
            &store,
            &Downward {
                pod: &pod,
                ip: None,
                node_ip: "192.168.77.2".parse().expect("an address"),
                tokens: None,
            },
            &container,
            services,
        )?;
        let pairs = made.iter().map(|(key, value)| (key.into(), value.into()));
        Ok(pairs.collect())
    }

    #[test]
    fn services_are_spelled_as_in_the_recording() {
        let list = environment_of(json!({}), json!({})).expect("nothing is referred to");
        let printed: std::collections::BTreeSet<String> = list
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        for line in [
            "MY_NGINX_PORT=tcp://10.109.166.161:80",
            "MY_NGINX_PORT_80_TCP=tcp://10.109.166.161:80",
            "KUBERNETES_SERVICE_PORT=443",
            "KUBERNETES_PORT=tcp://10.96.0.1:443",
            "KUBERNETES_PORT_443_TCP_PORT=443",
            "MY_NGINX_PORT_80_TCP_PROTO=tcp",
            "MY_NGINX_PORT_80_TCP_ADDR=10.109.166.161",
            "KUBERNETES_SERVICE_PORT_HTTPS=443",
            "KUBERNETES_SERVICE_HOST=10.96.0.1",
            "MY_NGINX_SERVICE_HOST=10.109.166.161",
            "MY_NGINX_SERVICE_PORT=80",
        ] {
            assert!(printed.contains(line), "{line} is missing from {printed:?}");
        }
        assert_eq!(printed.len(), 7 + 8);
    }

    #[test]
    fn without_service_links_only_kubernetes_remains() {
        let list = environment_of(json!({"enableServiceLinks": false}), json!({}))
            .expect("nothing is referred to");
        assert!(list.iter().all(|(key, _)| key.starts_with("KUBERNETES_")));
    }

    #[test]
    fn values_come_from_fields_maps_secrets_and_each_other() {
        let container = json!({
            "envFrom": [{"configMapRef": {"name": "settings"}, "prefix": "CFG_"}],
            "env": [
                {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "token"}}},
                {"name": "WHO", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['app']"}}},
                {"name": "URL", "value": "http://$(WHO)/$(TOKEN)/$$(WHO)/$(NOBODY)"},
            ],
        });
        let list = environment_of(json!({}), container).expect("everything exists");
        let value = |key: &str| {
            list.iter()
                .find(|(other, _)| other == key)
                .map(|(_, value)| value.as_str())
        };
        assert_eq!(value("CFG_colour"), Some("blue"));
        assert_eq!(value("TOKEN"), Some("hello"));
        assert_eq!(value("URL"), Some("http://x/hello/$(WHO)/$(NOBODY)"));
    }

    #[test]
    fn what_is_missing_is_named() {
        let missing = |from: Value| {
            environment_of(
                json!({}),
                json!({"env": [{"name": "A", "valueFrom": from}]}),
            )
            .expect_err("missing")
        };
        assert_eq!(
            missing(json!({"configMapKeyRef": {"name": "no", "key": "k"}})),
            "configmap \"no\" not found"
        );
        assert_eq!(
            missing(json!({"secretKeyRef": {"name": "no", "key": "k"}})),
            "secret \"no\" not found"
        );
        assert_eq!(
            missing(json!({"configMapKeyRef": {"name": "settings", "key": "k"}})),
            "couldn't find key k in ConfigMap shop/settings"
        );
    }
}
