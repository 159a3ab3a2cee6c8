//! Conversations with containers: exec, attach, logs, port-forward. Checks that they can be had,
//! in the words of the API server and the kubelet. Never has them: the shell does.

use super::read;
use super::request::{Body, Request, Response, StreamRequest};
use super::route::Target;
use super::status::Failure;
use crate::kind::look::{list, text};
use crate::store::Store;
use serde_json::Value;

/// Answers a request to `exec`, `attach`, `log` or `portforward` of a pod.
pub(super) fn connect(
    store: &Store,
    target: &Target<'_>,
    request: &Request,
) -> Result<Response, Failure> {
    let pod = read::find(store, target)?;
    let (namespace, name) = (
        text(pod, "/metadata/namespace").to_owned(),
        text(pod, "/metadata/name"),
    );
    let asked = request.param("container").unwrap_or_default();
    let flag = |name: &str| matches!(request.param(name), Some("true" | "1" | "True"));
    let host = text(pod, "/spec/nodeName");
    let no_host = || Failure::bad_request(format!("pod {name} does not have a host assigned"));
    let stream = match target.subresource {
        Some("log") => {
            let container = container_of(pod, asked)?;
            if host.is_empty() {
                return Ok(Response::of_type(200, "text/plain", Vec::new()));
            }
            check_log(pod, &container, flag("previous"))?;
            let number = |name| request.param(name).and_then(|text: &str| text.parse().ok());
            StreamRequest::Log {
                namespace,
                pod: name.to_owned(),
                container,
                follow: flag("follow"),
                previous: flag("previous"),
                tail: number("tailLines"),
                since_seconds: number("sinceSeconds"),
                timestamps: flag("timestamps"),
                limit_bytes: number("limitBytes"),
            }
        }
        Some("portforward") if host.is_empty() => return Err(no_host()),
        Some("portforward") => StreamRequest::PortForward {
            namespace,
            pod: name.to_owned(),
            ports: request
                .query
                .iter()
                .filter(|(key, _)| key == "ports")
                .flat_map(|(_, value)| value.split(','))
                .filter_map(|port| port.parse().ok())
                .collect(),
        },
        sub => {
            let container = container_of(pod, asked)?;
            if host.is_empty() {
                return Err(no_host());
            }
            let (stdin, stdout) = (flag("stdin"), flag("stdout"));
            let (stderr, tty) = (flag("stderr"), flag("tty"));
            if !stdin && !stdout && !stderr {
                let why = "you must specify at least 1 of stdin, stdout, stderr";
                return Err(Failure::bad_request(why));
            }
            let pod_name = name.to_owned();
            if sub == Some("attach") {
                if !is_running(pod, &container) {
                    let text = format!("container {container} not found in pod {name}_{namespace}");
                    return Ok(Response::text(500, &text));
                }
                StreamRequest::Attach {
                    namespace,
                    pod: pod_name,
                    container,
                    stdin,
                    stdout,
                    stderr,
                    tty,
                }
            } else {
                let command: Vec<String> = request
                    .query
                    .iter()
                    .filter(|(key, _)| key == "command")
                    .map(|(_, value)| value.clone())
                    .collect();
                if command.is_empty() {
                    return Err(Failure::bad_request("you must specify the command to exec"));
                }
                if !is_running(pod, &container) {
                    return Ok(Response::text(
                        500,
                        &format!("container not found (\"{container}\")"),
                    ));
                }
                StreamRequest::Exec {
                    namespace,
                    pod: pod_name,
                    container,
                    command,
                    stdin,
                    stdout,
                    stderr,
                    tty,
                }
            }
        }
    };
    let mut response = Response::of_type(200, "text/plain", Vec::new());
    response.body = Body::Stream(stream);
    Ok(response)
}

/// The container meant: the one named, or the only one.
fn container_of(pod: &Value, asked: &str) -> Result<String, Failure> {
    let names = |at: &str| -> Vec<String> {
        list(pod, at)
            .iter()
            .map(|container| text(container, "/name").to_owned())
            .collect()
    };
    let (own, init) = (names("/spec/containers"), names("/spec/initContainers"));
    let name = text(pod, "/metadata/name");
    if !asked.is_empty() {
        let known = own.iter().chain(&init).any(|container| container == asked);
        let unknown =
            || Failure::bad_request(format!("container {asked} is not valid for pod {name}"));
        return if known {
            Ok(asked.to_owned())
        } else {
            Err(unknown())
        };
    }
    if let [only] = &own[..] {
        return Ok(only.clone());
    }
    let mut why = format!(
        "a container name must be specified for pod {name}, choose one of: [{}]",
        own.join(" ")
    );
    if !init.is_empty() {
        why += &format!(" or one of the init containers: [{}]", init.join(" "));
    }
    Err(Failure::bad_request(why))
}

fn status_of<'a>(pod: &'a Value, container: &str) -> Option<&'a Value> {
    let of = |at| {
        list(pod, at)
            .iter()
            .find(|status| text(status, "/name") == container)
    };
    of("/status/containerStatuses").or_else(|| of("/status/initContainerStatuses"))
}

fn is_running(pod: &Value, container: &str) -> bool {
    status_of(pod, container).is_some_and(|status| status.pointer("/state/running").is_some())
}

fn check_log(pod: &Value, container: &str, previous: bool) -> Result<(), Failure> {
    let name = text(pod, "/metadata/name");
    let about = format!("container \"{container}\" in pod \"{name}\"");
    let Some(status) = status_of(pod, container) else {
        return Err(Failure::bad_request(format!("{about} is not available")));
    };
    let has = |at| status.pointer(at).is_some();
    if previous {
        let gone = || Failure::bad_request(format!("previous terminated {about} not found"));
        return if has("/lastState/terminated") {
            Ok(())
        } else {
            Err(gone())
        };
    }
    if has("/state/running") || has("/state/terminated") || has("/lastState/terminated") {
        return Ok(());
    }
    let why = match text(status, "/state/waiting/reason") {
        "ErrImagePull" => "image can't be pulled",
        "ImagePullBackOff" => "trying and failing to pull image",
        reason => reason,
    };
    Err(Failure::bad_request(format!(
        "{about} is waiting to start: {why}"
    )))
}
