//! The real programs that ours are compared with: Debian's packages.
//!
//! Installs them where that is the custom (root on Debian, which means CI or a container); says
//! the one line that does it elsewhere. Never compares anything.

use anyhow::{Context, Result, bail};
use std::path::Path;
use std::process::Command;

/// A program and the package that has it.
const PROGRAMS: [(&str, &str); 10] = [
    ("apache2", "apache2-bin"),
    ("busybox", "busybox"),
    ("curl", "curl"),
    ("dash", "dash"),
    ("jq", "jq"),
    ("make", "make"),
    ("nginx", "nginx"),
    ("openssl", "openssl"),
    ("tcpdump", "tcpdump"),
    ("tshark", "tshark"),
];

const FOLDERS: [&str; 5] = ["/usr/bin", "/bin", "/usr/sbin", "/sbin", "/usr/local/bin"];

/// Makes sure that every program is there.
pub(crate) fn programs() -> Result<()> {
    let missing: Vec<&str> = missing();
    if missing.is_empty() {
        return Ok(());
    }
    let line = format!(
        "apt-get install --no-install-recommends {}",
        missing.join(" ")
    );
    let may = is_root() && Path::new("/usr/bin/apt-get").exists();
    if !may {
        bail!("the tests compare with real programs that are missing here\n\nhint: {line}");
    }
    println!("{line}");
    for args in [
        &["update", "-q"][..],
        &["install", "-q", "-y", "--no-install-recommends"][..],
    ] {
        let mut command = Command::new("apt-get");
        command.env("DEBIAN_FRONTEND", "noninteractive").args(args);
        if args[0] == "install" {
            command.args(&missing);
        }
        let output = command.output().context("apt-get")?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("{line}: {}", said.trim());
        }
    }
    Ok(())
}

fn missing() -> Vec<&'static str> {
    let there = |program: &str| {
        FOLDERS
            .iter()
            .any(|folder| Path::new(folder).join(program).exists())
    };
    PROGRAMS
        .iter()
        .filter(|(program, _)| !there(program))
        .map(|(_, package)| *package)
        .collect()
}

/// Whether we are root, as `id -u` says.
fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output();
    output.is_ok_and(|output| output.stdout.starts_with(b"0\n"))
}
