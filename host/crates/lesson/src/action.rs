//! What crosses the waterline: what a lesson asks of the shell, and what the shell tells it.
//!
//! Never holds a socket, a process or an object of the cluster, only their descriptions.

use crate::{Amount, FaultKind, FaultWay, PatchOp, Place, Text};
use clock::{Duration, Instant};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Names one action; the observation that answers it carries the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct ActionId(pub u64);

/// Names one standing question; it stays open until [`Action::Forget`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct QueryId(pub u64);

/// What the shell must now do. Every action with an `id` is answered by exactly one observation.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Tell the screen something; nothing is answered and headless shells may ignore it.
    Show(Show),
    /// Let the world run until nothing but timers and heartbeats is left to do, at most until
    /// `deadline`. Answered by [`Observation::Settled`], also when the deadline came first.
    Settle {
        /// Answered under this number.
        id: ActionId,
        /// When to answer even if the world has not come to rest.
        deadline: Instant,
    },
    /// Put a file on a machine, making its folders. Answered by [`Observation::Done`].
    WriteFile {
        /// Answered under this number.
        id: ActionId,
        /// Whose file system.
        place: Place,
        /// Relative to the working directory of the place's shell.
        path: String,
        /// The bytes, as text.
        content: String,
        /// Add to the end instead of replacing.
        append: bool,
        /// The learner may not change it.
        readonly: bool,
    },
    /// Apply a manifest as `kubectl apply -f` would, server-side errors and all. Answered by
    /// [`Observation::Applied`].
    Apply {
        /// Answered under this number.
        id: ActionId,
        /// The name the manifest is known by.
        path: String,
        /// YAML, possibly of several documents.
        manifest: String,
    },
    /// Type a command into a shell. Answered by [`Observation::Output`] when it ends; a
    /// `background` command is answered whenever output arrives, and last with its exit code.
    Run(RunOrder),
    /// Press a key in a session. Answered by [`Observation::Done`].
    Key {
        /// Answered under this number.
        id: ActionId,
        /// Which terminal.
        session: String,
        /// Which key.
        key: Key,
    },
    /// Edit an object as `kubectl edit` would, the editor making these changes. Answered by
    /// [`Observation::Output`].
    Edit {
        /// Answered under this number.
        id: ActionId,
        /// What stands behind `kubectl edit`: `service/web`, `svc web`, `-n shop svc/web`.
        object: String,
        /// The changes.
        patch: Vec<PatchOp>,
        /// Give up then.
        deadline: Instant,
    },
    /// Open a page as a browser on this machine would: the learner's own traffic. Answered by
    /// [`Observation::Output`]: the status and the page's title, or why there is no page.
    Browse {
        /// Answered under this number.
        id: ActionId,
        /// Where the browser is.
        from: Place,
        /// The address.
        url: String,
        /// Give up then.
        deadline: Instant,
    },
    /// Let virtual time pass. Answered by [`Observation::Done`] when it has.
    Advance {
        /// Answered under this number.
        id: ActionId,
        /// How much.
        by: Duration,
    },
    /// Break something. Answered by [`Observation::Done`], with an error if it cannot be broken.
    Fault {
        /// Answered under this number.
        id: ActionId,
        /// What [`Action::Heal`] will call it.
        name: String,
        /// What breaks.
        kind: FaultKind,
        /// A node or Pod name, or a link, captures substituted.
        target: String,
        /// How much.
        amount: Option<Amount>,
        /// Which way a link is bad.
        way: FaultWay,
        /// It begins this long from now; answered at once all the same.
        after: Option<Duration>,
        /// Heals by itself after this long.
        lasting: Option<Duration>,
    },
    /// Mend what a fault of that name broke. Answered by [`Observation::Done`].
    Heal {
        /// Answered under this number.
        id: ActionId,
        /// The fault's name.
        name: String,
    },
    /// Say what is broken between a place and what it does not reach. Answered by
    /// [`Observation::Explained`].
    Explain {
        /// Answered under this number.
        id: ActionId,
        /// Who does not reach it; anybody when absent.
        from: Option<Place>,
        /// What is not reached: `svc/NAME`, a name or an address, with `:port` or without.
        about: String,
        /// The namespace that names are meant in.
        namespace: String,
    },
    /// Keep answering a question: once at once, then after every change that could alter the
    /// answer (store revision, captured packet). Answered by [`Observation::Objects`] or
    /// [`Observation::Packets`], any number of times, until forgotten.
    Ask {
        /// Answered under this number.
        query: QueryId,
        /// The question.
        what: Query,
    },
    /// Stop answering a question.
    Forget {
        /// The question.
        query: QueryId,
    },
    /// Make real traffic, tagged `Origin::Checker`. Answered by [`Observation::Probed`].
    Probe {
        /// Answered under this number.
        id: ActionId,
        /// Where it starts.
        from: Place,
        /// What it does.
        probe: Probe,
        /// Give up then, with [`Failed::Timeout`].
        deadline: Instant,
    },
    /// Create the manifest's (single) object with `dryRun=All` and give back what the server
    /// would store. Answered by [`Observation::DryRun`].
    DryRun {
        /// Answered under this number.
        id: ActionId,
        /// One YAML document.
        manifest: String,
    },
}

