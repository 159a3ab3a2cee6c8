//! Clients that nobody here wrote, at one fresh `lab up`: client libraries, each with a test
//! program in `conformance/clients`, and an interactive tool that somebody else made.
//!
//! Everything is fetched into the target folder. Never looks at an answer: the programs do. A
//! client that cannot be had counts as failed.

use crate::{root, target};
use anyhow::{Context, Result, bail};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The interactive tool, from crates.io.
const KUBETUI: (&str, &str) = ("kubetui", "1.14.0");

/// A client: how it is brought, and the program that says whether it works.
struct Client {
    name: &'static str,
    /// What must be on this machine to have it.
    needs: &'static str,
    bring: fn(&Path) -> Result<Command>,
}

/// The libraries, which are quick enough for every run of the tests.
const LIBRARIES: [Client; 3] = [
    Client {
        name: "PyPI kubernetes",
        needs: "python3 with venv, and PyPI",
        bring: python,
    },
    Client {
        name: "npm @kubernetes/client-node",
        needs: "node 20 with npm, and its registry",
        bring: node,
    },
    Client {
        name: "crate kube",
        needs: "cargo, and crates.io",
        bring: rust,
    },
];

/// What takes minutes to build, for when it is asked for.
const TOOLS: [Client; 1] = [Client {
    name: "kubetui",
    needs: "cargo, crates.io, python3 with venv, and PyPI",
    bring: kubetui,
}];

/// Runs the libraries' programs and, when `all` are wanted, the tool.
pub(crate) fn clients(all: bool) -> Result<()> {
    let mut command = Command::new("cargo");
    command
        .current_dir(root())
        .args(["build", "--release", "--bin", "lab"]);
    run(command)?;
    let folder = target().join("clients");
    fs::create_dir_all(&folder)?;
    let lab = Lab::start(&folder)?;
    let tools = if all { &TOOLS[..] } else { &[] };
    let mut failed = Vec::new();
    for client in LIBRARIES.iter().chain(tools) {
        println!("\n{}", client.name);
        if let Err(cause) = client.play(&folder, &lab.kubeconfig) {
            println!("FAIL {cause:#}");
            failed.push(client.name);
        }
    }
    if failed.is_empty() {
        return Ok(());
    }
    bail!(
        "clients that do not work with the lab: {}",
        failed.join(", ")
    )
}

impl Client {
    fn play(&self, folder: &Path, kubeconfig: &Path) -> Result<()> {
        let mut program = (self.bring)(folder)
            .with_context(|| format!("cannot be had here: it takes {}", self.needs))?;
        program.arg(kubeconfig);
        run(program)
    }
}

fn programs() -> PathBuf {
    root().join("conformance/clients")
}

/// A Python of its own with the packages of `requirements.txt`.
fn interpreter(folder: &Path) -> Result<PathBuf> {
    let place = folder.join("python");
    let python = place.join("bin/python");
    if !python.exists() {
        let mut command = Command::new("python3");
        command.args(["-m", "venv"]).arg(&place);
        run(command)?;
    }
    let mut command = Command::new(&python);
    command
        .args(["-m", "pip", "install", "--quiet"])
        .arg("--disable-pip-version-check")
        .arg("--requirement")
        .arg(programs().join("python/requirements.txt"));
    run(command)?;
    Ok(python)
}

fn python(folder: &Path) -> Result<Command> {
    let mut command = Command::new(interpreter(folder)?);
    command.arg(programs().join("python/client.py"));
    Ok(command)
}

fn node(folder: &Path) -> Result<Command> {
    let place = folder.join("node");
    fs::create_dir_all(&place)?;
    // A module looks for packages beside itself.
    for name in ["package.json", "client.mjs"] {
        fs::copy(programs().join("node").join(name), place.join(name))?;
    }
    if !place.join("node_modules").exists() {
        let mut command = Command::new("npm");
        command.current_dir(&place).args([
            "install",
            "--silent",
            "--no-audit",
            "--no-fund",
            "--no-package-lock",
        ]);
        run(command)?;
    }
    let mut command = Command::new("node");
    command.arg(place.join("client.mjs"));
    Ok(command)
}

fn rust(folder: &Path) -> Result<Command> {
    let mut command = Command::new("cargo");
    command
        .args(["build", "--quiet", "--locked", "--manifest-path"])
        .arg(programs().join("rust/Cargo.toml"))
        .arg("--target-dir")
        .arg(folder.join("rust"));
    run(command)?;
    let mut command = Command::new(folder.join("rust/debug/kube-client-test"));
    command.env("RUST_BACKTRACE", "0");
    Ok(command)
}

fn kubetui(folder: &Path) -> Result<Command> {
    let (name, version) = KUBETUI;
    let tool = folder.join("bin").join(name);
    if !tool.exists() {
        let mut command = Command::new("cargo");
        command
            .args(["install", "--quiet", "--locked", "--debug", name])
            .args(["--version", version])
            .arg("--root")
            .arg(folder)
            // One target folder for both programs in Rust: most of what they stand on is the same.
            .env("CARGO_TARGET_DIR", folder.join("rust"))
            .env("CARGO_PROFILE_DEV_DEBUG", "0");
        run(command)?;
    }
    let mut command = Command::new(interpreter(folder)?);
    command.arg(programs().join("python/kubetui.py")).arg(tool);
    Ok(command)
}

fn run(mut command: Command) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command
        .stdin(Stdio::null())
        .status()
        .with_context(|| format!("cannot start {program}"))?;
    if !status.success() {
        bail!("{program} ended with {status}");
    }
    Ok(())
}

/// A cluster that ends with this value.
struct Lab {
    child: Child,
    kubeconfig: PathBuf,
}

impl Lab {
    fn start(folder: &Path) -> Result<Self> {
        let kubeconfig = folder.join("kubeconfig");
        let program = target().join("release/lab");
        let mut child = Command::new(&program)
            .args(["up", "--kubeconfig"])
            .arg(&kubeconfig)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let said = child.stdout.take().context("its words were asked for")?;
        let lab = Self { child, kubeconfig };
        for line in BufReader::new(said).lines() {
            if line?.starts_with("Ctrl-C") {
                return Ok(lab);
            }
        }
        bail!("lab up ended before it was up");
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        // Whatever became of the clients, no cluster stays behind; one that is gone already is fine.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
