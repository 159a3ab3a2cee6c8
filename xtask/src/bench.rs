//! One table of figures: whole commands, measured from outside, each beside a reference from the
//! same run. Never asserts a time: a slow machine is not a broken program.

use crate::root;
use anyhow::{Context, Result, bail};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Runs of each row; the median counts.
const RUNS: usize = 5;
/// How long idleness is watched.
const IDLE: Duration = Duration::from_secs(10);

/// A lesson to be timed.
struct Row {
    name: &'static str,
    file: &'static str,
    goal: &'static str,
}

const ROWS: [Row; 7] = [
    Row {
        name: "cold process to first Service answer",
        file: "bench/first-answer.yaml",
        goal: "≤ 0.15 s, ≤ 60 MB",
    },
    Row {
        name: "100 Pods Ready",
        file: "bench/pods-100.yaml",
        goal: "≤ 0.15 s",
    },
    Row {
        name: "1,000 Pods Ready",
        file: "bench/pods-1000.yaml",
        goal: "≤ 1.5 s, ≤ 300 MB",
    },
    Row {
        name: "1,000 Pods behind 500 Services",
        file: "bench/services-500.yaml",
        goal: "n log n of the above",
    },
    Row {
        name: "10,000 requests, each a process",
        file: "labs/07-balance.yaml",
        goal: "≤ 3 s",
    },
    Row {
        name: "200 MB by curl through a Service",
        file: "bench/flow.yaml",
        goal: "≤ 0.5 s (400 MB/s)",
    },
    Row {
        name: "lesson 03",
        file: "labs/03-service.yaml",
        goal: "about 1 s",
    },
];

/// Prints the table, or the rows whose name contains `only`.
pub(crate) fn bench(only: Option<&str>) -> Result<()> {
    let status = Command::new("cargo")
        .current_dir(root())
        .args(["build", "--release", "--bin", "lab"])
        .status()?;
    if !status.success() {
        bail!("lab did not build");
    }
    let lab = crate::target().join("release/lab");
    let wanted = |name: &str| only.is_none_or(|only| name.contains(only));
    println!("{:<42} {:>10} {:>10}  goal", "what", "median", "peak");
    let reference = median(|| timed(Command::new("/bin/true")))?;
    println!(
        "{:<42} {:>8.1} ms {:>10}  (reference: a process of the host)",
        "/bin/true",
        ms(reference.0),
        ""
    );
    for row in ROWS.iter().filter(|row| wanted(row.name)) {
        let (time, peak) = median(|| {
            let mut command = Command::new(&lab);
            command
                .current_dir(root())
                .args(["run", "--format", "json", row.file]);
            timed(command)
        })
        .with_context(|| row.file.to_owned())?;
        println!(
            "{:<42} {:>8.1} ms {:>7} MB  {}",
            row.name,
            ms(time),
            peak / 1024,
            row.goal
        );
    }
    if wanted("idle") {
        let share = idle(&lab)?;
        println!(
            "{:<42} {:>9.2} % {:>10}  ≤ 0.5 %",
            "idle CPU of lab up",
            share * 100.0,
            ""
        );
    }
    if wanted("objects") {
        crate::objects::objects(&lab)?;
    }
    if wanted("programs") {
        crate::programs::programs(&lab)?;
    }
    for (package, bench) in [("vnet", "flow"), ("cluster", "api"), ("runtime", "spawn")] {
        if wanted(bench) {
            println!("\n{package}: cargo bench --bench {bench}");
            let mut command = Command::new("cargo");
            command
                .current_dir(root())
                .args(["bench", "--quiet", "--workspace", "--bench", bench]);
            if !command.status()?.success() {
                bail!("{package}'s bench {bench} failed");
            }
        }
    }
    Ok(())
}

pub(crate) fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// The median time and the largest peak of several runs.
pub(crate) fn median(mut run: impl FnMut() -> Result<(Duration, u64)>) -> Result<(Duration, u64)> {
    let mut runs = (0..RUNS).map(|_| run()).collect::<Result<Vec<_>>>()?;
    runs.sort();
    let peak = runs.iter().map(|(_, peak)| *peak).max().unwrap_or(0);
    Ok((runs[RUNS / 2].0, peak))
}

/// Runs a command to success: how long it took and the most memory it had, in KiB.
pub(crate) fn timed(mut command: Command) -> Result<(Duration, u64)> {
    let started = Instant::now();
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .spawn()?;
    let mut peak = 0;
    // The peak stays readable until the process has ended, so it is read while it runs.
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        peak = peak.max(high_water(child.id()));
        std::thread::park_timeout(Duration::from_micros(200));
    };
    let time = started.elapsed();
    if !status.success() {
        bail!("{command:?} ended with {status}");
    }
    Ok((time, peak))
}

/// The peak resident set of a process in KiB; 0 once it is gone.
fn high_water(pid: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}

/// The share of one processor that a cluster uses while nobody asks anything.
fn idle(lab: &Path) -> Result<f64> {
    let kubeconfig = root().join("target/bench.kubeconfig");
    let mut child = Command::new(lab)
        .args(["up", "--nodes", "3", "--kubeconfig"])
        .arg(&kubeconfig)
        .stdout(Stdio::null())
        .spawn()?;
    // Starting is not idling.
    std::thread::park_timeout(Duration::from_secs(5));
    let before = processor_ticks(child.id());
    std::thread::park_timeout(IDLE);
    let after = processor_ticks(child.id());
    child.kill()?;
    child.wait()?;
    let _ = std::fs::remove_file(kubeconfig);
    // Linux counts a process's time in hundredths of a second (sysconf(_SC_CLK_TCK) on every common build).
    Ok((after - before) as f64 / 100.0 / IDLE.as_secs_f64())
}

fn processor_ticks(pid: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields = text.rsplit(')').next().unwrap_or_default();
    let numbers: Vec<u64> = fields
        .split_whitespace()
        .filter_map(|field| field.parse().ok())
        .collect();
    // After the name and the state come ppid, pgrp, …; user and system time are the 11th and 12th numbers.
    numbers
        .get(10)
        .zip(numbers.get(11))
        .map_or(0, |(user, system)| user + system)
}
