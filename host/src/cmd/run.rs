//! `lab run`: plays lessons without a screen. Never judges them.

use crate::cli::{Format, Lang, Run};
use crate::shell::{Bounds, Capture, Component, Shell, play};
use anyhow::{Context, Result, bail};
use clock::{Duration, Seed};
use lesson::{Engine, Lab, Options, Outcome, Report, Severity};
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use vnet::{Cidr, Dataplane};
use world::{NodePlan, WorldSpec};

/// When a lesson's world begins, unless the lesson says otherwise: 2026-01-01T00:00:00Z.
pub(super) const EPOCH: i64 = 1_767_225_600;
/// Real time a lesson may take, a safety net.
const WALL: Duration = Duration::from_secs(120);
/// `environment.seed` when neither the lesson nor `--seed` says one.
const SEED: u64 = 42;

/// Plays every file and prints the reports; the exit code is that of the worst.
pub(crate) fn run(typed: &Run) -> Result<ExitCode> {
    let lang = match typed.lang {
        Lang::Ja => lesson::Lang::Ja,
        Lang::En => lesson::Lang::En,
    };
    let mut reports = Vec::new();
    let mut worst = Outcome::Passed;
    for file in &typed.files {
        match read(file).and_then(|lesson| play_one(typed, lang, lesson)) {
            Ok(report) => {
                worst = worst.max(report.outcome);
                if typed.format == Format::Text {
                    anstream::println!("{}", report.to_text(lang, true));
                }
                reports.push(report);
            }
            Err(findings) => {
                worst = worst.max(Outcome::Invalid);
                anstream::eprintln!("{}", findings.join("\n"));
            }
        }
    }
    match typed.format {
        Format::Text => {}
        Format::Json => anstream::print!("{}", lesson::to_json(&reports)),
        Format::Junit => anstream::print!("{}", lesson::to_junit(&reports, lang)),
    }
    Ok(ExitCode::from(worst.code()))
}

/// A lesson with the programs it brings.
struct Lesson {
    lab: Lab,
    components: Vec<Component>,
}

/// A lesson and everything it names, or what is wrong with it. Warnings do not stop a lesson.
fn read(file: &Path) -> Result<Lesson, Vec<String>> {
    let name = file.display().to_string();
    let text = fs::read_to_string(file).map_err(|cause| vec![format!("{name}: {cause}")])?;
    let folder = file.parent().unwrap_or(Path::new("."));
    let mut beside = |path: &str| fs::read_to_string(folder.join(path)).ok();
    let (lab, findings) = Lab::parse(&name, &text, &mut beside);
    let said = || {
        let lines = findings.iter().map(ToString::to_string);
        lines.collect::<Vec<_>>()
    };
    let wrong = findings
        .iter()
        .any(|finding| finding.severity == Severity::Error);
    let Some(lab) = lab.filter(|_| !wrong) else {
        return Err(said());
    };
    if !findings.is_empty() {
        anstream::eprintln!("{}", said().join("\n"));
    }
    let components = components(&lab, folder).map_err(|finding| vec![finding])?;
    Ok(Lesson { lab, components })
}

/// The components that `environment.images` names by path.
fn components(lab: &Lab, folder: &Path) -> Result<Vec<Component>, String> {
    let paths = lab.environment.images.iter();
    let paths = paths.filter(|image| {
        Path::new(image)
            .extension()
            .is_some_and(|end| end == "wasm")
    });
    let read = |image: &String| {
        let bytes = fs::read(folder.join(image))
            .map_err(|cause| format!("{}: image {image}: {cause}", lab.source))?;
        Ok(Component {
            image: image.clone(),
            bytes,
        })
    };
    paths.map(read).collect()
}

/// Plays one lesson; what is wrong with it when it cannot be played.
fn play_one(typed: &Run, lang: lesson::Lang, lesson: Lesson) -> Result<Report, Vec<String>> {
    let source = lesson.lab.source.clone();
    let told = |cause: anyhow::Error| vec![format!("{source}: {cause:#}")];
    know_step(typed, &lesson.lab).map_err(told)?;
    try_play(typed, lang, lesson).map_err(told)
}

/// Refuses a step that the lesson does not have.
fn know_step(typed: &Run, lab: &Lab) -> Result<()> {
    let Some(step) = &typed.step else {
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

fn try_play(typed: &Run, lang: lesson::Lang, lesson: Lesson) -> Result<Report> {
    let lab = Arc::new(lesson.lab);
    let seed = typed.seed.or(lab.environment.seed).unwrap_or(SEED);
    let kept = if typed.pcap.is_some() {
        vnet::Capture::Full
    } else {
        vnet::Capture::Headers
    };
    let shell = Shell::new(spec(&lab, seed, kept)?, &lesson.components)?;
    let mut capture = None;
    if let Some(path) = &typed.pcap {
        let file = Capture::create(path, shell.epoch());
        capture = Some(file.with_context(|| format!("cannot write {}", path.display()))?);
    }
    let options = Options {
        lang,
        seed: Some(seed),
        until_step: typed.step.clone(),
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
            .with_context(|| format!("{}: {text:?} is not a network", lab.source))
    };
    let named = environment.nodes.iter().map(|node| node.name.clone());
    let mut names: Vec<String> = named.collect();
    if names.is_empty() {
        names = platform.node_names(None);
    }
    Ok(WorldSpec {
        seed: Seed::new(seed),
        epoch: EPOCH,
        platform,
        nodes: names.into_iter().map(|name| NodePlan { name }).collect(),
        pod_cidr: cidr(&network.pod_cidr, platform.pod_range())?,
        service_cidr: cidr(&network.service_cidr, platform.service_range())?,
        dataplane: match network.dataplane.as_deref() {
            Some("routed") => Dataplane::Routed,
            Some(_) => Dataplane::Overlay,
            None => platform.dataplane,
        },
        dns: network.dns,
        capture,
        images: Vec::new(),
        root_ca: String::new(),
        shuffle: false,
    })
}
