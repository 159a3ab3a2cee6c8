//! A lesson from its file to its report: reading it and everything it names, building its world,
//! playing it. `lab run` and the commands that prove lessons share it.
//!
//! Never judges and never prints: findings and warnings are given back as lines.

use crate::shell::{Bounds, Capture, Component, Shell, come_to_rest, play};
use anyhow::{Context, Result, bail};
use clock::{Duration, Seed};
use cluster::{Body, Method, Request};
use lesson::{Attempt, Engine, Finding, Lab, Options, Pos, Report, Severity};
use serde_json::json;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use vnet::{Cidr, Dataplane};
use world::{NodePlan, Platform, WorldSpec};

/// When a lesson's world begins, unless the lesson says otherwise: 2026-01-01T00:00:00Z.
pub(super) const EPOCH: i64 = 1_767_225_600;
/// Real time a lesson may take, a safety net.
const WALL: Duration = Duration::from_secs(120);
/// `environment.seed` when neither the lesson nor the caller says one.
const SEED: u64 = 42;
/// How long kubelets may take to register.
const START: Duration = Duration::from_secs(600);
/// Where NodePorts come from.
const NODE_PORTS: &str = "30000-32767";

/// A lesson with the programs it brings.
#[derive(Debug)]
pub(crate) struct Lesson {
    /// The lesson itself.
    pub(crate) lab: Arc<Lab>,
    components: Vec<Component>,
    /// The lesson whose end is this one's beginning.
    earlier: Option<Box<Self>>,
}

/// How a lesson is played.
#[derive(Clone, Debug, Default)]
pub(crate) struct How {
    /// The language of what is printed.
    pub(crate) lang: lesson::Lang,
    /// The lesson's own seed when absent.
    pub(crate) seed: Option<u64>,
    /// Whose answers the tasks get.
    pub(crate) attempt: Attempt,
    /// Stop after this step.
    pub(crate) until_step: Option<String>,
    /// For whom: the course's key and the student's name decide parameters, and the seed of a
    /// lesson that has none.
    pub(crate) student: Option<(Vec<u8>, String)>,
    /// Parameters that differ from their defaults.
    pub(crate) params: BTreeMap<String, String>,
    /// Write every packet here.
    pub(crate) pcap: Option<PathBuf>,
}

impl Lesson {
    /// Reads a lesson and everything it names. It is there unless a finding is an error.
    pub(crate) fn read(file: &Path) -> Result<(Option<Self>, Vec<Finding>)> {
        Self::read_after(file, &mut Vec::new())
    }

    /// The same, `later` being the lessons that begin where this one ends.
    fn read_after(file: &Path, later: &mut Vec<String>) -> Result<(Option<Self>, Vec<Finding>)> {
        let name = file.display().to_string();
        let text = fs::read_to_string(file).with_context(|| name.clone())?;
        let folder = file.parent().filter(|folder| *folder != Path::new(""));
        let folder = folder.unwrap_or(Path::new("."));
        let mut beside = |path: &str| fs::read_to_string(folder.join(path)).ok();
        let (lab, mut findings) = Lab::parse(&name, &text, &mut beside);
        let is_wrong = |findings: &[Finding]| {
            let mut all = findings.iter();
            all.any(|finding| finding.severity == Severity::Error)
        };
        let Some(lab) = lab.filter(|_| !is_wrong(&findings)) else {
            return Ok((None, findings));
        };
        later.push(lab.metadata.id.clone());
        let mut earlier = None;
        if let Some(id) = &lab.environment.continue_from {
            match Self::find_earlier(folder, &lab, id, later) {
                Ok(lesson) => earlier = Some(Box::new(lesson)),
                Err(message) => findings.push(Finding {
                    source: name,
                    at: place_of(&text, "continue_from"),
                    code: "LAB040",
                    severity: Severity::Error,
                    message,
                    help: None,
                    fix: Vec::new(),
                }),
            }
        }
        if is_wrong(&findings) {
            return Ok((None, findings));
        }
        let components = components(&lab, folder)?;
        let lesson = Self {
            lab: Arc::new(lab),
            components,
            earlier,
        };
        Ok((Some(lesson), findings))
    }

