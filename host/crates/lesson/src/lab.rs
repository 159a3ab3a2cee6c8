//! The lab format as types, every form of it. Never reads a file: texts come in as arguments.

use crate::action::{FaultKind, Key};
use clock::Duration;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// A place in the lesson's text, both counted from one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Pos {
    /// Line.
    pub line: u32,
    /// Column, in characters.
    pub column: u32,
}

/// A language a lesson is written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Lang {
    /// Japanese.
    #[default]
    Ja,
    /// English.
    En,
}

/// Prose in every language.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Text {
    /// Japanese.
    pub ja: String,
    /// English.
    pub en: String,
}

impl Text {
    /// The same words in every language.
    #[must_use]
    pub fn neutral(text: impl Into<String>) -> Self {
        let ja = text.into();
        Self { en: ja.clone(), ja }
    }

    /// The words of one language.
    #[must_use]
    pub fn get(&self, lang: Lang) -> &str {
        match lang {
            Lang::Ja => &self.ja,
            Lang::En => &self.en,
        }
    }
}

/// One lesson.
#[derive(Clone, Debug)]
pub struct Lab {
    /// The name of the file it was read from, as findings and failures print it.
    pub source: String,
    /// Who it is.
    pub metadata: Metadata,
    /// Values that differ per student when graded.
    pub params: BTreeMap<String, Param>,
    /// The world it needs.
    pub environment: Environment,
    /// What is not said elsewhere.
    pub defaults: Defaults,
    /// Bounds.
    pub limits: Limits,
    /// What is told and done, in order.
    pub steps: Vec<Step>,
    /// What the learner solves.
    pub tasks: Vec<Task>,
    /// The share of points that passes.
    pub pass_mark: Option<f64>,
}

/// Who a lesson is.
#[derive(Clone, Debug, Default)]
pub struct Metadata {
    /// Its short name.
    pub id: String,
    /// Its title.
    pub title: Text,
    /// One sentence.
    pub summary: Option<Text>,
    /// The course it belongs to.
    pub course: Option<String>,
    /// Its place in the course.
    pub order: Option<i64>,
    /// The languages it is written in.
    pub languages: Vec<Lang>,
    /// How long it takes.
    pub minutes: Option<i64>,
    /// `intro`, `core` or `stretch`.
    pub level: Option<String>,
    /// Lessons that come before.
    pub requires: Vec<String>,
    /// What the learner can do afterwards.
    pub objectives: Vec<Text>,
    /// Documents it follows.
    pub seeds: Vec<String>,
    /// Licence of its text.
    pub license: Option<String>,
    /// Who wrote it.
    pub authors: Vec<String>,
}

/// A value that differs per student when graded.
#[derive(Clone, Debug)]
pub struct Param {
    /// How it is drawn.
    pub kind: ParamKind,
    /// Its value when practising.
    pub default: Value,
}

/// How a parameter is drawn.
#[derive(Clone, Debug)]
pub enum ParamKind {
    /// A number between two, both included.
    Int {
        /// The bounds.
        range: Option<(i64, i64)>,
    },
    /// One of some values.
    Choice {
        /// The values.
        of: Vec<Value>,
    },
    /// A name.
    Name {
        /// What it begins with.
        prefix: Option<String>,
    },
}

/// The world a lesson needs.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// A preset of hosts and links; `plain` is a workstation, a control plane and the nodes.
    pub platform: String,
    /// The level of API and CLI behaviour, such as `k8s-1.36`.
    pub profile: Option<String>,
    /// The seed; `None` when it is drawn per student.
    pub seed: Option<u64>,
    /// Virtual wall-clock time at the start, RFC 3339.
    pub clock_start: Option<String>,
    /// The nodes; empty means the platform's own.
    pub nodes: Vec<NodeSpec>,
    /// The network.
    pub network: Network,
    /// Machines beside the cluster.
    pub hosts: Vec<HostSpec>,
    /// Images that can be pulled; empty means all that are built in.
    pub images: Vec<String>,
    /// Files on the workstation, contents already read.
    pub files: Vec<LabFile>,
    /// Manifests applied before the first step, in order: path and text.
    pub manifests: Vec<(String, String)>,
    /// What is broken from the start.
    pub faults: Vec<FaultSpec>,
    /// The lesson whose end is this one's beginning.
    pub continue_from: Option<String>,
}

