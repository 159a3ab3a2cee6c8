//! `lab run`: plays lessons without a screen. Never judges them.

use crate::cli::{Format, Lang, Run};
use crate::shell::{Bounds, Capture, Shell, play};
use anyhow::{Context, Result};
use clock::{Duration, Seed};
use lesson::{Engine, Lab, Options, Outcome, Report, Severity};
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use vnet::{Cidr, Dataplane};
use world::{NodePlan, WorldSpec};

/// When a lesson's world begins, unless the lesson says otherwise: 2026-01-01T00:00:00Z.
const EPOCH: i64 = 1_767_225_600;
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
        match read(file) {
            Ok(lab) => {
                let report = play_one(typed, lang, lab)?;
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

/// A lesson and everything it names, or what is wrong with it. Warnings do not stop a lesson.
fn read(file: &Path) -> Result<Lab, Vec<String>> {
    let name = file.display().to_string();
    let text = fs::read_to_string(file).map_err(|cause| vec![format!("{name}: {cause}")])?;
    let folder = file.parent().unwrap_or(Path::new("."));
    let mut beside = |path: &str| fs::read_to_string(folder.join(path)).ok();
    let (lab, findings) = Lab::parse(&name, &text, &mut beside);
    let said = || findings.iter().map(ToString::to_string).collect::<Vec<_>>();
    match lab {
        Some(lab)
            if !findings
                .iter()
                .any(|finding| finding.severity == Severity::Error) =>
        {
            if !findings.is_empty() {
                anstream::eprintln!("{}", said().join("\n"));
            }
            Ok(lab)
        }
        _ => Err(said()),
    }
}

fn play_one(typed: &Run, lang: lesson::Lang, lab: Lab) -> Result<Report> {
    let lab = Arc::new(lab);
    let seed = typed.seed.or(lab.environment.seed).unwrap_or(SEED);
    let capture_kind = if typed.pcap.is_some() {
        vnet::Capture::Full
    } else {
        vnet::Capture::Headers
    };
    let shell = Shell::new(spec(&lab, seed, capture_kind)?)?;
    let mut capture = match &typed.pcap {
        Some(path) => Some(
            Capture::create(path, shell.epoch())
                .with_context(|| format!("cannot write {}", path.display()))?,
        ),
        None => None,
    };
    let options = Options {
        lang,
        until_step: typed.step.clone(),
        ..Options::default()
    };
    let mut engine = Engine::new(shell.now(), lab.clone(), options);
    let bounds = Bounds {
        virtual_time: lab.limits.virtual_time,
        wall: WALL,
    };
    play(&shell, &mut engine, bounds, &mut capture)?;
    if let Some(lost) = capture
        .map(|capture| capture.lost())
        .filter(|lost| *lost > 0)
    {
        anstream::eprintln!("warning: {lost} packets were forgotten before they could be written");
    }
    let mut report = engine.report();
    report.seed = Some(seed);
    Ok(report)
}

/// The world a lesson asks for.
fn spec(lab: &Lab, seed: u64, capture: vnet::Capture) -> Result<WorldSpec> {
    let environment = &lab.environment;
    let network = &environment.network;
    let cidr = |text: &Option<String>, usual: &str| -> Result<Cidr> {
        let text = text.as_deref().unwrap_or(usual);
        text.parse()
            .with_context(|| format!("{}: {text:?} is not a network", lab.source))
    };
    let nodes = environment
        .nodes
        .iter()
        .map(|node| NodePlan {
            name: node.name.clone(),
        })
        .collect();
    Ok(WorldSpec {
        seed: Seed::new(seed),
        epoch: EPOCH,
        nodes,
        pod_cidr: cidr(&network.pod_cidr, "10.244.0.0/16")?,
        service_cidr: cidr(&network.service_cidr, "10.96.0.0/12")?,
        dataplane: match network.dataplane.as_deref() {
            Some("routed") => Dataplane::Routed,
            _ => Dataplane::Overlay,
        },
        dns: network.dns,
        capture,
        images: Vec::new(),
        shuffle: false,
    })
}
