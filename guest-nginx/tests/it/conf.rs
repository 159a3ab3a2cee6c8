//! Configurations, broken and whole: nginx' own words about each.

use std::path::Path;

use trial::{Workplace, differential, installed};

#[test]
fn configurations_are_judged_in_nginxs_words() {
    let shell = installed("dash", "dash");
    let timeout = installed("timeout", "coreutils");
    let cat = installed("cat", "coreutils");
    let tools = ["cp", "rm", "mkdir", "sed"].map(|tool| (tool, installed(tool, "coreutils")));
    let real = installed("nginx", "nginx");
    let ours = Path::new(env!("CARGO_BIN_EXE_guest-nginx"));
    let place = |nginx: &Path| {
        let tools = tools.iter().map(|(name, path)| (*name, path.as_path()));
        Workplace::new(tools.chain([
            ("sh", shell.as_path()),
            ("cat", cat.as_path()),
            ("timeout", timeout.as_path()),
            ("nginx", nginx),
        ]))
    };
    differential(
        include_str!("../cases/conf.txt"),
        &place(&real),
        &place(ours),
    );
}
