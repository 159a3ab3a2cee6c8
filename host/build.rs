//! Builds the guest programs as WASI components and compiles them for this processor, so that
//! `lab` is one file that starts in milliseconds.
//!
//! The guests have a target folder of their own (`target/guests`), because this Cargo holds the
//! lock of the usual one while it runs us.

use std::env;
use std::error::Error;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Package of each guest and the constant under which the binary finds it.
const GUESTS: [(&str, &str); 8] = [
    ("guest-box", "BOX"),
    ("guest-nginx", "NGINX"),
    ("guest-curl", "CURL"),
    ("guest-kubectl", "KUBECTL"),
    ("guest-openssl", "OPENSSL"),
    ("guest-make", "MAKE"),
    ("guest-jq", "JQ"),
    ("guest-station", "STATION"),
];

/// What the guests are made of besides themselves.
const PARTS: [&str; 4] = ["guest-kit", "guest-tls", "kubectl", "wit"];

/// Machine code begins where a page does, so that it can run where it lies.
const PAGES: &str = "#[repr(C, align(4096))]\nstruct Pages<T>(T);\n";

const TARGET: &str = "wasm32-wasip2";

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?)
        .join("..")
        .canonicalize()?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    watch(&root);
    let built = build_guests(&root)?;
    let engine = engine::engine().map_err(|cause| format!("wasmtime cannot start: {cause}"))?;
    let mut index = String::from(PAGES);
    for (package, name) in GUESTS {
        let wasm = fs::read(built.join(format!("{package}.wasm")))?;
        let target = out.join(format!("{package}.cwasm"));
        precompile(&engine, &wasm, &target)?;
        index += &format!(
            "/// The component built from `{package}/`, compiled for this processor.\n\
             pub(crate) static {name}: &[u8] = &Pages(*include_bytes!({:?})).0;\n\
             /// Its size as a WASI component, which is what images add up.\n\
             #[allow(dead_code, reason = \"not every guest is in an image\")]\n\
             pub(crate) const {name}_SIZE: u64 = {};\n",
            target.display().to_string(),
            wasm.len(),
        );
    }
    fs::write(out.join("guests.rs"), index)?;
    Ok(())
}

/// Names everything a guest is made of, so that a change rebuilds it and nothing else does.
fn watch(root: &Path) {
    for part in GUESTS.iter().map(|(package, _)| *package).chain(PARTS) {
        println!("cargo::rerun-if-changed={}", root.join(part).display());
    }
    println!("cargo::rerun-if-changed=build.rs");
    println!(
        "cargo::rerun-if-changed={}",
        root.join("Cargo.lock").display()
    );
}

fn build_guests(root: &Path) -> Result<PathBuf, Box<dyn Error>> {
    let target_dir = root.join("target").join("guests");
    let mut cargo = Command::new(env::var("CARGO")?);
    cargo
        .current_dir(root)
        .args([
            "build",
            "--locked",
            "--profile",
            "guest",
            "--target",
            TARGET,
        ])
        .arg("--target-dir")
        .arg(&target_dir);
    for (package, _) in GUESTS {
        cargo.args(["--package", package]);
    }
    // What the outer Cargo or clippy set for the host must not reach a build for another target.
    for name in [
        "CARGO_ENCODED_RUSTFLAGS",
        "RUSTFLAGS",
        "RUSTC_WORKSPACE_WRAPPER",
        "RUSTC_WRAPPER",
        "CARGO_TARGET_DIR",
        "CARGO_BUILD_TARGET",
    ] {
        cargo.env_remove(name);
    }
    let output = cargo.output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let hint = if said.contains("may not be installed")
            || said.contains("can't find crate for `core`")
        {
            "\nhint: rustup target add wasm32-wasip2"
        } else {
            ""
        };
        return Err(format!("the guest programs did not build:\n{said}{hint}").into());
    }
    Ok(target_dir.join(TARGET).join("guest"))
}

/// Compiles `wasm` unless the same bytes were compiled for the same engine into `target` before.
fn precompile(engine: &engine::Engine, wasm: &[u8], target: &Path) -> Result<(), Box<dyn Error>> {
    let seen = target.with_extension("seen");
    let mut hasher = DefaultHasher::new();
    wasm.hash(&mut hasher);
    engine.precompile_compatibility_hash().hash(&mut hasher);
    let now = format!("{} {:016x}", wasm.len(), hasher.finish());
    if target.exists() && fs::read_to_string(&seen).is_ok_and(|before| before == now) {
        return Ok(());
    }
    let code = engine
        .precompile_component(wasm)
        .map_err(|cause| format!("{}: {cause}", target.display()))?;
    fs::write(target, code)?;
    fs::write(seen, now)?;
    Ok(())
}
