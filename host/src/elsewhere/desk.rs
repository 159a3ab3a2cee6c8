//! The learner's desk on this machine: a folder of its own, a kubeconfig of one context, kubectl.
//!
//! Never writes outside that folder, which goes with this value.

use anyhow::{Context, Result, bail};
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};
use std::process::Command;

/// A folder with what a lesson's commands need.
pub(super) struct Desk {
    folder: tempfile::TempDir,
    path: OsString,
}

impl Desk {
    /// Lays out a desk for one context of a kubeconfig.
    ///
    /// # Errors
    /// When the folder cannot be made or the kubeconfig has no such context.
    pub(super) fn new(kubeconfig: Option<&Path>, context: &str, namespace: &str) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("lab-").tempdir()?;
        for name in ["bin", "work"] {
            fs::create_dir(folder.path().join(name))?;
        }
        let own = folder.path().join("bin");
        let usual = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths(
            std::iter::once(own.clone()).chain(std::env::split_paths(&usual)),
        )?;
        let desk = Self { folder, path };
        desk.find_kubectl(&usual)?;
        desk.take_context(kubeconfig, context, namespace)?;
        Ok(desk)
    }

    /// Where commands run.
    pub(super) fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    /// A command that finds the context and no other.
    pub(super) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.work())
            .env("PATH", &self.path)
            .env("HOME", self.work())
            .env("KUBECONFIG", self.kubeconfig());
        command
    }

    /// Puts a file into the working folder.
    ///
    /// # Errors
    /// When it would lie outside, or cannot be written.
    pub(super) fn write(&self, path: &str, content: &str, append: bool) -> Result<(), String> {
        let plain = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
        if !Path::new(path).components().all(plain) {
            return Err(format!("{path}: outside the working folder"));
        }
        let place = self.work().join(path);
        let told = |cause: std::io::Error| format!("{path}: {cause}");
        if let Some(parent) = place.parent() {
            fs::create_dir_all(parent).map_err(told)?;
        }
        let mut text = if append {
            fs::read_to_string(&place).unwrap_or_default()
        } else {
            String::new()
        };
        text.push_str(content);
        fs::write(&place, text).map_err(told)
    }

    /// The text of a file in the working folder.
    pub(super) fn read(&self, path: &str) -> Option<String> {
        let plain = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
        let inside = Path::new(path).components().all(plain);
        fs::read_to_string(self.work().join(path))
            .ok()
            .filter(|_| inside)
    }

    fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("kubeconfig")
    }

    /// Without a stock kubectl on this machine, this binary's own takes its place.
    fn find_kubectl(&self, usual: &OsString) -> Result<()> {
        if std::env::split_paths(usual).any(|folder| folder.join("kubectl").is_file()) {
            return Ok(());
        }
        let own = std::env::current_exe().context("this binary has no path")?;
        let script = format!("#!/bin/sh\nexec '{}' kubectl \"$@\"\n", own.display());
        let place = self.folder.path().join("bin/kubectl");
        fs::write(&place, script)?;
        fs::set_permissions(&place, fs::Permissions::from_mode(0o755))?;
        anstream::eprintln!("note: no kubectl on this machine; the lab's own is used");
        Ok(())
    }

    /// Copies one context, so that `kubectl config use-context` in a lesson changes nothing of
    /// the user's.
    fn take_context(
        &self,
        kubeconfig: Option<&Path>,
        context: &str,
        namespace: &str,
    ) -> Result<()> {
        let mut view = Command::new("kubectl");
        view.env("PATH", &self.path).args([
            "config",
            "view",
            "--raw",
            "--minify",
            "--flatten",
            "--context",
            context,
        ]);
        if let Some(file) = kubeconfig {
            view.env("KUBECONFIG", file);
        }
        let told = view.output().context("kubectl cannot be started")?;
        if !told.status.success() {
            bail!("{}", String::from_utf8_lossy(&told.stderr).trim_end());
        }
        fs::write(self.kubeconfig(), &told.stdout)?;
        fs::set_permissions(self.kubeconfig(), fs::Permissions::from_mode(0o600))?;
        for arguments in [
            vec!["config", "use-context", context],
            vec!["config", "set-context", context, "--namespace", namespace],
        ] {
            let done = self.command("kubectl").args(&arguments).output()?;
            if !done.status.success() {
                bail!("{}", String::from_utf8_lossy(&done.stderr).trim_end());
            }
        }
        Ok(())
    }
}
