//! What of a lesson makes sense on a cluster that is not the lab's own, and why the rest does not.
//!
//! Objects, endpoints, commands of kubectl and what Pods see can be asked of any cluster. Packets,
//! faults, the clock, and machines around the cluster are the lab's. What is left out takes with
//! it what stands on it: captures of a command that is not run, checks of a node that was not
//! switched off. Never looks at the cluster.

mod subject;

use crate::lab::{Assertion, Item, ItemKind, Lab, Mode, Pos, Run, Task, Text};
use crate::like::{self, Hole};
use crate::template::{Part, holes, parts};
use std::collections::{BTreeMap, BTreeSet};
use subject::{captured_by, needs_the_lab};

/// Programs of the workstation that speak to machines of the lab.
const OF_THE_LAB: [&str; 4] = ["ssh", "minikube", "docker", "lab"];
/// Programs whose success depends on where the workstation stands.
const ON_THE_WIRE: [&str; 9] = [
    "curl",
    "wget",
    "nc",
    "telnet",
    "ping",
    "traceroute",
    "nslookup",
    "dig",
    "tcpdump",
];

/// What is left out on a cluster that is not the lab's own: where it is written, and why.
///
/// Pass it as [`crate::Options::left_out`].
///
/// # Errors
/// Why nothing of the lesson makes sense there.
pub fn left_out_elsewhere(lab: &Lab) -> Result<BTreeMap<Pos, Text>, Text> {
    if lab.environment.platform == "docker-hosts" {
        return Err(told(
            "このレッスンはlabのDockerホストで行います",
            "this lesson is about Docker hosts of the lab",
        ));
    }
    if let Some(fault) = lab.environment.faults.first() {
        return Err(told(
            format!("このレッスンは障害 {} の中で始まります", fault.kind),
            format!("this lesson begins with the fault {}", fault.kind),
        ));
    }
    let mut plan = Plan::default();
    for step in &lab.steps {
        step.items.iter().for_each(|item| plan.item(item));
        plan.assertions(step.then.iter());
        plan.jumped = false;
    }
    lab.tasks.iter().for_each(|task| plan.task(task));
    Ok(plan.out)
}

fn told(ja: impl Into<String>, en: impl Into<String>) -> Text {
    Text {
        ja: ja.into(),
        en: en.into(),
    }
}

#[derive(Default)]
struct Plan {
    out: BTreeMap<Pos, Text>,
    /// Captures that something left out would have made.
    missing: BTreeSet<String>,
    /// Commands with an id that are not run.
    unrun: BTreeSet<String>,
    /// Faults that were left out and not yet left out to be mended.
    lasting: BTreeSet<String>,
    /// Whether a jump of the clock was left out in this step.
    jumped: bool,
}

impl Plan {
    fn item(&mut self, item: &Item) {
        let why = match &item.what {
            ItemKind::Fault(fault) => {
                self.lasting.insert(fault.id.clone().unwrap_or_default());
                Some(told(
                    format!("障害 {} はlabの中だけのものです", fault.kind),
                    format!("the fault {} is the lab's own", fault.kind),
                ))
            }
            ItemKind::Heal(name) => {
                self.lasting.remove(name);
                Some(told("起こしていない障害です", "there is no fault to mend"))
            }
            ItemKind::Advance(_) => {
                self.jumped = true;
                Some(told(
                    "本物の時計は進められません",
                    "a real clock cannot be moved",
                ))
            }
            ItemKind::Browse { .. } => Some(told(
                "labの中の機械のブラウザーです",
                "the browser is on a machine of the lab",
            )),
            ItemKind::Key { .. } => Some(a_terminal()),
            ItemKind::Write { path, .. } if outside(path) => Some(told(
                "作業フォルダーの外のファイルです",
                "the file is outside the working folder",
            )),
            ItemKind::Run(run) => run_needs_the_lab(run).or_else(|| self.changed()),
            ItemKind::Open { .. } => None,
            ItemKind::Edit { .. } => Some(told(
                "変えるのはlabのエディターです",
                "the editor that makes the change is the lab's",
            )),
            ItemKind::Write { .. } => self.changed(),
        };
        let why = why.or_else(|| self.stands_on(&texts_of(item)));
        let Some(why) = why else { return };
        if let ItemKind::Run(run) = &item.what {
            self.unrun.extend(item.id.clone());
            let captures = run.like.iter().flat_map(like::captures);
            self.missing.extend(captures);
        }
        self.out.insert(item.at, why);
    }

    fn task(&mut self, task: &Task) {
        let commands = task.solution.run.iter();
        let why = commands.map(String::as_str).find_map(speaks_to_the_lab);
        if let Some(why) = why.or_else(|| self.changed()) {
            self.out.insert(task.at, why.clone());
            let checks = task.checks.iter();
            self.out
                .extend(checks.map(|check| (check.assertion.at, why.clone())));
        }
        self.assertions(task.checks.iter().map(|check| &check.assertion));
    }

