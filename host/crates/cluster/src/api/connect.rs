//! Conversations with containers: exec, attach, logs, port-forward. Checks that they can be had,
//! in the words of the API server and the kubelet. Never has them: the shell does.

use super::read;
use super::request::{Body, Request, Response, StreamRequest};
use super::route::Target;
use super::status::Failure;
use crate::kind::look::{list, text};
use crate::kind::{Findings, Names};
use crate::store::Store;
use jiff::Timestamp;
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
            let wanted = LogOptions::read(request, name)?;
            let container = container_of(pod, asked)?;
            if host.is_empty() {
                return Ok(Response::of_type(200, "text/plain", Vec::new()));
            }
            check_log(pod, &container, flag("previous"))?;
            StreamRequest::Log {
                namespace,
                pod: name.to_owned(),
                container,
                follow: flag("follow"),
                previous: flag("previous"),
                tail: wanted.tail.map(i64::unsigned_abs),
                since_seconds: wanted.since_seconds.map(i64::unsigned_abs),
                since_time: wanted.since_time,
                timestamps: flag("timestamps"),
                limit_bytes: wanted.limit_bytes.map(i64::unsigned_abs),
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

/// The numbers of a log request, checked as `ValidatePodLogOptions` does.
struct LogOptions {
    tail: Option<i64>,
    limit_bytes: Option<i64>,
    since_seconds: Option<i64>,
    since_time: Option<i128>,
}

impl LogOptions {
    /// # Errors
    /// When a value is no number or time, or breaks a rule.
    fn read(request: &Request, pod: &str) -> Result<Self, Failure> {
        if let Some(stream @ ("Stdout" | "Stderr")) = request.param("stream") {
            return Err(Failure::not_in_this_lab(&format!(
                "logs of {stream} alone: a log is kept as one"
            )));
        }
        let number = |name| -> Result<Option<i64>, Failure> {
            let Some(text) = request.param(name).filter(|text| !text.is_empty()) else {
                return Ok(None);
            };
            let wrong = |_| {
                let why = format!("strconv.ParseInt: parsing \"{text}\": invalid syntax");
                Failure::bad_request(why)
            };
            text.parse().map(Some).map_err(wrong)
        };
        let time = match request.param("sinceTime").filter(|text| !text.is_empty()) {
            None => None,
            Some(text) => {
                let wrong = |_| {
                    Failure::bad_request(format!(
                        "parsing time \"{text}\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"{text}\" as \"2006\""
                    ))
                };
                Some(text.parse::<Timestamp>().map_err(wrong)?.as_nanosecond())
            }
        };
        let options = Self {
            tail: number("tailLines")?,
            limit_bytes: number("limitBytes")?,
            since_seconds: number("sinceSeconds")?,
            since_time: time,
        };
        options.check(pod)?;
        Ok(options)
    }

    fn check(&self, pod: &str) -> Result<(), Failure> {
        let mut found = Findings::default();
        if let Some(tail) = self.tail.filter(|tail| *tail < 0) {
            let why = "must be greater than or equal to 0";
            found.invalid("tailLines", &tail.into(), why);
        }
        if let Some(bytes) = self.limit_bytes.filter(|bytes| *bytes < 1) {
            found.invalid("limitBytes", &bytes.into(), "must be greater than 0");
        }
        match (self.since_seconds, self.since_time) {
            (Some(_), Some(_)) => {
                let why = "at most one of `sinceTime` or `sinceSeconds` may be specified";
                found.forbidden("", why);
            }
            (Some(seconds), None) if seconds < 1 => {
                found.invalid("sinceSeconds", &seconds.into(), "must be greater than 0");
            }
            _ => {}
        }
        if found.0.is_empty() {
            return Ok(());
        }
        let names = Names {
            key: "",
            plural: "",
            singular: "",
            short: &[],
            kind: "PodLogOptions",
            group: "",
            version: "v1",
            namespaced: true,
            categories: &[],
        };
        Err(Failure::invalid(&names, pod, &found.0))
    }
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
        let ephemeral = names("/spec/ephemeralContainers");
        let mut all = own.iter().chain(&init).chain(&ephemeral);
        let known = all.any(|container| container == asked);
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
    of("/status/containerStatuses")
        .or_else(|| of("/status/initContainerStatuses"))
        .or_else(|| of("/status/ephemeralContainerStatuses"))
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
