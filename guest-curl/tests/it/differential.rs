//! Scripts that Debian's curl and ours both run against the same servers: same output, same words, same
//! exit codes, and — since `/echo` answers with the request — the same bytes on the wire.

use std::path::{Path, PathBuf};

use crate::server;

/// Programs that scripts use besides curl; the same ones on both sides.
const TOOLS: [&str; 18] = [
    "cat", "sed", "grep", "head", "tail", "tr", "sort", "wc", "ls", "mkdir", "printf", "touch",
    "rm", "cut", "env", "chmod", "timeout", "uniq",
];

/// What every script begins with: `c` shows output, words and code; `t` does so for `-v`, without what
/// changes from run to run.
const PRELUDE: &str = r#"
tidy() { sed -E -e 's/bundle for host: 0x[0-9a-f]+/bundle/' -e 's/ after [0-9]+ ms/ after N ms/' \
 -e 's/after [0-9]+ milliseconds/after N milliseconds/' -e 's/(cnonce|response)="[^"]*"/\1="X"/g' \
 -e 's/-{24}[0-9a-f]{16}/BOUNDARY/g' "$@" | tr '\r' '~'; }
c() { curl "$@" >.out 2>.err; code=$?; tidy .out; echo; tidy .err; echo "=> $code"; rm -f .out .err; }
t() { c -sv "$@"; }
"#;

fn place(curl: &Path) -> trial::Workplace {
    let shell = trial::installed("dash", "dash");
    let tools: Vec<(&str, PathBuf)> = TOOLS
        .iter()
        .map(|name| (*name, trial::installed(name, "coreutils sed grep")))
        .collect();
    let mut programs: Vec<(&str, &Path)> = vec![("sh", &shell), ("curl", curl)];
    programs.extend(tools.iter().map(|(name, path)| (*name, path.as_path())));
    trial::Workplace::new(programs)
}

fn compare(cases: &str) {
    compare_with(cases, &[]);
}

pub(crate) fn compare_with(cases: &str, words: &[(&str, &str)]) {
    let port = server::start();
    let text = cases.replace("\n---\n", &format!("\n---\nS=127.0.0.1:{port}\n{PRELUDE}"));
    let text = words
        .iter()
        .fold(text, |text, (from, to)| text.replace(from, to));
    let ours = Path::new(env!("CARGO_BIN_EXE_guest-curl"));
    let real = trial::installed("curl", "curl");
    trial::differential(&text, &place(&real), &place(ours));
}

#[test]
fn requests_are_written_as_curl_writes_them() {
    compare(include_str!("../cases/requests.txt"));
}

#[test]
fn answers_are_understood_as_curl_understands_them() {
    compare(include_str!("../cases/answers.txt"));
}

#[test]
fn redirects_and_logins_lead_where_curl_goes() {
    compare(include_str!("../cases/follow.txt"));
}

#[test]
fn files_are_written_and_read_as_curl_does() {
    compare(include_str!("../cases/files.txt"));
}

#[test]
fn options_are_refused_with_curls_words() {
    compare(include_str!("../cases/options.txt"));
}

#[test]
fn proxies_and_names_are_used_as_curl_does() {
    compare(include_str!("../cases/places.txt"));
}

#[test]
fn tries_and_limits_end_as_curls_do() {
    compare(include_str!("../cases/limits.txt"));
}