    /// The lesson of this id among those beside `lab`, or what is wrong with it.
    fn find_earlier(
        folder: &Path,
        lab: &Lab,
        id: &str,
        later: &mut Vec<String>,
    ) -> Result<Self, String> {
        if later.iter().any(|known| known == id) {
            let way = later.join(" → ");
            return Err(format!("`{id}` would begin where it ends: {way} → {id}"));
        }
        let file = file_of(folder, id)
            .ok_or_else(|| format!("there is no lesson `{id}` beside this one"))?;
        let (lesson, findings) =
            Self::read_after(&file, later).map_err(|cause| format!("{cause:#}"))?;
        let lesson = lesson.ok_or_else(|| {
            let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
            format!("the lesson `{id}` cannot be read:\n{}", lines.join("\n"))
        })?;
        let (own, before) = (&lab.environment.platform, lesson.platform());
        if own != "plain" && own != before {
            return Err(format!(
                "the lesson `{id}` is on {before}, this one on {own}"
            ));
        }
        Ok(lesson)
    }

    /// The lesson in whose world it is played: itself, or the first of those before it.
    fn first(&self) -> &Self {
        self.earlier.as_deref().map_or(self, Self::first)
    }

    fn platform(&self) -> &str {
        &self.first().lab.environment.platform
    }
}

/// The file of a lesson by its id.
fn file_of(folder: &Path, id: &str) -> Option<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|end| end == "yaml"))
        .collect();
    files.sort();
    files.into_iter().find(|file| {
        // Only what speaks of the id at all is read as a lesson.
        let text = fs::read_to_string(file).unwrap_or_default();
        let read = || lesson::yaml_value(&text).ok();
        text.contains(id) && read().is_some_and(|lesson| lesson["metadata"]["id"] == id)
    })
}

/// Where a key first stands in a text.
fn place_of(text: &str, key: &str) -> Pos {
    let found = text.lines().zip(1..).find_map(|(line, number)| {
        let column = line.find(key)?;
        let column = u32::try_from(line[..column].chars().count() + 1).ok()?;
        Some(Pos {
            line: number,
            column,
        })
    });
    found.unwrap_or(Pos { line: 1, column: 1 })
}

/// The components that `environment.images` names by path.
fn components(lab: &Lab, folder: &Path) -> Result<Vec<Component>> {
    let paths = lab.environment.images.iter();
    let paths = paths.filter(|image| {
        Path::new(image)
            .extension()
            .is_some_and(|end| end == "wasm")
    });
    let read = |image: &String| {
        let bytes = fs::read(folder.join(image))
            .with_context(|| format!("{}: image {image}", lab.source))?;
        Ok(Component {
            image: image.clone(),
            bytes,
        })
    };
    paths.map(read).collect()
}

/// Plays a lesson in a world of its own.
///
/// # Errors
/// When it cannot be played: an unknown step or parameter, a world that cannot be built, a file
/// that cannot be written.
pub(crate) fn play_lesson(lesson: &Lesson, how: &How) -> Result<Report> {
    let lab = &lesson.lab;
    know_step(how, lab)?;
    let drawn = how.student.as_ref();
    let own = drawn.map(|(key, student)| lab.seed_of(key, student));
    let seed = how.seed.or(lab.environment.seed).or(own).unwrap_or(SEED);
    let mut params = drawn.map_or_else(BTreeMap::new, |(key, student)| lab.params_of(key, student));
    params.extend(how.params.clone());
    let kept = if how.pcap.is_some() {
        vnet::Capture::Full
    } else {
        vnet::Capture::Headers
    };
    let components = lesson.all_components();
    let shell = Shell::new(spec(&lesson.first().lab, seed, kept)?, &components)?;
    let _ended = Ended(&shell);
    check_machines(lab, &shell)?;
    mark_nodes(&lesson.first().lab, &shell)?;
    let mut capture = None;
    if let Some(path) = &how.pcap {
        let file = Capture::create(path, shell.epoch());
        capture = Some(file.with_context(|| format!("cannot write {}", path.display()))?);
    }
    lesson.play_earlier(&shell, how.lang, seed, &mut capture)?;
    let options = Options {
        lang: how.lang,
        seed: Some(seed),
        until_step: how.until_step.clone(),
        attempt: how.attempt.clone(),
        params,
        ..Options::default()
    };
    let report = play_in(&shell, lab, options, &mut capture)?;
    let lost = capture.map_or(0, |capture| capture.lost());
    if lost > 0 {
        anstream::eprintln!("warning: {lost} packets were forgotten before they could be written");
    }
    Ok(report)
}

