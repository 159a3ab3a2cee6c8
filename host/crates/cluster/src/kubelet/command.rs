//! What crosses between a kubelet and the machine it runs on. Never more than plain data.

use super::links::Links;
use clock::Duration;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// Which pod, beyond doubt: a name can be used again, a uid cannot.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct PodRef {
    /// The pod's namespace.
    pub namespace: String,
    /// The pod's name.
    pub name: String,
    /// The pod's uid.
    pub uid: String,
}

/// What a machine must do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Make the pod's network; answered by [`Report::SandboxReady`].
    StartSandbox(SandboxOrder),
    /// Take the pod's network away, and whatever still runs in it; answered by [`Report::SandboxStopped`].
    StopSandbox {
        /// The pod.
        pod: PodRef,
    },
    /// Start a container; answered by [`Report::Started`] or [`Report::StartFailed`].
    StartContainer(StartContainer),
    /// Send a signal to a container's first process.
    Signal {
        /// The pod.
        pod: PodRef,
        /// The container's name.
        container: String,
        /// Which start of it.
        attempt: u32,
        /// The signal's number.
        signal: u8,
    },
    /// Ask a container how it is; answered by [`Report::Probe`].
    Probe {
        /// The number of this question.
        id: u64,
        /// The pod.
        pod: PodRef,
        /// The container's name.
        container: String,
        /// How to ask.
        probe: ProbeKind,
        /// How long to wait for the answer.
        timeout: Duration,
    },
    /// What a volume holds has changed: replace the files of a mount; nothing is answered.
    UpdateFiles(FilesUpdate),
    /// A lasting directory is nobody's any more: remove it with all that is in it; nothing is
    /// answered.
    DropVolume {
        /// Its key, see [`Mount::lasting`].
        key: String,
    },
    /// Bound a running container anew, without starting it again; nothing is answered.
    SetLimits {
        /// The pod.
        pod: PodRef,
        /// The container's name.
        container: String,
        /// Which start of it.
        attempt: u32,
        /// The most memory it may use from now on, in bytes.
        memory: Option<u64>,
        /// The most processor time it may use from now on, in thousandths of a processor.
        cpu_millis: Option<u64>,
    },
}

/// The files that a mount of a running container shows from now on, all others below it gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilesUpdate {
    /// The pod.
    pub pod: PodRef,
    /// The container's name.
    pub container: String,
    /// Which start of it.
    pub attempt: u32,
    /// Where the container sees them: the [`Mount::path`] that it was started with.
    pub path: String,
    /// All files by their path below `path`.
    pub files: BTreeMap<String, FileContent>,
}

/// A pod's network, to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SandboxOrder {
    /// The pod.
    pub pod: PodRef,
    /// The node it is on.
    pub node: String,
    /// Its address; the node's own with `host_network`.
    pub ip: Ipv4Addr,
    /// Whether it shares the node's network.
    pub host_network: bool,
    /// Its hostname.
    pub hostname: String,
    /// The text of `/etc/resolv.conf`.
    pub dns: String,
    /// The text of `/etc/hosts`.
    pub hosts: String,
}

/// A container, to be started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StartContainer {
    /// The pod.
    pub pod: PodRef,
    /// The container's name.
    pub container: String,
    /// How often it was started before.
    pub attempt: u32,
    /// The image as the pod writes it.
    pub image: String,
    /// What replaces the image's entrypoint.
    pub command: Option<Vec<String>>,
    /// What replaces the image's arguments.
    pub args: Option<Vec<String>>,
    /// The environment beyond what the image and the machine (`PATH`, `HOSTNAME`) set.
    pub env: Environment,
    /// What replaces the image's working directory.
    pub working_dir: Option<String>,
    /// Files it sees.
    pub mounts: Vec<Mount>,
    /// The most memory it may use, in bytes.
    pub memory_limit: Option<u64>,
    /// The most processor time it may use, in thousandths of a processor.
    pub cpu_limit_millis: Option<u64>,
    /// Whether it may write nowhere but into its volumes.
    pub read_only_root: bool,
    /// The file in which it may leave its last words, see [`LastWords::file`].
    pub termination_path: String,
    /// Whether it has a terminal.
    pub tty: bool,
    /// Whether its standard input stays open.
    pub stdin: bool,
    /// Whether the end of the first attached client's input is the end of its own.
    pub stdin_once: bool,
}