/// A node of the cluster.
#[derive(Clone, Debug, Default)]
pub struct NodeSpec {
    /// Its name.
    pub name: String,
    /// Its zone.
    pub zone: Option<String>,
    /// Its processors, as a quantity.
    pub cpu: Option<String>,
    /// Its memory, as a quantity.
    pub memory: Option<String>,
    /// An address reachable from outside.
    pub external_ip: Option<String>,
    /// Taints as the API has them.
    pub taints: Vec<Value>,
}

/// The network of the cluster; absent means the platform's own.
#[derive(Clone, Debug, Default)]
pub struct Network {
    /// Addresses of Pods.
    pub pod_cidr: Option<String>,
    /// Addresses of Services.
    pub service_cidr: Option<String>,
    /// Addresses of nodes.
    pub node_cidr: Option<String>,
    /// Ports of NodePort Services.
    pub node_port_range: Option<String>,
    /// `overlay`, `routed` or `vpc`.
    pub dataplane: Option<String>,
    /// `none`, `ip` or `hostname`.
    pub load_balancer: Option<String>,
    /// Whether cluster DNS runs.
    pub dns: bool,
    /// Whether NetworkPolicy is enforced.
    pub policy: bool,
}

/// A machine beside the cluster.
#[derive(Clone, Debug, Default)]
pub struct HostSpec {
    /// Its name.
    pub name: String,
    /// The machine it runs inside of.
    pub inside: Option<String>,
    /// Programs on it.
    pub tools: Vec<String>,
}

/// A file that a lesson brings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabFile {
    /// Where the learner finds it.
    pub path: String,
    /// What is in it.
    pub content: String,
    /// The learner may not change it.
    pub readonly: bool,
}

/// Something to break.
#[derive(Clone, Debug)]
pub struct FaultSpec {
    /// Its name for `heal`.
    pub id: Option<String>,
    /// What breaks.
    pub kind: FaultKind,
    /// Of whom.
    pub target: String,
    /// How much.
    pub value: Option<Value>,
    /// How long after the start.
    pub at: Option<Duration>,
    /// For how long.
    pub lasting: Option<Duration>,
}

/// What is not said elsewhere in the lesson.
#[derive(Clone, Debug)]
pub struct Defaults {
    /// How long an assertion without a mode may take to hold.
    pub within: Duration,
    /// The terminal.
    pub session: String,
    /// The namespace.
    pub namespace: String,
}

/// Bounds of a run.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Real time; a safety net of the shell.
    pub wall: Option<Duration>,
    /// Virtual time for the whole lesson.
    pub virtual_time: Duration,
    /// Instructions.
    pub fuel: Option<u64>,
    /// Memory, as a quantity.
    pub memory: Option<String>,
    /// Output per command, as a quantity.
    pub output: Option<String>,
}

/// One step.
#[derive(Clone, Debug)]
pub struct Step {
    /// Its short name.
    pub id: String,
    /// Where it is written.
    pub at: Pos,
    /// Its title.
    pub title: Text,
    /// What is told.
    pub text: Text,
    /// Claims of the seed registry.
    pub covers: Vec<String>,
    /// What the learner does.
    pub items: Vec<Item>,
    /// What must then hold.
    pub then: Vec<Assertion>,
    /// What is asked.
    pub quiz: Vec<Quiz>,
    /// What the screen points at.
    pub focus: Option<Focus>,
    /// Corrections of the document it follows.
    pub errata: Vec<Text>,
    /// What must be done before the next step.
    pub gate: Gate,
}

/// What must be done before the next step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Gate {
    /// Nothing.
    None,
    /// The assertions.
    #[default]
    Then,
    /// The quiz.
    Quiz,
}