/// A world that ends when its lesson does, however that ends.
struct Ended<'a>(&'a Shell);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// Plays a lesson in a world that is there.
fn play_in(
    shell: &Rc<Shell>,
    lab: &Arc<Lab>,
    options: Options,
    capture: &mut Option<Capture>,
) -> Result<Report> {
    let mut engine = Engine::new(shell.now(), lab.clone(), options);
    let bounds = Bounds {
        virtual_time: lab.limits.virtual_time,
        wall: lab.limits.wall.map_or(WALL, |wall| wall.max(WALL)),
    };
    play(shell, &mut engine, bounds, capture)?;
    Ok(engine.report())
}

impl Lesson {
    /// The programs that it and the lessons before it bring.
    fn all_components(&self) -> Vec<Component> {
        let mut all = match &self.earlier {
            Some(earlier) => earlier.all_components(),
            None => Vec::new(),
        };
        for component in &self.components {
            if all.iter().all(|known| known.image != component.image) {
                all.push(component.clone());
            }
        }
        all
    }

    /// Plays what comes before, solved, without a word; only its world is left.
    fn play_earlier(
        &self,
        shell: &Rc<Shell>,
        lang: lesson::Lang,
        seed: u64,
        capture: &mut Option<Capture>,
    ) -> Result<()> {
        let Some(earlier) = &self.earlier else {
            return Ok(());
        };
        earlier.play_earlier(shell, lang, seed, capture)?;
        let options = Options {
            lang,
            seed: Some(seed),
            ..Options::default()
        };
        let report = play_in(shell, &earlier.lab, options, capture)?;
        if report.outcome != lesson::Outcome::Passed {
            let id = &earlier.lab.metadata.id;
            let text = report.to_text(lang, false);
            bail!("`continue_from`: the lesson `{id}` does not hold:\n{text}");
        }
        Ok(())
    }
}

/// The machines that a lesson names must be those of its platform, with the programs it names.
fn check_machines(lab: &Lab, shell: &Shell) -> Result<()> {
    let known = shell.look(|world| {
        let machines = world.machines().into_iter().map(|(name, _)| name);
        machines
            .chain(world.nodes().keys().cloned())
            .collect::<Vec<_>>()
    });
    for host in &lab.environment.hosts {
        if !known.contains(&host.name) {
            bail!(
                "environment.hosts: {} is not on the platform {}, and machines of a lesson's own are not in this lab\n\nhint: its machines are {}",
                host.name,
                lab.environment.platform,
                known.join(", ")
            );
        }
        for tool in &host.tools {
            if !shell.has_program(&host.name, tool) {
                bail!(
                    "environment.hosts: there is no {tool} on {} in this lab",
                    host.name
                );
            }
        }
    }
    Ok(())
}

/// Refuses a step that the lesson does not have.
fn know_step(how: &How, lab: &Lab) -> Result<()> {
    let Some(step) = &how.until_step else {
        return Ok(());
    };
    let known: Vec<&str> = lab.steps.iter().map(|step| step.id.as_str()).collect();
    if known.contains(&step.as_str()) {
        return Ok(());
    }
    bail!(
        "no step {step:?}\n\nhint: its steps are {}",
        known.join(", ")
    )
}