/// A container's variables. Those of Services are shared with other containers, since a thousand
/// containers that each hold five hundred Services' would be most of the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    /// What the pod says, each name once.
    pub own: Vec<(String, String)>,
    /// What Services are called; a name that is among the pod's own counts there.
    pub services: Links,
}

impl Environment {
    /// The value of a variable.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let own = self.own.iter().find(|(key, _)| key == name);
        let of_services = || {
            let mut all = self
                .services
                .iter()
                .rev()
                .flat_map(|list| list.iter().rev());
            all.find(|(key, _)| key == name)
        };
        own.or_else(of_services).map(|(_, value)| value.as_str())
    }

    /// All variables, the pod's own first.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let hidden = |name: &str| self.own.iter().any(|(own, _)| own == name);
        let services = self.services.iter().flat_map(|list| list.iter());
        let services = services.filter(move |(name, _)| !hidden(name));
        let all = self.own.iter().chain(services);
        all.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Gives a variable of the pod's own its value, and the last place.
    pub(crate) fn set(&mut self, name: String, value: String) {
        self.own.retain(|(other, _)| *other != name);
        self.own.push((name, value));
    }
}

/// How a probe asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProbeKind {
    /// An HTTP GET from the node.
    Http {
        /// The address.
        host: String,
        /// The port.
        port: u16,
        /// The path, with query.
        path: String,
        /// `HTTP` or `HTTPS`.
        scheme: String,
        /// Further headers.
        headers: Vec<(String, String)>,
    },
    /// A TCP connection from the node.
    Tcp {
        /// The address.
        host: String,
        /// The port.
        port: u16,
    },
    /// A program in the container; exit code 0 is success.
    Exec {
        /// The program and its arguments.
        command: Vec<String>,
    },
}

/// Files that a container sees below a path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mount {
    /// Where the container sees them.
    pub path: String,
    /// The volume's name: containers of a pod that mount the same emptyDir share it.
    pub volume: String,
    /// The files by their path below `path`; a single file with an empty path is `path` itself.
    pub files: BTreeMap<String, FileContent>,
    /// Whether the container may not write.
    pub read_only: bool,
    /// Whether what is written is kept and shared (an emptyDir) rather than the kubelet's to update.
    pub shared: bool,
    /// The directory of a `shared` volume that the container sees instead of all of it, made when
    /// it is missing; empty for the whole volume.
    pub sub_path: String,
    /// A directory that outlives the pod: whoever mounts the same key sees the same files. A
    /// `shared` volume without a key lives and dies with its pod.
    pub lasting: Option<String>,
}

/// What a container left behind for `kubectl describe`; which of it counts is the kubelet's to say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LastWords {
    /// What is in the file at [`StartContainer::termination_path`], at least the first 4,096 bytes.
    pub file: Vec<u8>,
    /// The end of its log, at least 2,048 bytes of it.
    pub log: Vec<u8>,
}

/// One file of a mount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileContent {
    /// What is in it.
    pub bytes: Vec<u8>,
    /// Its permission bits.
    pub mode: u32,
}

/// What happened on a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// The pod has its network.
    SandboxReady {
        /// The pod.
        pod: PodRef,
    },
    /// The pod's network is gone.
    SandboxStopped {
        /// The pod.
        pod: PodRef,
    },
    /// A container runs.
    Started {
        /// The pod.
        pod: PodRef,
        /// The container's name.
        container: String,
        /// Which start of it.
        attempt: u32,
    },
    /// A container could not be started.
    StartFailed {
        /// The pod.
        pod: PodRef,
        /// The container's name.
        container: String,
        /// Which start of it.
        attempt: u32,
        /// One word for programs, such as `StartError`.
        reason: String,
        /// A sentence for people.
        message: String,
    },
    /// A container ended.
    Exited {
        /// The pod.
        pod: PodRef,
        /// The container's name.
        container: String,
        /// Which start of it.
        attempt: u32,
        /// Its exit code; 128 and the signal's number when a signal ended it.
        code: i32,
        /// Whether it was killed for using too much memory.
        oom: bool,
        /// What it left behind.
        said: LastWords,
    },
    /// The answer to a probe.
    Probe {
        /// The number of the question.
        id: u64,
        /// Success, or what went wrong in a kubelet's words.
        outcome: Result<(), String>,
    },
}
