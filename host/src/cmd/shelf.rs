//! The files that lessons stand among: finding them, reading them, and what they know of each
//! other. Shared by the commands that look at many lessons.
//!
//! Never judges a file.

use anyhow::{Context, Result, bail};
use lesson::{Claims, Commands, Document, Finding, Glossary, Known};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::thread::{available_parallelism, scope};
use std::{collections::BTreeMap, fs};

/// Kinds of files that lie among lessons and cannot be played.
const COMPANIONS: [&str; 4] = ["Course", "Claims", "Commands", "Glossary"];

/// The files meant by what was typed: files as they are, folders by their `.yaml` files. Without
/// any: those of `labs` and of `claims`.
pub(crate) fn files(typed: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let usual = ["labs", "claims"].map(PathBuf::from);
    let typed = if typed.is_empty() { &usual[..] } else { typed };
    let mut files = Vec::new();
    for path in typed {
        if path.is_dir() {
            files.extend(listed(path)?);
        } else if path.exists() {
            files.push(path.clone());
        } else if typed.len() == usual.len() && path == Path::new("claims") {
            // A shelf of one's own need not have a registry.
        } else {
            bail!("{}: there is no such file", path.display());
        }
    }
    if files.is_empty() {
        bail!("there are no lessons here\n\nhint: name files, or go to the folder above `labs`");
    }
    Ok(files)
}

/// The YAML files of a folder, in order. Instructors' overlays are read with their lesson.
fn listed(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut files: Vec<PathBuf> = paths
        .filter(|path| {
            let name = path.to_string_lossy();
            name.ends_with(".yaml") && !name.ends_with(".grade.yaml")
        })
        .collect();
    files.sort();
    Ok(files)
}

/// Without the files that say they are something else that lies among lessons, such as the course:
/// `labs/*.yaml` means the lessons. What says nothing is left to be found wrong.
pub(crate) fn without_companions(files: &[PathBuf]) -> Vec<PathBuf> {
    let is_companion = |file: &PathBuf| {
        let text = fs::read_to_string(file).unwrap_or_default();
        let kind = text.lines().find_map(|line| line.strip_prefix("kind: "));
        kind.is_some_and(|kind| COMPANIONS.contains(&kind.trim_end()))
    };
    let lessons = files.iter().filter(|file| !is_companion(file));
    lessons.cloned().collect()
}

/// Which of some files are lessons.
pub(crate) fn lessons(files: Vec<PathBuf>) -> Vec<PathBuf> {
    let is_lesson = |file: &PathBuf| {
        let text = fs::read_to_string(file).unwrap_or_default();
        text.lines().any(|line| line.trim_end() == "kind: Lab")
    };
    files.into_iter().filter(is_lesson).collect()
}

/// Gives the texts of the files beside one.
pub(crate) fn beside(file: &Path) -> impl FnMut(&str) -> Option<String> + use<> {
    let folder = file.parent().unwrap_or(Path::new(".")).to_owned();
    move |path: &str| fs::read_to_string(folder.join(path)).ok()
}

/// Reads one file of the format.
pub(crate) fn read(file: &Path) -> Result<(Option<Document>, Vec<Finding>)> {
    let name = file.display().to_string();
    let text = fs::read_to_string(file).with_context(|| name.clone())?;
    Ok(Document::parse(&name, &text, &mut beside(file)))
}

/// What a file's neighbours know: the registry in `../claims`, the glossary and the lessons of
/// its folder, the images of this lab.
#[derive(Debug, Default)]
pub(crate) struct Neighbours {
    by_folder: BTreeMap<PathBuf, Known>,
}

impl Neighbours {
    /// What the neighbours of one file know.
    pub(crate) fn of(&mut self, file: &Path) -> &Known {
        let folder = file.parent().unwrap_or(Path::new(".")).to_owned();
        self.by_folder
            .entry(folder.clone())
            .or_insert_with(|| known(&folder))
    }
}

fn known(folder: &Path) -> Known {
    let mut lessons = BTreeSet::new();
    for file in listed(folder).unwrap_or_default() {
        let value = fs::read_to_string(file)
            .ok()
            .and_then(|text| lesson::yaml_value(&text).ok());
        let id = value
            .filter(|value| value["kind"] == "Lab")
            .map(|value| value["metadata"]["id"].clone());
        lessons.extend(id.and_then(|id| id.as_str().map(str::to_owned)));
    }
    Known {
        claims: claims(folder)
            .map(|claims| claims.claims.into_iter().map(|claim| claim.id).collect()),
        glossary: glossary(folder),
        images: Some(crate::shell::image_names()),
        lessons: Some(lessons),
    }
}

/// The registry of claims of a folder of lessons.
fn claims(folder: &Path) -> Option<Claims> {
    match read(&folder.join("../claims/seeds.yaml")).ok()?.0? {
        Document::Claims(claims) => Some(claims),
        _ => None,
    }
}

fn glossary(folder: &Path) -> Option<Glossary> {
    match read(&folder.join("glossary.yaml")).ok()?.0? {
        Document::Glossary(glossary) => Some(glossary),
        _ => None,
    }
}

/// The registry of claims in a file.
pub(crate) fn claims_of(file: &Path) -> Result<Claims> {
    match read(file)? {
        (Some(Document::Claims(claims)), _) => Ok(claims),
        (_, findings) => Err(unfit(file, "a registry of claims", &findings)),
    }
}

/// The registry of command lines in a file.
pub(crate) fn commands_of(file: &Path) -> Result<Commands> {
    match read(file)? {
        (Some(Document::Commands(commands)), _) => Ok(commands),
        (_, findings) => Err(unfit(file, "a registry of command lines", &findings)),
    }
}

fn unfit(file: &Path, what: &str, findings: &[Finding]) -> anyhow::Error {
    let said: Vec<String> = findings.iter().map(ToString::to_string).collect();
    anyhow::anyhow!("{} is not {what}\n{}", file.display(), said.join("\n"))
}

/// Does something with each of some things on as many threads as there are cores; the results
/// come in the order of the things.
pub(crate) fn in_order<T: Sync, R: Send>(things: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let cores = available_parallelism().map_or(1, usize::from);
    let next = AtomicUsize::new(0);
    let (send, receive) = channel();
    scope(|scope| {
        for _ in 0..cores.min(things.len()) {
            let (send, next, work) = (send.clone(), &next, &work);
            scope.spawn(move || {
                while let Some((n, thing)) = {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    things.get(n).map(|thing| (n, thing))
                } {
                    if send.send((n, work(thing))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(send);
        let mut results: Vec<(usize, R)> = receive.into_iter().collect();
        results.sort_by_key(|(n, _)| *n);
        results.into_iter().map(|(_, result)| result).collect()
    })
}