/// What the screen points at.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Focus {
    /// A pane.
    pub pane: Option<String>,
    /// Objects, as `service/my-nginx`.
    pub highlight: Vec<String>,
    /// Speed of time.
    pub speed: Option<f64>,
}

/// One thing the learner does.
#[derive(Clone, Debug)]
pub struct Item {
    /// Its short name.
    pub id: Option<String>,
    /// Where it is written.
    pub at: Pos,
    /// A remark beside it.
    pub note: Option<Text>,
    /// Claims of the seed registry.
    pub covers: Vec<String>,
    /// What it is.
    pub what: ItemKind,
}

/// What the learner does.
#[derive(Clone, Debug)]
pub enum ItemKind {
    /// Types a command.
    Run(Box<Run>),
    /// Looks at a file in the editor.
    Open {
        /// The file.
        path: String,
        /// The text to select.
        select: Option<String>,
    },
    /// Writes a file.
    Write {
        /// The file.
        path: String,
        /// Its content.
        content: String,
        /// Add to the end.
        append: bool,
    },
    /// Edits an object as `kubectl edit` would.
    Edit {
        /// Kind and name.
        object: String,
        /// A JSON Patch.
        patch: Vec<PatchOp>,
    },
    /// Opens a page in the browser pane.
    Browse {
        /// The address.
        url: String,
        /// From which machine.
        from: Option<String>,
    },
    /// Presses a key.
    Key {
        /// Which.
        key: Key,
        /// In which terminal.
        session: Option<String>,
    },
    /// Breaks something.
    Fault(FaultSpec),
    /// Mends it.
    Heal(String),
    /// Lets time pass.
    Advance(Duration),
}

impl ItemKind {
    /// What it is, in one line, captures not yet filled in.
    #[must_use]
    pub fn in_short(&self) -> String {
        match self {
            Self::Run(run) => format!("$ {}", run.command),
            Self::Open { path, .. } => format!("open {path}"),
            Self::Write { path, .. } => format!("write {path}"),
            Self::Edit { object, .. } => format!("edit {object}"),
            Self::Browse { url, .. } => format!("browse {url}"),
            Self::Key { key, .. } => format!("key {key:?}"),
            Self::Fault(fault) => format!("fault {:?} {}", fault.kind, fault.target),
            Self::Heal(name) => format!("heal {name}"),
            Self::Advance(by) => format!("advance {}s", by.as_secs_f64()),
        }
    }
}

/// One operation of a JSON Patch.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PatchOp {
    /// `add`, `replace` or `remove`.
    pub op: String,
    /// A JSON Pointer.
    pub path: String,
    /// The value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
}

/// A command.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// What is typed.
    pub command: String,
    /// Where; the workstation when absent.
    pub place: Option<String>,
    /// In which terminal.
    pub session: Option<String>,
    /// What it reads.
    pub stdin: Option<String>,
    /// Needs a terminal.
    pub interactive: bool,
    /// Keeps running.
    pub background: bool,
    /// What its output looks like.
    pub like: Option<Like>,
    /// Its exit code; zero when absent.
    pub exit: Option<Matcher>,
    /// What it complains.
    pub stderr: Option<Matcher>,
    /// Do not wait for the world to come to rest before it.
    pub no_settle: bool,
    /// How long it may take.
    pub within: Option<Duration>,
    /// The time it was usual.
    pub era: Option<String>,
    /// May fail.
    pub optional: bool,
    /// Is shown to be copied, not run.
    pub copy_only: bool,
}

/// A sample of output and the way it is compared.
#[derive(Clone, Debug, Default)]
pub struct Like {
    /// The sample as written.
    pub text: String,
    /// Where it is written.
    pub at: Pos,
    /// Rows in any order.
    pub unordered: bool,
}

/// A value's shape.
#[derive(Clone, Debug, PartialEq)]
pub enum Matcher {
    /// Equal to this scalar.
    Equals(Value),
    /// An object with at least these fields.
    Map(BTreeMap<String, Self>),
    /// A list with exactly these items.
    List(Vec<Self>),
    /// Every one of these operators.
    Ops(Vec<Op>),
}

