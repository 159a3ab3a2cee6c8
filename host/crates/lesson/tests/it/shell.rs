//! A shell that carries nothing out: it answers from a script, at once, on a clock of its own.

use clock::{Duration, Instant};
use lesson::{
    Action, Engine, Finding, Lab, Observation, Options, Packet, Place, Probe, ProbeOutcome, Query,
    QueryId, Report, RunOrder, Text,
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// Reads a lesson that must be right.
#[track_caller]
pub(crate) fn lab(text: &str) -> Arc<Lab> {
    let (lab, findings) = Lab::parse("labs/t.yaml", text, &mut |path| {
        (path == "files/svc.yaml")
            .then(|| "kind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 80}]}\n".into())
    });
    let errors: Vec<String> = findings.iter().map(ToString::to_string).collect();
    Arc::new(lab.unwrap_or_else(|| panic!("{}", errors.join("\n"))))
}

/// The lessons of the repository and the files beside them, as they are in it.
macro_rules! beside {
    ($($name:literal),*) => {
        |path: &str| match path {
            $($name => Some(include_str!(concat!("../../../../../labs/", $name)).to_owned()),)*
            _ => None,
        }
    };
}

/// A lesson of the repository by its number, and what is found in it.
pub(crate) fn read_lesson(number: &str) -> (Option<Lab>, Vec<Finding>) {
    let (source, text) = match number {
        "03" => (
            "labs/03-service.yaml",
            include_str!("../../../../../labs/03-service.yaml"),
        ),
        "06" => (
            "labs/06-names.yaml",
            include_str!("../../../../../labs/06-names.yaml"),
        ),
        "07" => (
            "labs/07-balance.yaml",
            include_str!("../../../../../labs/07-balance.yaml"),
        ),
        other => panic!("there is no lesson {other}"),
    };
    let mut beside = beside!(
        "files/run-my-nginx.yaml",
        "files/nginx-svc.yaml",
        "files/decoy.yaml",
        "files/probe.yaml",
        "files/web.yml",
        "files/shell.yml",
        "files/service-web.yml",
        "files/laravel-init.yml",
        "files/service-mixed.yml"
    );
    Lab::parse(source, text, &mut beside)
}

/// A lesson of the repository by its number.
pub(crate) fn lab_of(number: &str) -> Lab {
    read_lesson(number).0.expect("the lesson reads")
}

/// A lesson of one step with this body (indented by four).
pub(crate) fn step(body: &str) -> String {
    format!(
        "apiVersion: lab/v1alpha1\nkind: Lab\nmetadata: {{ id: t, title: t, languages: [ja, en] }}\nsteps:\n  - id: s\n    title: s\n    text: s\n{body}"
    )
}

type Prober = Box<dyn FnMut(Instant, &Place, &Probe) -> ProbeOutcome>;

/// What changes in the world, and when.
enum Change {
    Objects(&'static str, Vec<Value>),
    Packet(Packet),
    Forgotten(u64),
}

pub(crate) struct Shell {
    engine: Engine,
    now: Instant,
    runs: BTreeMap<String, (String, String, i32)>,
    objects: BTreeMap<String, Vec<Value>>,
    changes: VecDeque<(Instant, Change)>,
    asked: BTreeMap<QueryId, Query>,
    prober: Prober,
    explanation: Option<Text>,
    /// Every action, in one line each.
    pub(crate) log: Vec<String>,
}

impl Shell {
    pub(crate) fn new(text: &str) -> Self {
        Self::with(text, Options::default())
    }

    pub(crate) fn with(text: &str, options: Options) -> Self {
        Self {
            engine: Engine::new(Instant::ZERO, lab(text), options),
            now: Instant::ZERO,
            runs: BTreeMap::new(),
            objects: BTreeMap::new(),
            changes: VecDeque::new(),
            asked: BTreeMap::new(),
            prober: Box::new(|_, _, _| ProbeOutcome::Open),
            explanation: None,
            log: Vec::new(),
        }
    }

    /// What a command prints.
    pub(crate) fn run(mut self, command: &str, stdout: &str, stderr: &str, exit: i32) -> Self {
        self.runs
            .insert(command.into(), (stdout.into(), stderr.into(), exit));
        self
    }

    /// From `millis` on there are these objects of a kind.
    pub(crate) fn at(mut self, millis: u64, kind: &'static str, items: Vec<Value>) -> Self {
        self.changes
            .push_back((Instant::from_millis(millis), Change::Objects(kind, items)));
        self
    }

    /// At `millis` a packet to `dst` leaves a node.
    pub(crate) fn packet(mut self, millis: u64, dst: &str) -> Self {
        let at = Instant::from_millis(millis);
        let ip = BTreeMap::from([
            ("src", json!("10.244.0.5")),
            ("dst", json!(dst)),
            ("proto", json!("tcp")),
        ]);
        let iface = "node/node-a:eth0".into();
        let packet = Packet {
            at,
            packet: millis,
            iface,
            dir: "out",
            ip,
            tcp: None,
            udp: None,
            outer: None,
            nat: None,
            dropped: None,
        };
        self.changes.push_back((at, Change::Packet(packet)));
        self
    }

    /// At `millis` so many packets fall out of the log untold.
    pub(crate) fn forgotten(mut self, millis: u64, packets: u64) -> Self {
        self.changes
            .push_back((Instant::from_millis(millis), Change::Forgotten(packets)));
        self
    }

    /// What the shell says is broken.
    pub(crate) fn explain(mut self, ja: &str, en: &str) -> Self {
        self.explanation = Some(Text {
            ja: ja.into(),
            en: en.into(),
        });
        self
    }

    pub(crate) fn probe(
        mut self,
        prober: impl FnMut(Instant, &Place, &Probe) -> ProbeOutcome + 'static,
    ) -> Self {
        self.prober = Box::new(prober);
        self
    }

    /// Runs the lesson to its end.
    pub(crate) fn drive(&mut self) -> Report {
        for _ in 0..100_000 {
            self.drain();
            if self.engine.is_done() {
                return self.engine.report();
            }
            self.wait();
        }
        panic!("the lesson does not end:\n{}", self.log.join("\n"));
    }

    fn wait(&mut self) {
        let change = self.changes.front().map(|(at, _)| *at);
        let timer = self.engine.poll_at();
        match (change, timer) {
            (Some(at), timer) if timer.is_none_or(|timer| at <= timer) => {
                let Some((at, change)) = self.changes.pop_front() else {
                    return;
                };
                self.now = self.now.max(at);
                self.change(change);
            }
            (_, Some(timer)) => {
                assert!(timer >= self.now, "the engine wants to go back in time");
                self.now = timer;
                self.engine.handle_time(timer);
            }
            (_, None) => panic!("nobody knows when to go on:\n{}", self.log.join("\n")),
        }
    }

    fn change(&mut self, change: Change) {
        match change {
            Change::Objects(kind, items) => {
                self.objects.insert(kind.into(), items);
                let asked: Vec<(QueryId, Query)> = self.asked.clone().into_iter().collect();
                for (query, what) in asked {
                    if matches!(&what, Query::Objects { kind: k, .. } if k == kind) {
                        self.tell(query, &what);
                    }
                }
            }
            Change::Packet(packet) => self.pass(&[packet], 0),
            Change::Forgotten(lost) => self.pass(&[], lost),
        }
    }

    fn pass(&mut self, packets: &[Packet], lost: u64) {
        let packet_query = |what: &Query| matches!(what, Query::Packets { .. });
        let asked: Vec<QueryId> = self
            .asked
            .iter()
            .filter(|(_, what)| packet_query(what))
            .map(|(query, _)| *query)
            .collect();
        for query in asked {
            let packets = packets.to_vec();
            self.engine.handle(
                self.now,
                Observation::Packets {
                    query,
                    packets,
                    lost,
                },
            );
        }
    }

    fn tell(&mut self, query: QueryId, what: &Query) {
        let Query::Objects { kind, name, .. } = what else {
            return self.engine.handle(
                self.now,
                Observation::Packets {
                    query,
                    packets: Vec::new(),
                    lost: 0,
                },
            );
        };
        let items = self.objects.get(kind).cloned().unwrap_or_default();
        let named = |item: &Value| {
            name.as_ref()
                .is_none_or(|name| item["metadata"]["name"] == name.as_str())
        };
        let items = items
            .into_iter()
            .filter(|item| named(item))
            .map(Arc::new)
            .collect();
        self.engine
            .handle(self.now, Observation::Objects { query, items });
    }

    fn drain(&mut self) {
        while let Some(action) = self.engine.poll_action() {
            self.carry_out(action);
        }
    }

    fn carry_out(&mut self, action: Action) {
        let now = self.now;
        let observation = match action {
            Action::Show(_) => return,
            Action::Settle { id, .. } => Observation::Settled { id },
            Action::WriteFile { id, path, .. } => {
                self.log.push(format!("write {path}"));
                Observation::Done { id, result: Ok(()) }
            }
            Action::Apply { id, path, .. } => {
                self.log.push(format!("apply {path}"));
                Observation::Applied {
                    id,
                    result: Ok(vec![format!("{path} applied")]),
                }
            }
            Action::Run(RunOrder {
                id,
                place,
                command,
                session,
                terminal,
                ..
            }) => {
                let at = if terminal {
                    format!("{place} {session}")
                } else {
                    place.to_string()
                };
                self.log.push(format!("[{at}] {command}"));
                let not_found = || (String::new(), format!("sh: {command}: not found"), 127);
                let (stdout, stderr, exit) =
                    self.runs.get(&command).cloned().unwrap_or_else(not_found);
                self.now = now + Duration::from_millis(100);
                Observation::Output {
                    id,
                    stdout,
                    stderr,
                    exit: Some(exit),
                    waits: false,
                }
            }
            Action::Edit {
                id, object, patch, ..
            } => {
                let patch = serde_json::to_string(&patch).unwrap_or_default();
                self.log.push(format!("edit {object} {patch}"));
                Observation::Output {
                    id,
                    stdout: format!("{object} edited\n"),
                    stderr: String::new(),
                    exit: Some(0),
                    waits: false,
                }
            }
            Action::Browse { id, from, url, .. } => {
                self.log.push(format!("[{from}] browse {url}"));
                let there = url.starts_with("http://web");
                Observation::Output {
                    id,
                    stdout: if there {
                        "200 OK\nWelcome\n".into()
                    } else {
                        String::new()
                    },
                    stderr: if there {
                        String::new()
                    } else {
                        "connection refused".into()
                    },
                    exit: Some(i32::from(!there)),
                    waits: false,
                }
            }
            Action::Key { id, key, session } => {
                self.log.push(format!("key {key:?} {session}"));
                Observation::Done { id, result: Ok(()) }
            }
            Action::Advance { id, by } => {
                self.now = now + by;
                Observation::Done { id, result: Ok(()) }
            }
            Action::Fault {
                id,
                name,
                target,
                kind,
                ..
            } => {
                self.log.push(format!("fault {name} {kind:?} {target}"));
                Observation::Done { id, result: Ok(()) }
            }
            Action::Heal { id, name } => {
                self.log.push(format!("heal {name}"));
                Observation::Done { id, result: Ok(()) }
            }
            Action::Ask { query, what } => {
                self.asked.insert(query, what.clone());
                return self.tell(query, &what);
            }
            Action::Forget { query } => {
                assert!(
                    self.asked.remove(&query).is_some(),
                    "forgot what was not asked"
                );
                return;
            }
            Action::Probe {
                id,
                from,
                probe,
                deadline,
            } => {
                assert!(deadline > now);
                self.log.push(format!(
                    "{:.1} probe from {from}",
                    now.since_start().as_secs_f64()
                ));
                Observation::Probed {
                    id,
                    outcome: (self.prober)(now, &from, &probe),
                }
            }
            Action::Explain {
                id,
                from,
                about,
                namespace,
            } => {
                let from = from.map_or_else(String::new, |from| format!("from {from} "));
                self.log
                    .push(format!("explain {from}to {about} in {namespace}"));
                Observation::Explained {
                    id,
                    why: self.explanation.clone(),
                }
            }
            Action::DryRun { id, manifest } => {
                self.log.push(format!("dry-run {manifest}"));
                let object: Value = serde_json::from_str(&manifest).unwrap_or_default();
                Observation::DryRun {
                    id,
                    result: Ok(Arc::new(object)),
                }
            }
        };
        self.engine.handle(self.now, observation);
    }

    /// Questions still open.
    pub(crate) fn open_questions(&self) -> usize {
        self.asked.len()
    }

    pub(crate) fn captures(&self) -> &BTreeMap<String, String> {
        self.engine.captures()
    }

    pub(crate) fn engine(&mut self) -> &mut Engine {
        &mut self.engine
    }

    /// Carries out what there is to do without letting time pass.
    pub(crate) fn settle(&mut self) {
        self.drain();
    }
}
