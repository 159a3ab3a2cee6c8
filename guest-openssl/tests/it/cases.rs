//! The cases both run. Never a case of its own: they are in `tests/cases/`.

use std::path::Path;
use trial::{Workplace, differential, installed};

/// What scripts use beside openssl itself.
const TOOLS: [&str; 8] = ["timeout", "cat", "head", "tail", "wc", "cmp", "sed", "grep"];

pub(crate) fn place(openssl: &Path) -> Workplace {
    let dash = installed("dash", "dash");
    let real = installed("openssl", "openssl");
    let tools = TOOLS.map(|tool| (tool, installed(tool, "coreutils")));
    let mut programs = vec![
        ("sh", dash.as_path()),
        ("openssl", openssl),
        ("real", &real),
    ];
    programs.extend(tools.iter().map(|(name, path)| (*name, path.as_path())));
    Workplace::new(programs)
}

pub(crate) fn ours() -> Workplace {
    place(Path::new(env!("CARGO_BIN_EXE_guest-openssl")))
}

#[test]
fn what_openssl_says_we_say() {
    let real = place(&installed("openssl", "openssl"));
    differential(include_str!("../cases/openssl.txt"), &real, &ours());
}
