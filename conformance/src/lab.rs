//! A fresh `lab up` and a folder to type in. Never looks at an answer.

use crate::client::Client;
use crate::recording::Said;
use anyhow::{Context, Result, bail};
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The longest that one command may take, in seconds.
const PATIENCE_S: u32 = 60;

/// A cluster of one's own, with the folder and the environment of whoever types.
#[derive(Debug)]
pub(crate) struct Workplace {
    lab: Child,
    folder: PathBuf,
    path: String,
    kubeconfig: PathBuf,
}

impl Workplace {
    /// Starts a cluster and lays out the manifests and this client as `kubectl`.
    pub(crate) fn new(
        client: &Client,
        lab: &Path,
        folder: &Path,
        manifests: &Path,
    ) -> Result<Self> {
        let place = folder.join(&client.name);
        if place.exists() {
            fs::remove_dir_all(&place)?;
        }
        let (bin, work) = (place.join("bin"), place.join("work"));
        for folder in [&bin, &work, &place.join("home")] {
            fs::create_dir_all(folder)?;
        }
        copy(manifests, &work)?;
        lay_client(client, lab, &bin)?;
        let kubeconfig = place.join("kubeconfig");
        let written = place.join("lab.kubeconfig");
        let log = File::create(place.join("lab.log"))?;
        let child = Command::new(lab)
            .args(["up", "--kubeconfig"])
            .arg(&written)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {}", lab.display()))?;
        let mut workplace = Self {
            lab: child,
            folder: work,
            path: format!("{}:{}", bin.display(), std::env::var("PATH")?),
            kubeconfig,
        };
        workplace.wait_until_up()?;
        workplace.rename_context(&written)?;
        Ok(workplace)
    }

    /// Reads what the lab says until it says that it is there.
    fn wait_until_up(&mut self) -> Result<()> {
        let said = self.lab.stdout.take().context("its words were asked for")?;
        for line in BufReader::new(said).lines() {
            if line?.starts_with("Ctrl-C") {
                return Ok(());
            }
        }
        bail!("lab up ended with {}; see lab.log", self.lab.wait()?);
    }

    /// The recorded cluster was made by kubeadm's habits, so the context gets kubeadm's names:
    /// a kubeconfig is its owner's to write.
    fn rename_context(&self, written: &Path) -> Result<()> {
        let text = fs::read_to_string(written)?
            .replace(
                "current-context: lab",
                "current-context: kubernetes-admin@kubernetes",
            )
            .replace("cluster: lab", "cluster: kubernetes")
            .replace("user: lab", "user: kubernetes-admin");
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let mut section = String::new();
        for line in &mut lines {
            if !line.starts_with([' ', '-']) {
                section.clone_from(line);
            }
            if line.trim_start_matches(['-', ' ']) == "name: lab" {
                let name = match section.as_str() {
                    "clusters:" => "kubernetes",
                    "users:" => "kubernetes-admin",
                    _ => "kubernetes-admin@kubernetes",
                };
                *line = line.replace("lab", name);
            }
        }
        fs::write(&self.kubeconfig, lines.join("\n") + "\n")?;
        fs::set_permissions(&self.kubeconfig, fs::Permissions::from_mode(0o600))?;
        Ok(())
    }

    /// Types a command at a bash in the folder.
    pub(crate) fn say(&self, command: &str) -> Result<Said> {
        let output = Command::new("timeout")
            .args([&PATIENCE_S.to_string(), "bash", "-c", command])
            .current_dir(&self.folder)
            .env_clear()
            .env("PATH", &self.path)
            .env("HOME", self.folder.with_file_name("home"))
            .env("KUBECONFIG", &self.kubeconfig)
            .stdin(Stdio::null())
            .output()
            .context("cannot start bash")?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(Said {
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
            exit: output.status.code().unwrap_or(-1),
        })
    }
}

impl Drop for Workplace {
    fn drop(&mut self) {
        // Whatever became of the player, no cluster stays behind; one that is gone already is fine.
        let _ = self.lab.kill();
        let _ = self.lab.wait();
    }
}

fn lay_client(client: &Client, lab: &Path, bin: &Path) -> Result<()> {
    let kubectl = bin.join("kubectl");
    match &client.program {
        Some(program) => {
            let program = program
                .canonicalize()
                .with_context(|| format!("there is no {}", program.display()))?;
            std::os::unix::fs::symlink(program, &kubectl)?;
        }
        None => {
            fs::write(
                &kubectl,
                format!("#!/bin/sh\nexec '{}' kubectl \"$@\"\n", lab.display()),
            )?;
            fs::set_permissions(&kubectl, fs::Permissions::from_mode(0o755))?;
        }
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}