/// A command to be typed.
///
/// What it wrote is what was shown between the typed line and the next prompt: neither the echo of
/// the line nor a prompt belongs to it. Without a terminal its two outputs are apart; at one, both
/// are what the screen showed, as a reader would copy it.
#[derive(Clone, Debug, PartialEq)]
pub struct RunOrder {
    /// Answered under this number.
    pub id: ActionId,
    /// Where the shell runs.
    pub place: Place,
    /// Which terminal; the same name is the same shell.
    pub session: String,
    /// The lesson names the terminal: it stays open, and the command is typed there. Otherwise a
    /// machine has one shell without a terminal, whose folder and variables last from one command
    /// to the next, and a Pod one for each command.
    pub terminal: bool,
    /// What is typed, captures already substituted.
    pub command: String,
    /// What the command reads; empty input when absent.
    pub stdin: Option<String>,
    /// It is typed at a terminal and may go on there: what is typed next in this session is for
    /// it. It is answered when it waits for that.
    pub interactive: bool,
    /// It is typed at a terminal and keeps running while the lesson goes on.
    pub background: bool,
    /// Kill it then, and answer with what it wrote so far and no exit code.
    pub deadline: Instant,
}

/// Things a screen may show; a lesson does not depend on them.
#[derive(Clone, Debug, PartialEq)]
pub enum Show {
    /// A step begins; its index in [`crate::Lab::steps`].
    Step(usize),
    /// A task begins; its index in [`crate::Lab::tasks`].
    Task(usize),
    /// A quiz of a step is asked: the indices of step and quiz.
    Quiz(usize, usize),
    /// An item of a step's `do` begins: the indices of step and item.
    Item(usize, usize),
    /// A step's assertion began to be watched: the indices of step and assertion.
    Watching(usize, usize),
    /// A step's assertion was decided: the indices, and whether it held.
    Decided(usize, usize, bool),
    /// Open a file in the editor, perhaps with a text selected.
    Open {
        /// The file.
        path: String,
        /// The text to select.
        select: Option<String>,
    },
}

/// A key that a lesson presses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Key {
    /// Interrupt.
    CtrlC,
    /// End of input.
    CtrlD,
    /// Return.
    Enter,
}

/// A question about the present that stays open.
#[derive(Clone, Debug, PartialEq)]
pub enum Query {
    /// Objects of a kind, in order of namespace and name.
    Objects {
        /// As kubectl takes it: `pod`, `svc`, `deployments.apps`; the shell resolves it.
        kind: String,
        /// `None` for kinds without a namespace is the shell's business.
        namespace: String,
        /// One object by name; an empty answer when there is none.
        name: Option<String>,
        /// A label selector as `-l` takes it.
        selector: Option<String>,
    },
    /// Packets not sent by the checker, seen at `since` or later: first those already captured
    /// (told even if there are none), then new ones as they come. Each packet is told once.
    Packets {
        /// `PLACE:INTERFACE` with `*`, such as `node/*:eth0`; anywhere when absent.
        iface: Option<String>,
        /// From when on.
        since: Instant,
    },
}