/// An operator of a [`Matcher`].
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// A text with this part, or a list with such an item.
    Contains(Box<Matcher>),
    /// The opposite.
    NotContains(Box<Matcher>),
    /// A text that the regular expression finds.
    Matches(String),
    /// One of these.
    OneOf(Vec<Matcher>),
    /// At least.
    Gte(Value),
    /// At most.
    Lte(Value),
    /// Both.
    Between(Value, Value),
    /// Of this type.
    Is(Is),
    /// An address in this range.
    InCidr(String),
    /// Has this many items.
    Count(Box<Matcher>),
    /// Every item.
    Each(Box<Matcher>),
    /// Some item.
    Any(Box<Matcher>),
    /// These items in any order.
    Set(Vec<Matcher>),
    /// Not there.
    Absent,
    /// Not this.
    Not(Box<Matcher>),
    /// True in CEL, the value being `self`.
    Cel(String),
}

/// The type of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Is {
    /// An address.
    Ip,
    /// An IPv4 address.
    Ipv4,
    /// An IPv6 address.
    Ipv6,
    /// A range of addresses.
    Cidr,
    /// A port number.
    Port,
    /// A port of the default NodePort range.
    NodePort,
    /// A generated suffix.
    Hash,
    /// An integer.
    Int,
    /// A duration as kubectl prints ages.
    Duration,
    /// Base64.
    Base64,
    /// A certificate in PEM.
    PemCert,
    /// A private key in PEM.
    PemKey,
}

/// Something that must hold.
#[derive(Clone, Debug)]
pub struct Assertion {
    /// Its short name.
    pub id: Option<String>,
    /// Where it is written.
    pub at: Pos,
    /// What it says.
    pub title: Option<Text>,
    /// Checks that come first.
    pub needs: Vec<String>,
    /// What to say when it does not hold.
    pub otherwise: Option<Text>,
    /// What else may be the cause.
    pub diagnose: Vec<(Subject, Text)>,
    /// When it must hold.
    pub mode: Mode,
    /// What must hold.
    pub subject: Subject,
}

/// When an assertion must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// At this instant.
    Now,
    /// At some state within the window; `None` is the lesson's default.
    Eventually(Option<Duration>),
    /// At every state of the window.
    Always(Duration),
    /// At no state of the window.
    Never(Duration),
}

/// What an assertion is about.
#[derive(Clone, Debug)]
pub enum Subject {
    /// An object or some objects.
    Resource(Resource),
    /// The endpoints of a Service.
    Endpoints(Endpoints),
    /// An HTTP request.
    Http(Http),
    /// A TCP connection.
    Tcp(Tcp),
    /// A DNS question.
    Dns(Dns),
    /// A command run now.
    Exec(Exec),
    /// The output of an earlier `run`.
    Output(OutputOf),
    /// Packets.
    Flow(Flow),
    /// How requests are spread.
    Distribution(Distribution),
    /// A submitted file.
    File(FileSubject),
    /// The answer to a quiz.
    Answer(String),
    /// An expression.
    Cel(String),
    /// Every one.
    All(Vec<Self>),
    /// At least one.
    Any(Vec<Self>),
    /// Not this.
    Not(Box<Self>),
}

/// An object or some objects.
#[derive(Clone, Debug, Default)]
pub struct Resource {
    /// `kind/name`, or `kind`.
    pub reference: String,
    /// Where.
    pub namespace: Option<String>,
    /// Which.
    pub selector: Option<String>,
    /// Their shape.
    pub shape: Option<Matcher>,
    /// How many of that shape.
    pub count: Option<Matcher>,
    /// None of them.
    pub absent: bool,
    /// A manifest with the same spec: its path and text.
    pub same_spec_as: Option<(String, String)>,
    /// Values to remember: name and JSONPath.
    pub capture: BTreeMap<String, String>,
}

