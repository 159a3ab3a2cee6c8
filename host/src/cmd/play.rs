//! A lesson from its file to its report: reading it and everything it names, building its world,
//! playing it. `lab run` and the commands that prove lessons share it.
//!
//! Never judges and never prints: findings and warnings are given back as lines.

use crate::shell::{Bounds, Capture, Component, Shell, play};
use anyhow::{Context, Result, bail};
use clock::{Duration, Seed};
use lesson::{Attempt, Engine, Finding, Lab, Options, Report, Severity};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use vnet::{Cidr, Dataplane};
use world::{NodePlan, WorldSpec};

/// When a lesson's world begins, unless the lesson says otherwise: 2026-01-01T00:00:00Z.
pub(super) const EPOCH: i64 = 1_767_225_600;
/// Real time a lesson may take, a safety net.
const WALL: Duration = Duration::from_secs(120);
/// `environment.seed` when neither the lesson nor the caller says one.
const SEED: u64 = 42;

/// A lesson with the programs it brings.
#[derive(Debug)]
pub(crate) struct Lesson {
    /// The lesson itself.
    pub(crate) lab: Arc<Lab>,
    components: Vec<Component>,
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
    /// Parameters that differ from their defaults.
    pub(crate) params: BTreeMap<String, String>,
    /// Write every packet here.
    pub(crate) pcap: Option<PathBuf>,
}

impl Lesson {
    /// Reads a lesson and everything it names. It is there unless a finding is an error.
    pub(crate) fn read(file: &Path) -> Result<(Option<Self>, Vec<Finding>)> {
        let name = file.display().to_string();
        let text = fs::read_to_string(file).with_context(|| name.clone())?;
        let folder = file.parent().unwrap_or(Path::new("."));
        let mut beside = |path: &str| fs::read_to_string(folder.join(path)).ok();
        let (lab, findings) = Lab::parse(&name, &text, &mut beside);
        let wrong = findings
            .iter()
            .any(|finding| finding.severity == Severity::Error);
        let Some(lab) = lab.filter(|_| !wrong) else {
            return Ok((None, findings));
        };
        let components = components(&lab, folder)?;
        let lab = Arc::new(lab);
        Ok((Some(Self { lab, components }), findings))
    }
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
    let seed = how.seed.or(lab.environment.seed).unwrap_or(SEED);
    let kept = if how.pcap.is_some() {
        vnet::Capture::Full
    } else {
        vnet::Capture::Headers
    };
    let shell = Shell::new(spec(lab, seed, kept)?, &lesson.components)?;
    let mut capture = None;
    if let Some(path) = &how.pcap {
        let file = Capture::create(path, shell.epoch());
        capture = Some(file.with_context(|| format!("cannot write {}", path.display()))?);
    }
    let options = Options {
        lang: how.lang,
        seed: Some(seed),
        until_step: how.until_step.clone(),
        attempt: how.attempt.clone(),
        params: how.params.clone(),
        ..Options::default()
    };
    let mut engine = Engine::new(shell.now(), lab.clone(), options);
    let bounds = Bounds {
        virtual_time: lab.limits.virtual_time,
        wall: lab.limits.wall.map_or(WALL, |wall| wall.max(WALL)),
    };
    play(&shell, &mut engine, bounds, &mut capture)?;
    let lost = capture.map_or(0, |capture| capture.lost());
    if lost > 0 {
        anstream::eprintln!("warning: {lost} packets were forgotten before they could be written");
    }
    Ok(engine.report())
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
