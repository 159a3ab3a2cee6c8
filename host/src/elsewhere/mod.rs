//! A lesson on a cluster that is not the lab's own: an ordinary kubeconfig and the stock kubectl,
//! in real time.
//!
//! What makes sense there is the lesson crate's decision ([`lesson::left_out_elsewhere`]); this
//! carries out the rest. Never changes the user's kubeconfig, and never takes away what was there
//! before the lesson.

mod desk;
mod kubectl;
mod objects;
mod player;
mod probes;
mod process;
mod tidy;

use crate::cli::Run;
use anyhow::{Context, Result, bail};
use desk::Desk;
use kubectl::Kubectl;
use lesson::{Engine, Lab, Options, Report, left_out_elsewhere};
use std::sync::Arc;
use tidy::Before;

/// Plays one lesson on the cluster of a context and takes away what the lesson made there.
///
/// # Errors
/// When the cluster does not answer, when the lesson's namespace is not empty, or when nothing of
/// the lesson makes sense there.
pub(crate) fn play(
    typed: &Run,
    context: &str,
    lang: lesson::Lang,
    lab: &Arc<Lab>,
) -> Result<Report> {
    if let Some(image) = own_program(lab) {
        bail!("it brings a program of its own, {image}, which only the lab runs");
    }
    let left_out = left_out_elsewhere(lab).map_err(|why| anyhow::anyhow!("{}", why.en))?;
    let namespace = lab.defaults.namespace.clone();
    let desk = Desk::new(typed.kubeconfig.as_deref(), context, &namespace)?;
    let kubectl = Kubectl::new(desk, namespace);
    let before = Before::look(&kubectl)?;
    before.is_empty().with_context(|| {
        format!("context {context}: a lesson begins in an empty namespace, and leaves it empty")
    })?;
    let options = Options {
        lang,
        until_step: typed.step.clone(),
        left_out,
        real_time: true,
        ..Options::default()
    };
    let mut engine = Engine::new(clock::Instant::ZERO, Arc::clone(lab), options);
    player::play(&kubectl, &mut engine, lang);
    if !typed.keep {
        before.restore(&kubectl)?;
    }
    Ok(engine.report())
}

/// A component that the lesson names as an image.
fn own_program(lab: &Lab) -> Option<&String> {
    let mut images = lab.environment.images.iter();
    images.find(|image| image.ends_with(".wasm"))
}