    /// Why the world is not as the lesson has it at this point, if it is not.
    fn changed(&self) -> Option<Text> {
        if self.jumped {
            return Some(told(
                "進めなかった時計の後のことです",
                "it comes after a jump of the clock that was left out",
            ));
        }
        let fault = self.lasting.first()?;
        Some(told(
            format!("起こさなかった障害 {fault} の間のことです"),
            format!("it happens during the fault {fault}, which was left out"),
        ))
    }

    fn assertions<'a>(&mut self, assertions: impl Iterator<Item = &'a Assertion>) {
        let mut gone: BTreeSet<&str> = BTreeSet::new();
        for assertion in assertions {
            let why = self.assertion(assertion).or_else(|| {
                let need = assertion
                    .needs
                    .iter()
                    .find(|need| gone.contains(need.as_str()))?;
                Some(told(
                    format!("省いた確認 {need} が前提です"),
                    format!("it needs the check {need}, which was left out"),
                ))
            });
            let Some(why) = why else { continue };
            gone.extend(assertion.id.as_deref());
            captured_by(&assertion.subject, &mut self.missing);
            self.out.insert(assertion.at, why);
        }
    }

    fn assertion(&self, assertion: &Assertion) -> Option<Text> {
        if matches!(assertion.mode, Mode::Always(_) | Mode::Never(_)) {
            return Some(told(
                "すべての瞬間を見られるのはlabの中だけです",
                "only inside the lab is every instant seen",
            ));
        }
        let mut texts = Vec::new();
        assertion
            .subject
            .texts(&mut |text| texts.push(text.to_owned()));
        needs_the_lab(&assertion.subject, &self.unrun)
            .or_else(|| self.changed())
            .or_else(|| self.stands_on(&texts))
    }

    /// The first capture in these texts that nothing makes here.
    fn stands_on(&self, texts: &[String]) -> Option<Text> {
        let mut names = texts.iter().flat_map(|text| holes(text));
        let name = names.find(|name| self.missing.contains(*name))?;
        Some(told(
            format!("省いたところで決まる {name} を使います"),
            format!("it uses {name}, which something left out would have found"),
        ))
    }
}

fn a_terminal() -> Text {
    told("labの端末が必要です", "it needs a terminal of the lab")
}

/// Whether a path leads out of the folder that commands run in.
fn outside(path: &str) -> bool {
    path.starts_with(['/', '~']) || path.split('/').any(|part| part == "..")
}

fn run_needs_the_lab(run: &Run) -> Option<Text> {
    if run.interactive || run.background || run.session.is_some() {
        return Some(a_terminal());
    }
    let of_the_lab = |place: &str| {
        told(
            format!("labの機械 {place} で実行します"),
            format!("it runs on {place}, a machine of the lab"),
        )
    };
    match run.place.as_deref() {
        None | Some("workstation") => {}
        Some(place) if subject::is_pod(place) => return None,
        Some(place) => return Some(of_the_lab(place)),
    }
    speaks_to_the_lab(&run.command)
}

fn speaks_to_the_lab(command: &str) -> Option<Text> {
    let command = unquoted(command);
    let words = command.split(['|', ';', '&', '\n', '(', '`']);
    let mut programs = words.filter_map(|part| part.split_whitespace().next());
    programs.find_map(|program| {
        if OF_THE_LAB.contains(&program) {
            return Some(told(
                format!("{program} はlabの機械を相手にします"),
                format!("{program} speaks to machines of the lab"),
            ));
        }
        ON_THE_WIRE.contains(&program).then(|| {
            told(
                format!("{program} で届く先は、labの作業机がある場所で決まります"),
                format!("what {program} reaches depends on where the lab's workstation stands"),
            )
        })
    })
}

/// A command without what stands in quotes, which another shell may run elsewhere.
fn unquoted(command: &str) -> String {
    let mut open = None;
    let mut rest = String::new();
    for letter in command.chars() {
        match (open, letter) {
            (Some(quote), letter) if quote == letter => open = None,
            (None, '\'' | '"') => open = Some(letter),
            (None, letter) => rest.push(letter),
            (Some(_), _) => {}
        }
    }
    rest
}

/// The texts of an item that captures may stand in.
fn texts_of(item: &Item) -> Vec<String> {
    match &item.what {
        ItemKind::Run(run) => {
            let own = [Some(&run.command), run.place.as_ref(), run.stdin.as_ref()];
            let mut texts: Vec<String> = own.into_iter().flatten().cloned().collect();
            // Only what the sample uses, not what it captures, is another's.
            texts.extend(run.like.iter().flat_map(|like| used_by(&like.text)));
            texts
        }
        ItemKind::Write { content, .. } => vec![content.clone()],
        ItemKind::Edit { object, .. } => vec![object.clone()],
        _ => Vec::new(),
    }
}

/// The captures that a sample takes as known, each as a text with its hole.
fn used_by(sample: &str) -> Vec<String> {
    parts(sample)
        .into_iter()
        .filter_map(|part| match part {
            Part::Hole(hole) => match Hole::parse(hole) {
                Ok(Hole::Known(name)) => Some(format!("@({name})")),
                _ => None,
            },
            Part::Text(_) => None,
        })
        .collect()
}