/// The endpoints of a Service.
#[derive(Clone, Debug, Default)]
pub struct Endpoints {
    /// The Service.
    pub service: String,
    /// Where.
    pub namespace: Option<String>,
    /// How many are ready.
    pub ready: Option<Matcher>,
    /// Exactly the addresses of the ready Pods of this selector.
    pub equals_pod_ips_of: Option<String>,
    /// This address is among the ready ones.
    pub contains: Option<String>,
    /// This address is not among them.
    pub not_contains: Option<String>,
    /// The port.
    pub port: Option<Matcher>,
}

/// An HTTP request.
#[derive(Clone, Debug, Default)]
pub struct Http {
    /// Where it starts.
    pub from: String,
    /// Values of `@(each)`.
    pub for_each: Vec<String>,
    /// Where it goes.
    pub url: String,
    /// `GET` when absent.
    pub method: Option<String>,
    /// Sent as they are.
    pub headers: Vec<(String, String)>,
    /// Accept any certificate.
    pub insecure: bool,
    /// Trusted certificates.
    pub cacert: Option<String>,
    /// The status.
    pub status: Option<Matcher>,
    /// The body.
    pub body: Option<Matcher>,
    /// The Pod that answers.
    pub served_by: Option<Matcher>,
    /// The kind of failure.
    pub fails: Option<crate::Failed>,
}

/// A TCP connection.
#[derive(Clone, Debug)]
pub struct Tcp {
    /// Where it starts.
    pub from: String,
    /// `host:port`.
    pub to: String,
    /// What becomes of it; `None` is open.
    pub is: Option<crate::Failed>,
}

/// A DNS question.
#[derive(Clone, Debug, Default)]
pub struct Dns {
    /// Where it starts.
    pub from: String,
    /// The name.
    pub name: String,
    /// The list of addresses.
    pub answers: Option<Matcher>,
    /// `NOERROR`, `NXDOMAIN`, `SERVFAIL`, `TIMEOUT`.
    pub rcode: Option<String>,
}

/// A command run now.
#[derive(Clone, Debug, Default)]
pub struct Exec {
    /// Where.
    pub place: String,
    /// Its arguments.
    pub command: Vec<String>,
    /// Its exit code.
    pub exit: Option<Matcher>,
    /// What it writes.
    pub stdout: Option<Matcher>,
    /// What it complains.
    pub stderr: Option<Matcher>,
    /// What its output looks like.
    pub like: Option<Like>,
}

/// The output of an earlier `run`.
#[derive(Clone, Debug, Default)]
pub struct OutputOf {
    /// Its id.
    pub of: String,
    /// Its exit code.
    pub exit: Option<Matcher>,
    /// What it wrote.
    pub stdout: Option<Matcher>,
    /// What it complained.
    pub stderr: Option<Matcher>,
    /// What its output looks like.
    pub like: Option<Like>,
}

/// Packets.
#[derive(Clone, Debug, Default)]
pub struct Flow {
    /// Where they are seen: `node/*:eth0`.
    pub iface: Option<String>,
    /// Their headers.
    pub shape: Option<Matcher>,
    /// Hops in order.
    pub path: Vec<String>,
    /// Since the beginning of the lab rather than of the step.
    pub since_lab: bool,
}

/// How requests are spread.
#[derive(Clone, Debug, Default)]
pub struct Distribution {
    /// Where they start.
    pub from: String,
    /// Where they go.
    pub url: String,
    /// How many.
    pub requests: u32,
    /// Counted by Pod rather than by body.
    pub by_server: bool,
    /// Expected shares.
    pub p: Vec<f64>,
    /// How many standard deviations off is fair.
    pub sigma: f64,
    /// All on one connection.
    pub keep_alive: bool,
}

/// A submitted file.
#[derive(Clone, Debug, Default)]
pub struct FileSubject {
    /// Its path.
    pub path: String,
    /// Whether it is there.
    pub exists: Option<bool>,
    /// Its text.
    pub text: Option<Matcher>,
    /// Its value as YAML.
    pub yaml: Option<Matcher>,
    /// How many documents it holds.
    pub docs: Option<i64>,
}

