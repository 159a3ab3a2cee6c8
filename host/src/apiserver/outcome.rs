//! How a conversation ended, in the words that the kubelet, containerd and runc put around it.
//! Never decides it.

use serde::Serialize;

/// The beginning of what containerd says when no process came to be.
const EXEC: &str = "error executing command in container";
const ATTACH: &str = "error attaching to container";

/// An end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// All went well.
    Success,
    /// The command ended with this code.
    Code(Vec<String>, u8),
    /// There was no command to end: why.
    Error(String),
}

/// A `metav1.Status`, in Go's order of its fields.
#[derive(Serialize)]
struct Status<'a> {
    metadata: Empty,
    status: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Details<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u16>,
}

#[derive(Serialize)]
struct Empty {}

#[derive(Serialize)]
struct Details<'a> {
    causes: [Cause<'a>; 1],
}

#[derive(Serialize)]
struct Cause<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    message: String,
}

impl Outcome {
    /// A command ended.
    pub(super) fn ended(command: Vec<String>, code: u8) -> Self {
        match code {
            0 => Self::Success,
            code => Self::Code(command, code),
        }
    }

    /// runc did not start the command; `id` is what it was to be called.
    pub(super) fn not_started(command: &[String], cause: &str, id: &str) -> Self {
        let program = command.first().map_or("", String::as_str);
        Self::Error(format!(
            "{EXEC}: failed to exec in container: failed to start exec \"{id}\": OCI runtime exec failed: exec failed: unable to start container process: exec: {program:?}: {cause}: unknown"
        ))
    }

    /// The container called `id` ended before it could be attached to.
    pub(super) fn not_attached(id: &str) -> Self {
        Self::Error(format!(
            "{ATTACH}: failed to load task: no running task found: task {id} not found: not found"
        ))
    }

    /// What is written on the error channel of this protocol.
    ///
    /// A v5 client hears the API server, which repeats what it heard from the kubelet; the others hear
    /// the kubelet itself. Before v4 there were no Statuses, only words.
    pub(super) fn text(&self, protocol: &str) -> String {
        let relayed = protocol == "v5.channel.k8s.io";
        let status = match self {
            Self::Success => Status {
                metadata: Empty {},
                status: "Success",
                message: None,
                reason: None,
                details: None,
                code: None,
            },
            Self::Code(command, code) => {
                let cause = if relayed {
                    format!("command terminated with exit code {code}")
                } else {
                    let command = command.join(" ");
                    format!("error executing command [{command}], exit code {code}")
                };
                Status {
                    metadata: Empty {},
                    status: "Failure",
                    message: Some(format!(
                        "command terminated with non-zero exit code: {cause}"
                    )),
                    reason: Some("NonZeroExitCode"),
                    details: Some(Details {
                        causes: [Cause {
                            reason: Some("ExitCode"),
                            message: code.to_string(),
                        }],
                    }),
                    code: None,
                }
            }
            Self::Error(cause) => {
                let internal = |cause: &str| format!("Internal error occurred: {cause}");
                let cause = if relayed {
                    internal(cause)
                } else {
                    cause.clone()
                };
                Status {
                    metadata: Empty {},
                    status: "Failure",
                    message: Some(internal(&cause)),
                    reason: Some("InternalError"),
                    details: Some(Details {
                        causes: [Cause {
                            reason: None,
                            message: cause,
                        }],
                    }),
                    code: Some(500),
                }
            }
        };
        match protocol {
            ""
            | "channel.k8s.io"
            | "base64.channel.k8s.io"
            | "v2.channel.k8s.io"
            | "v3.channel.k8s.io" => status.message.unwrap_or_default(),
            _ => serde_json::to_string(&status).expect("strings and numbers"),
        }
    }
}

/// 64 hexadecimal digits, as container runtimes call things, the same for the same words.
pub(super) fn id(words: &[&str]) -> String {
    let mut state = words
        .iter()
        .flat_map(|word| word.bytes().chain([0]))
        // FNV-1a, then splitmix64: looks random, means nothing.
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    };
    (0..4).map(|_| format!("{:016x}", next())).collect()
}

/// The same as a UUID.
pub(super) fn uuid(words: &[&str]) -> String {
    let id = id(words);
    format!(
        "{}-{}-4{}-a{}-{}",
        &id[..8],
        &id[8..12],
        &id[13..16],
        &id[17..20],
        &id[20..32]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn an_exit_code_is_told_as_each_protocol_tells_it() {
        let seven = Outcome::ended(words("sh -c x"), 7);
        // From a recording of a real server.
        assert_eq!(
            seven.text("v5.channel.k8s.io"),
            r#"{"metadata":{},"status":"Failure","message":"command terminated with non-zero exit code: command terminated with exit code 7","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"7"}]}}"#
        );
        assert!(
            seven
                .text("v4.channel.k8s.io")
                .contains("code: error executing command [sh -c x], exit code 7\"")
        );
        assert_eq!(
            seven.text("channel.k8s.io"),
            "command terminated with non-zero exit code: error executing command [sh -c x], exit code 7"
        );
        assert_eq!(
            Outcome::ended(words("true"), 0).text("v5.channel.k8s.io"),
            r#"{"metadata":{},"status":"Success"}"#
        );
        assert_eq!(Outcome::Success.text("channel.k8s.io"), "");
    }

    #[test]
    fn names_are_stable_and_differ() {
        assert_eq!(id(&["a"]), id(&["a"]));
        assert_ne!(id(&["a", "b"]), id(&["ab"]));
        assert_eq!(id(&["a"]).len(), 64);
        assert_eq!(uuid(&["a"]).len(), 36);
    }
}
