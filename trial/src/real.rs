//! Running a case twice, with ours and with the real programs, and telling the difference.
//! Never fetches a program: a missing one fails the test with the command that installs it.

use crate::cases::{Case, cases};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// How a script ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What it wrote; bytes that are no UTF-8 are replaced.
    pub stdout: String,
    /// What it complained.
    pub stderr: String,
    /// Its exit code, 128 + signal, or 124 when it took more than ten seconds.
    pub code: i32,
}

/// A folder of programs and an empty one to work in; both go when this does.
#[derive(Debug)]
pub struct Workplace {
    root: PathBuf,
}

impl Workplace {
    /// Links each program under its name: `[("sh", "/bin/dash"), …]`.
    ///
    /// # Panics
    /// When the temporary directory cannot be written.
    #[must_use]
    pub fn new<'a>(programs: impl IntoIterator<Item = (&'a str, &'a Path)>) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let root = std::env::temp_dir().join(format!("trial-{}-{number}", std::process::id()));
        fs::create_dir_all(root.join("bin")).expect("the temporary directory is writable");
        for (name, program) in programs {
            let link = root.join("bin").join(name);
            // The first of two programs with one name counts.
            let _ = symlink(program, link);
        }
        Self { root }
    }

    /// Runs a script with `sh` of this place, in an empty folder.
    ///
    /// # Panics
    /// When there is no `sh` in this place.
    #[must_use]
    pub fn run(&self, script: &str) -> Outcome {
        let work = self.root.join("work");
        // There is none before the first script.
        let _ = fs::remove_dir_all(&work);
        fs::create_dir_all(&work).expect("the temporary directory is writable");
        let output = Command::new("timeout")
            .args(["-k", "1", "10"])
            .arg(self.root.join("bin/sh"))
            .args(["-c", script])
            .env_clear()
            .env("PATH", self.root.join("bin"))
            .env("HOME", "/root")
            .env("LC_ALL", "C")
            .current_dir(&work)
            .stdin(Stdio::null())
            .output()
            .expect("timeout of coreutils is installed");
        let tidy = |bytes: &[u8]| {
            let bin = format!("{}/", self.root.join("bin").display());
            String::from_utf8_lossy(bytes)
                .replace(&bin, "")
                .replace(&work.display().to_string(), "/work")
        };
        Outcome {
            stdout: tidy(&output.stdout),
            stderr: tidy(&output.stderr),
            code: output.status.code().unwrap_or(-1),
        }
    }
}

impl Drop for Workplace {
    fn drop(&mut self) {
        // What cannot be removed stays in the temporary directory.
        let _ = fs::remove_dir_all(&self.root);
    }
}

/// Where a real program is.
///
/// # Panics
/// When it is not installed, with the command that installs it.
#[must_use]
pub fn installed(program: &str, package: &str) -> PathBuf {
    let folders = ["/usr/bin", "/bin", "/usr/sbin", "/usr/local/bin"];
    folders
        .iter()
        .map(|folder| Path::new(folder).join(program))
        .find(|path| path.exists())
        .unwrap_or_else(|| panic!("{program} is missing: apt-get install {package}"))
}

/// Runs every case of a file on both sides.
///
/// # Panics
/// When a case differs without a reason, or has a reason and does not differ: with all of them.
pub fn differential(text: &str, real: &Workplace, ours: &Workplace) {
    let mut findings = Vec::new();
    let all = cases(text);
    for case in &all {
        let (expected, got) = (real.run(&case.script), ours.run(&case.script));
        match (same(case, &expected, &got), &case.differs) {
            (true, None) | (false, Some(_)) => {}
            (true, Some(reason)) => findings.push(format!(
                "{}: no longer differs; strike out «{reason}»",
                case.name
            )),
            (false, None) => findings.push(format!(
                "{}:\n{}--- the real one: {expected:#?}\n--- ours: {got:#?}",
                case.name, case.script
            )),
        }
    }
    assert!(
        findings.is_empty(),
        "{} of {} cases:\n\n{}",
        findings.len(),
        all.len(),
        findings.join("\n\n")
    );
}

/// Whether two outcomes agree in what the case compares.
#[must_use]
pub fn same(case: &Case, expected: &Outcome, got: &Outcome) -> bool {
    expected.stdout == got.stdout
        && expected.code == got.code
        && (!case.stderr || expected.stderr == got.stderr)
}