/// A question for the learner.
#[derive(Clone, Debug)]
pub struct Quiz {
    /// Its short name.
    pub id: String,
    /// Where it is written.
    pub at: Pos,
    /// Its kind.
    pub kind: QuizKind,
    /// What is asked.
    pub prompt: Text,
    /// What can be chosen.
    pub choices: Vec<Choice>,
    /// The right text or number.
    pub answer: Option<Matcher>,
    /// Points.
    pub points: Option<f64>,
    /// When the answer is told.
    pub reveal: Option<String>,
    /// Claims of the seed registry.
    pub covers: Vec<String>,
}

/// The kind of a quiz.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum QuizKind {
    /// One choice.
    Single,
    /// Some choices.
    Multi,
    /// A number.
    Number,
    /// A word.
    Short,
    /// All choices, in order.
    Order,
    /// One choice, before it happens.
    Predict,
}

/// One choice of a quiz.
#[derive(Clone, Debug)]
pub struct Choice {
    /// Its short name.
    pub id: String,
    /// What it says.
    pub text: Text,
    /// Whether it is right.
    pub correct: bool,
    /// Why or why not.
    pub why: Option<Text>,
}

/// Something the learner solves.
#[derive(Clone, Debug)]
pub struct Task {
    /// Its short name.
    pub id: String,
    /// Where it is written.
    pub at: Pos,
    /// Its title.
    pub title: Text,
    /// What is to be done.
    pub text: Text,
    /// Files handed in.
    pub submit: Vec<Submit>,
    /// What is checked.
    pub checks: Vec<Check>,
    /// Help.
    pub hints: Vec<Hint>,
    /// One right answer.
    pub solution: Solution,
    /// Wrong answers.
    pub mutants: Vec<Mutant>,
}

/// A file handed in.
#[derive(Clone, Debug, Default)]
pub struct Submit {
    /// Its path.
    pub path: String,
    /// What it starts as.
    pub starter: Option<String>,
    /// `kubernetes`, `answers` or `none`.
    pub schema: Option<String>,
    /// Its greatest size.
    pub max_bytes: Option<u64>,
}

/// An assertion that carries points.
#[derive(Clone, Debug)]
pub struct Check {
    /// What must hold.
    pub assertion: Assertion,
    /// Points.
    pub points: f64,
    /// Who sees it.
    pub visibility: Visibility,
    /// Parts of it earn parts of the points.
    pub partial: bool,
    /// Without it nothing else counts.
    pub required: bool,
    /// Claims of the seed registry.
    pub covers: Vec<String>,
}

/// Who sees a check.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Visibility {
    /// Everybody.
    #[default]
    Public,
    /// Nobody.
    Hidden,
    /// Everybody, later.
    AfterDeadline,
}

/// Help for a task.
#[derive(Clone, Debug)]
pub struct Hint {
    /// What it says.
    pub text: Text,
    /// Not before this many failures.
    pub after_failures: Option<u32>,
    /// Only while these checks fail.
    pub failing: Vec<String>,
    /// The share of points it costs.
    pub cost: Option<f64>,
}

/// One right answer of a task.
#[derive(Clone, Debug, Default)]
pub struct Solution {
    /// Files.
    pub files: BTreeMap<String, String>,
    /// Commands.
    pub run: Vec<String>,
    /// Why it is right.
    pub explain: Option<Text>,
    /// Shown after this many failures.
    pub reveal_after: Option<u32>,
    /// Never shown.
    pub reveal_never: bool,
}

/// One wrong answer of a task.
#[derive(Clone, Debug, Default)]
pub struct Mutant {
    /// Its short name.
    pub name: String,
    /// Files.
    pub files: BTreeMap<String, String>,
    /// Commands.
    pub run: Vec<String>,
    /// Checks that must fail.
    pub fails: Vec<String>,
    /// The points it gets.
    pub score: Option<f64>,
}
