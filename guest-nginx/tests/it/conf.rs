//! Configurations, broken and whole: nginx' own words about each.

use std::path::Path;

use trial::{Workplace, differential, installed};

fn judged(ours_is: &str, real: &Path, cases: &str) {
    let shell = installed("dash", "dash");
    let timeout = installed("timeout", "coreutils");
    let cat = installed("cat", "coreutils");
    let tools = ["cp", "rm", "mkdir", "sed"].map(|tool| (tool, installed(tool, "coreutils")));
    let ours = Path::new(env!("CARGO_BIN_EXE_guest-nginx"));
    let place = |nginx: &Path| {
        let tools = tools.iter().map(|(name, path)| (*name, path.as_path()));
        Workplace::new(tools.chain([
            ("sh", shell.as_path()),
            ("cat", cat.as_path()),
            ("timeout", timeout.as_path()),
            (ours_is, nginx),
        ]))
    };
    differential(cases, &place(real), &place(ours));
}

#[test]
fn configurations_are_judged_in_nginxs_words() {
    let real = installed("nginx", "nginx");
    judged("nginx", &real, include_str!("../cases/conf.txt"));
}

#[test]
fn configurations_are_judged_in_apaches_words() {
    let real = installed("apache2", "apache2");
    judged("httpd", &real, include_str!("../cases/httpd-conf.txt"));
}

#[test]
fn parts_of_configurations_found_in_the_wild_are_judged_in_apaches_words() {
    let real = installed("apache2", "apache2");
    judged("httpd", &real, include_str!("../cases/httpd-conf-more.txt"));
}
