//! What must hold, and when. Never judges it.

use super::{Like, Matcher, Pos, Text};
use clock::Duration;
use std::collections::BTreeMap;

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
    /// Claims of the seed registry that it shows.
    pub covers: Vec<String>,
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
    /// How many packets; at least one when absent.
    pub count: Option<Matcher>,
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