/// The world a lesson asks for.
fn spec(lab: &Lab, seed: u64, capture: vnet::Capture) -> Result<WorldSpec> {
    let environment = &lab.environment;
    let network = &environment.network;
    let platform = super::up::find_platform(&environment.platform)?;
    check_network(network, platform)?;
    let cidr = |text: &Option<String>, usual: Cidr| -> Result<Cidr> {
        let Some(text) = text.as_deref() else {
            return Ok(usual);
        };
        text.parse()
            .with_context(|| format!("{text:?} is not a network"))
    };
    let named = environment.nodes.iter().map(|node| node.name.clone());
    let mut names: Vec<String> = named.collect();
    if names.is_empty() {
        names = platform.node_names(None);
    }
    Ok(WorldSpec {
        seed: Seed::new(seed),
        epoch: epoch(environment.clock_start.as_deref())?,
        platform,
        nodes: names.into_iter().map(|name| NodePlan { name }).collect(),
        pod_cidr: cidr(&network.pod_cidr, platform.pod_range())?,
        service_cidr: cidr(&network.service_cidr, platform.service_range())?,
        dataplane: match network.dataplane.as_deref() {
            Some("routed") => Dataplane::Routed,
            Some(_) => Dataplane::Overlay,
            None => platform.main().dataplane,
        },
        dns: network.dns,
        capture,
        images: Vec::new(),
        root_ca: String::new(),
        more_root_cas: Vec::new(),
        shuffle: false,
    })
}

/// Gives nodes the zones and taints of the lesson, as an administrator would.
fn mark_nodes(lab: &Lab, shell: &Rc<Shell>) -> Result<()> {
    for node in &lab.environment.nodes {
        let name = &node.name;
        for (what, value) in [
            ("cpu", &node.cpu),
            ("memory", &node.memory),
            ("external_ip", &node.external_ip),
        ] {
            if value.is_some() {
                bail!(
                    "environment.nodes: {what} of {name} is not in this lab: nodes are as large, and have the addresses, that the platform gives them"
                );
            }
        }
        let mut patch = json!({});
        if let Some(zone) = &node.zone {
            patch["metadata"]["labels"]["topology.kubernetes.io/zone"] = json!(zone);
        }
        if !node.taints.is_empty() {
            patch["spec"]["taints"] = json!(node.taints);
        }
        if patch == json!({}) {
            continue;
        }
        // Kubelets register their nodes first.
        come_to_rest(shell, START);
        let answer = shell.api(Request::new(
            Method::Patch,
            &format!("/api/v1/nodes/{name}"),
            "application/merge-patch+json",
            patch.to_string().into_bytes(),
        ));
        if answer.status >= 300 {
            let Body::Bytes(said) = answer.body else {
                bail!("environment.nodes: {name} cannot be marked");
            };
            let said: serde_json::Value = serde_json::from_slice(&said).unwrap_or_default();
            bail!(
                "environment.nodes: {name}: {}",
                said["message"].as_str().unwrap_or("?")
            );
        }
    }
    Ok(())
}

/// Refuses what this platform's network cannot be.
fn check_network(network: &lesson::Network, platform: &Platform) -> Result<()> {
    let name = platform.name;
    let site = platform.main();
    let gives = match (site.load_balancers, site.load_balancer_names) {
        (None, _) => "none",
        (Some(_), None) => "ip",
        (Some(_), Some(_)) => "hostname",
    };
    if let Some(wanted) = network
        .load_balancer
        .as_deref()
        .filter(|wanted| *wanted != gives)
    {
        bail!(
            "environment.network.load_balancer: {wanted} is not in this lab on {name}, which has {gives}"
        );
    }
    if let Some(range) = network
        .node_port_range
        .as_deref()
        .filter(|range| *range != NODE_PORTS)
    {
        bail!(
            "environment.network.node_port_range: {range} is not in this lab; it is {NODE_PORTS}"
        );
    }
    if let Some(cidr) = &network.node_cidr {
        bail!(
            "environment.network.node_cidr: {cidr} is not in this lab; nodes have the addresses of the platform {name}"
        );
    }
    Ok(())
}

/// Unix seconds of `environment.clock.start`.
fn epoch(start: Option<&str>) -> Result<i64> {
    let Some(start) = start else {
        return Ok(EPOCH);
    };
    let at: jiff::Timestamp = start
        .parse()
        .with_context(|| format!("clock.start: {start:?} is not a time as RFC 3339 has it"))?;
    Ok(at.as_second())
}