/// One packet as an interface saw it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Packet {
    /// When it was seen.
    #[serde(skip)]
    pub at: Instant,
    /// Its number, the same wherever it is seen.
    #[serde(skip)]
    pub packet: u64,
    /// Where: `node/node-a:eth0`, `pod/web-1:eth0`, `host/docker-vm:eth0`, `workstation:eth0`.
    pub iface: String,
    /// Left or entered this interface: `in` or `out`.
    pub dir: &'static str,
    /// Source and destination: `{"src": "10.0.0.1", "dst": …, "proto": "tcp"}`.
    pub ip: BTreeMap<&'static str, Value>,
    /// `{"sport": 1, "dport": 2, "flags": "SYN"}` for TCP; flags joined by `|`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tcp: Option<BTreeMap<&'static str, Value>>,
    /// `{"sport": 1, "dport": 2}` for UDP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub udp: Option<BTreeMap<&'static str, Value>>,
    /// Source and destination of the outer header when encapsulated: `{"src": …, "dst": …}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outer: Option<BTreeMap<&'static str, Value>>,
    /// What it was before this machine rewrote it: `{"src": …, "dst": …, "sport": 1, "dport": 2}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nat: Option<BTreeMap<&'static str, Value>>,
    /// Why it went no further, when this machine decided so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dropped: Option<String>,
}

impl Packet {
    /// Whether it was seen at an interface of this pattern, `PLACE:INTERFACE` with `*`: without an
    /// interface any is meant, and a machine's name may stand without `node/`, `host/` or `pod/`.
    #[must_use]
    pub fn was_at(&self, pattern: &str) -> bool {
        let (place, iface) = self.iface.rsplit_once(':').unwrap_or((&self.iface, ""));
        let (machine, interface) = match pattern.rsplit_once(':') {
            Some((machine, interface)) => (machine, Some(interface)),
            None => (pattern, None),
        };
        let name = place.split_once('/').map_or(place, |(_, name)| name);
        let here = glob(machine, place) || !machine.contains('/') && glob(machine, name);
        here && interface.is_none_or(|interface| glob(interface, iface))
    }
}

/// Whether a pattern with `*` fits the whole text.
fn glob(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, tail)) => text.strip_prefix(head).is_some_and(|rest| {
            (0..=rest.len())
                .filter(|at| rest.is_char_boundary(*at))
                .any(|at| glob(tail, &rest[at..]))
        }),
    }
}

/// Traffic that a check makes.
#[derive(Clone, Debug, PartialEq)]
pub enum Probe {
    /// One HTTP request on a new connection.
    Http {
        /// The whole URL; names are resolved from where the probe starts.
        url: String,
        /// `GET` unless the lesson says otherwise.
        method: String,
        /// Sent as they are.
        headers: Vec<(String, String)>,
        /// Accept any certificate.
        insecure: bool,
        /// A file at the probe's place with trusted certificates.
        cacert: Option<String>,
    },
    /// One TCP connection, closed when open.
    Tcp {
        /// Address or name.
        host: String,
        /// Port.
        port: u16,
    },
    /// One question for A records, with the place's search domains.
    Dns {
        /// The name as a program would give it.
        name: String,
    },
    /// What a file holds.
    File {
        /// Relative to the working directory of the place's shell.
        path: String,
    },
    /// One process, not in a terminal.
    Exec {
        /// Its arguments, the program first.
        command: Vec<String>,
    },
    /// Many HTTP requests one after another.
    Distribution {
        /// The whole URL.
        url: String,
        /// How many.
        requests: u32,
        /// Send all on one connection.
        keep_alive: bool,
        /// Count by the Pod that answered instead of by the body.
        by_server: bool,
    },
}

