//! Hands that carry out the commands of an answer, as kubectl would. Never understands more of
//! kubectl than answers say.

use super::fixture::Lab;
use cluster::Method;
use serde_json::{Value, json};

/// A command's words; quotes keep them together.
fn words(command: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted) = (Vec::new(), String::new(), false);
    for letter in command.chars() {
        match letter {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(std::mem::take(&mut word)),
            other => word.push(other),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

fn path(kind: &str, namespace: &str, name: &str) -> String {
    let (group, plural) = match kind {
        "service" => ("api/v1", "services"),
        "secret" => ("api/v1", "secrets"),
        "pod" => ("api/v1", "pods"),
        "deployment" => ("apis/apps/v1", "deployments"),
        "networkpolicy" => ("apis/networking.k8s.io/v1", "networkpolicies"),
        other => panic!("no hands for a {other}"),
    };
    format!("/{group}/namespaces/{namespace}/{plural}/{name}")
}

impl Lab {
    /// Carries out what an answer says, and lets the cluster follow.
    pub(super) fn mend(&mut self, command: &str) {
        for one in command.split(" && ") {
            self.carry(&words(one));
        }
        self.run(40);
    }

    fn carry(&mut self, words: &[String]) {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let (namespace, rest) = match &words[..] {
            ["kubectl", "-n", namespace, rest @ ..] => (*namespace, rest),
            ["kubectl", rest @ ..] => ("default", rest),
            other => panic!("no hands for {other:?}"),
        };
        let target = |word: &str, next: Option<&&str>| match word.split_once('/') {
            Some((kind, name)) => path(kind, namespace, name),
            None => path(word, namespace, next.expect("a name")),
        };
        match rest {
            ["patch", rest @ ..] => {
                let body = rest.last().expect("a patch");
                let body: Value = serde_json::from_str(body).expect("a patch is JSON");
                self.patch(&target(rest[0], rest.get(1)), &body);
            }
            ["scale", rest @ ..] => {
                let count = rest
                    .last()
                    .and_then(|word| word.strip_prefix("--replicas="));
                let count: u64 = count.expect("--replicas").parse().expect("a number");
                self.patch(
                    &target(rest[0], rest.get(1)),
                    &json!({ "spec": { "replicas": count } }),
                );
            }
            ["set", "selector", kind, name, selector] => {
                let pairs = selector.split(',').filter_map(|pair| pair.split_once('='));
                let selector: serde_json::Map<String, Value> = pairs
                    .map(|(key, value)| (key.to_owned(), value.into()))
                    .collect();
                self.patch(
                    &path(kind, namespace, name),
                    &json!([{ "op": "replace", "path": "/spec/selector", "value": selector }]),
                );
            }
            ["rollout", "restart", word] => {
                let stamp = format!("{:?}", self.now);
                let template = json!({ "metadata": { "annotations": { "kubectl.kubernetes.io/restartedAt": stamp } } });
                self.patch(
                    &target(word, None),
                    &json!({ "spec": { "template": template } }),
                );
            }
            ["delete", kind, names @ ..] => {
                for name in names {
                    self.delete(&path(kind, namespace, name));
                }
            }
            ["get", word, ..] => self.replace(&target(word, None)),
            other => panic!("no hands for {other:?}"),
        }
    }

    /// `kubectl get … | kubectl replace --force`.
    fn replace(&mut self, path: &str) {
        let (_, mut object) = self.api(Method::Get, path, "", &Value::Null);
        self.delete(path);
        self.run(40);
        for field in [
            "uid",
            "resourceVersion",
            "creationTimestamp",
            "managedFields",
            "generation",
        ] {
            object["metadata"]
                .as_object_mut()
                .expect("an object")
                .remove(field);
        }
        object["spec"]
            .as_object_mut()
            .expect("an object")
            .remove("nodeName");
        object.as_object_mut().expect("an object").remove("status");
        let (collection, _) = path.rsplit_once('/').expect("a path");
        self.create(collection, &object);
    }
}
