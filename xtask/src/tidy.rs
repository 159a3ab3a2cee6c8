//! Keeps the walls and the map honest. Never rewrites a file: it names what is wrong.

use crate::{claims, root};
use anyhow::{Result, bail};
use std::fs;
use std::path::{Path, PathBuf};

/// Which of our crates each of our crates may name. An arrow that is not here is a wall.
const ARROWS: [(&str, &[&str]); 8] = [
    ("clock", &[]),
    ("vnet", &["clock"]),
    ("cluster", &["clock"]),
    ("lesson", &["clock"]),
    ("world", &["clock", "vnet", "cluster"]),
    ("engine", &[]),
    ("runtime", &["clock", "vnet", "engine"]),
    (
        "lab",
        &[
            "clock",
            "vnet",
            "cluster",
            "lesson",
            "world",
            "engine",
            "runtime",
            "guest-box",
        ],
    ),
];

const PURE: [&str; 5] = ["clock", "vnet", "cluster", "lesson", "world"];

/// Checks module docs, arrows, the clippy bans of the pure crates, that the map names every crate,
/// and that the conformance names that we say we cover are covered.
pub(crate) fn tidy() -> Result<()> {
    let root = root();
    let mut findings = Vec::new();
    module_docs(&root, &mut findings)?;
    arrows(&root, &mut findings)?;
    bans(&root, &mut findings)?;
    map(&root, &mut findings)?;
    findings.extend(claims::claims()?);
    if findings.is_empty() {
        return Ok(());
    }
    bail!("{} to tidy:\n  {}", findings.len(), findings.join("\n  "))
}

fn module_docs(root: &Path, findings: &mut Vec<String>) -> Result<()> {
    for file in sources(root)? {
        let text = fs::read_to_string(&file)?;
        if !text.starts_with("//!") {
            findings.push(format!(
                "{}: opens without `//!` saying what it is",
                file.display()
            ));
        }
    }
    Ok(())
}

fn arrows(root: &Path, findings: &mut Vec<String>) -> Result<()> {
    let ours: Vec<&str> = ARROWS
        .iter()
        .map(|(name, _)| *name)
        .chain(["guest-box", "guest-kit", "kubectl"])
        .collect();
    for (name, allowed) in ARROWS {
        let manifest = fs::read_to_string(home(root, name).join("Cargo.toml"))?;
        let dependencies = manifest.split("[dependencies]").nth(1).unwrap_or_default();
        let dependencies = dependencies.split("\n[").next().unwrap_or_default();
        for line in dependencies.lines() {
            let named = line.split(['.', ' ', '=']).next().unwrap_or_default();
            if ours.contains(&named) && !allowed.contains(&named) {
                findings.push(format!(
                    "{name} names {named}: no such arrow in ARCHITECTURE.md"
                ));
            }
        }
    }
    Ok(())
}

fn bans(root: &Path, findings: &mut Vec<String>) -> Result<()> {
    let reference = fs::read_to_string(home(root, "clock").join("clippy.toml"))?;
    for name in PURE {
        if fs::read_to_string(home(root, name).join("clippy.toml"))
            .ok()
            .as_deref()
            != Some(&reference)
        {
            findings.push(format!("{name}/clippy.toml differs from clock's"));
        }
    }
    Ok(())
}

fn map(root: &Path, findings: &mut Vec<String>) -> Result<()> {
    let map = fs::read_to_string(root.join("ARCHITECTURE.md"))?;
    for member in members(root)? {
        if !map.contains(&format!("`{member}")) {
            findings.push(format!("ARCHITECTURE.md does not name `{member}`"));
        }
    }
    Ok(())
}

/// The folders of the workspace's crates.
fn members(root: &Path) -> Result<Vec<String>> {
    let workspace = fs::read_to_string(root.join("Cargo.toml"))?;
    let members = workspace.split("members = [").nth(1).unwrap_or_default();
    let members = members.split(']').next().unwrap_or_default();
    Ok(members
        .split('"')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect())
}

fn home(root: &Path, name: &str) -> PathBuf {
    if name == "lab" {
        root.join("host")
    } else {
        root.join("host/crates").join(name)
    }
}

/// Every Rust file that is ours.
fn sources(root: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders: Vec<PathBuf> = members(root)?
        .iter()
        .map(|member| root.join(member))
        .collect();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() && path.file_name().is_none_or(|name| name != "target") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}