/// What became of a probe.
#[derive(Clone, Debug, PartialEq)]
pub enum ProbeOutcome {
    /// An HTTP answer.
    Http {
        /// The status code.
        status: u16,
        /// The body as text.
        body: String,
        /// The name of the Pod that answered, if the shell can tell.
        served_by: Option<String>,
    },
    /// The TCP connection was accepted.
    Open,
    /// A DNS answer.
    Dns {
        /// `NOERROR`, `NXDOMAIN`, `SERVFAIL`.
        rcode: String,
        /// Addresses in the order of the answer.
        addresses: Vec<String>,
    },
    /// The process ended.
    Exec {
        /// Its exit code.
        exit: i32,
        /// What it wrote.
        stdout: String,
        /// What it complained.
        stderr: String,
    },
    /// What the file holds; nothing when there is none.
    File(Option<String>),
    /// How often each answer came; the key is the trimmed body or the Pod's name.
    Counted(BTreeMap<String, u64>),
    /// It did not come to an answer.
    Failed(Failed, String),
}

/// The kind of a failure, as a lesson names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Failed {
    /// A reset answered the connection.
    Refused,
    /// Nothing answered in time.
    Timeout,
    /// There is no way there.
    Unreachable,
    /// The name has no address.
    Dns,
    /// The certificate is not signed by anybody known.
    TlsSelfSigned,
    /// The certificate is for another name.
    TlsNameMismatch,
    /// The file of trusted certificates cannot be read.
    TlsCaFile,
    /// The certificate is no longer, or not yet, valid.
    TlsExpired,
    /// The place itself cannot be used *yet*: no such Pod, container not running. Retried.
    NotReady,
}

/// What applying a manifest gave.
pub type ApplyResult = Result<Vec<String>, String>;

/// What the shell tells the lesson.
#[derive(Clone, Debug, PartialEq)]
pub enum Observation {
    /// The world came to rest, or the deadline did.
    Settled {
        /// The action.
        id: ActionId,
    },
    /// A simple order was carried out, or could not be.
    Done {
        /// The action.
        id: ActionId,
        /// Why not.
        result: Result<(), String>,
    },
    /// The lines `kubectl apply` prints, or its error.
    Applied {
        /// The action.
        id: ActionId,
        /// `service/web created`…, or the error's text.
        result: ApplyResult,
    },
    /// A command wrote something or ended.
    Output {
        /// The action.
        id: ActionId,
        /// Everything written so far; on a terminal both streams are here.
        stdout: String,
        /// Everything complained so far.
        stderr: String,
        /// The exit code once it ended; `None` while a background command runs, or when the
        /// deadline killed it.
        exit: Option<i32>,
        /// It goes on and waits for what is typed next, or ran inside a program that says no exit
        /// code.
        waits: bool,
    },
    /// The present answer to [`Query::Objects`].
    Objects {
        /// The question.
        query: QueryId,
        /// The objects.
        items: Vec<Arc<Value>>,
    },
    /// New answers to [`Query::Packets`].
    Packets {
        /// The question.
        query: QueryId,
        /// Packets not told before.
        packets: Vec<Packet>,
        /// Packets that the bounded log forgot before they could be told.
        lost: u64,
    },
    /// A probe came to an end.
    Probed {
        /// The action.
        id: ActionId,
        /// How.
        outcome: ProbeOutcome,
    },
    /// What is broken, and what would mend it.
    Explained {
        /// The action.
        id: ActionId,
        /// `None` when nothing is, or nobody can tell.
        why: Option<Text>,
    },
    /// What a dry run gave.
    DryRun {
        /// The action.
        id: ActionId,
        /// The object as the server would store it, or the server's message.
        result: Result<Arc<Value>, String>,
    },
    /// Something that was ordered for later could not be done: the lesson is wrong.
    Broken {
        /// What, in words.
        what: String,
    },
    /// A limit of the session (wall, fuel, memory, output) was hit; the lesson ends with exit 4.
    Limit {
        /// Which one, in words.
        what: String,
    },
    /// The learner goes on to the next item (only with [`crate::Options::guided`]).
    Next,
    /// The learner answers a quiz: choice ids, or the text.
    Answer {
        /// The quiz's id.
        quiz: String,
        /// Choice ids in order, or one text.
        answer: Vec<String>,
    },
}
