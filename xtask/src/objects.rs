//! Figures of the API as somebody with a kubectl meets it: lists, a Pod's way to Ready, memory.
//! Never asserts a time.

use crate::bench::{median, ms, timed};
use crate::{root, stock};
use anyhow::{Context, Result, bail};
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Objects whose memory is measured.
const OBJECTS: usize = 5_000;
const CLUSTER: [&str; 3] = ["up", "--nodes", "10"];

/// Prints the rows.
pub(crate) fn objects(lab: &Path) -> Result<()> {
    let place = Place::start(lab)?;
    println!(
        "\n{:<42} {:>14} {:>14}",
        "kubectl", "the stock one", "our own"
    );
    place.kubectl(&[
        "create",
        "deployment",
        "web",
        "--image=nginx",
        "--replicas=10",
    ])?;
    for pods in ["10", "1000"] {
        place.kubectl(&["scale", "deployment", "web", "--replicas", pods])?;
        place.kubectl(&["rollout", "status", "deployment", "web", "--timeout=300s"])?;
        let [stock, own] = place.both(&["get", "pods"])?;
        println!(
            "{:<42} {stock:>11.1} ms {own:>11.1} ms",
            format!("get pods, {pods} of them")
        );
    }
    place.kubectl(&["delete", "deployment", "web", "--cascade=foreground"])?;
    let [stock, own] = place.ready()?;
    let what = "apply of a Pod, then wait until Ready";
    println!("{what:<42} {stock:>11.1} ms {own:>11.1} ms");
    // A process keeps what it was once given, so that memory is measured in a fresh one.
    drop(place);
    let place = Place::start(lab)?;
    println!(
        "{:<42} {:>11.1} kB",
        format!("memory of each of {OBJECTS} ConfigMaps"),
        place.memory()?
    );
    Ok(())
}

/// A cluster and both kubectls; the cluster ends with this value.
struct Place {
    child: Child,
    folder: PathBuf,
    stock: PathBuf,
    lab: PathBuf,
}

impl Place {
    fn start(lab: &Path) -> Result<Self> {
        let folder = root().join("target/bench-objects");
        fs::create_dir_all(&folder)?;
        let mut child = Command::new(lab)
            .args(CLUSTER)
            .arg("--kubeconfig")
            .arg(folder.join("kubeconfig"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let said = child.stdout.take().context("its words were asked for")?;
        let place = Self {
            child,
            folder,
            stock: stock::kubectl(stock::USUAL)?,
            lab: lab.to_owned(),
        };
        for line in BufReader::new(said).lines() {
            if line?.starts_with("Ctrl-C") {
                return Ok(place);
            }
        }
        bail!("lab up ended before it was up");
    }

    fn clients(&self) -> [Command; 2] {
        let mut own = Command::new(&self.lab);
        own.arg("kubectl");
        [Command::new(&self.stock), own].map(|mut command| {
            command
                .env("HOME", &self.folder)
                .env("KUBECONFIG", self.folder.join("kubeconfig"))
                .current_dir(&self.folder);
            command
        })
    }

    fn kubectl(&self, args: &[&str]) -> Result<()> {
        let [mut command, _] = self.clients();
        let output = command.args(args).output()?;
        if !output.status.success() {
            bail!(
                "kubectl {args:?}: {}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
        Ok(())
    }

    /// The milliseconds of the stock client and of ours.
    fn both(&self, args: &[&str]) -> Result<[f64; 2]> {
        let mut times = [0.0; 2];
        for (index, time) in times.iter_mut().enumerate() {
            let (median, _) = median(|| {
                let [stock, own] = self.clients();
                let mut command = if index == 0 { stock } else { own };
                command.args(args);
                timed(command)
            })?;
            *time = ms(median);
        }
        Ok(times)
    }

    /// The milliseconds from `apply` to the end of `wait`, with the stock client and with ours.
    fn ready(&self) -> Result<[f64; 2]> {
        fs::write(
            self.folder.join("pod.yaml"),
            "apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\nspec:\n  terminationGracePeriodSeconds: 0\n  containers:\n  - name: c\n    image: nginx\n",
        )?;
        let mut times = [0.0; 2];
        for (index, time) in times.iter_mut().enumerate() {
            let (median, _) = median(|| {
                let [stock, own] = self.clients();
                let [stock_wait, own_wait] = self.clients();
                let (mut apply, mut wait) = match index {
                    0 => (stock, stock_wait),
                    _ => (own, own_wait),
                };
                apply.args(["apply", "-f", "pod.yaml"]);
                wait.args(["wait", "pod/p", "--for=condition=Ready"]);
                let (applied, peak) = timed(apply)?;
                let (waited, _) = timed(wait)?;
                self.kubectl(&["delete", "pod", "p"])?;
                Ok((applied + waited, peak))
            })?;
            *time = ms(median);
        }
        Ok(times)
    }

    /// What each of many small objects adds to the process, in kB.
    fn memory(&self) -> Result<f64> {
        let mut list = String::from("apiVersion: v1\nkind: List\nitems:\n");
        for number in 0..OBJECTS {
            writeln!(
                list,
                "- {{apiVersion: v1, kind: ConfigMap, metadata: {{name: c{number}}}, data: {{a: '{number}'}}}}"
            )?;
        }
        fs::write(self.folder.join("objects.yaml"), list)?;
        let before = resident(self.child.id());
        self.kubectl(&["create", "-f", "objects.yaml"])?;
        let after = resident(self.child.id());
        Ok(after.saturating_sub(before) as f64 / OBJECTS as f64)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Whatever became of the figures, no cluster stays behind; one that is gone already is fine.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The resident set of a process in KiB.
fn resident(pid: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}
