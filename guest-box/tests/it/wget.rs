//! `wget` beside Debian's busybox, against the same servers.

use std::path::Path;

use trial::{Workplace, differential, installed};

#[path = "../../../guest-curl/tests/it/server.rs"]
mod server;

/// What every script begins with: output, words and code, without the figures of the meter.
const PRELUDE: &str = r#"
w() { wget "$@" >.out 2>.err; code=$?; cat .out; echo; tr '\r' '\n' < .err | sed -e 's/|[* ]*|.*/|/' -e '/^$/d' -e '/ [0-9]*% |$/d'; echo "=> $code"; rm -f .out .err; }
"#;

fn place(wget: &Path) -> Workplace {
    let busybox = installed("busybox", "busybox");
    let mut programs: Vec<(&str, &Path)> = vec![("wget", wget)];
    let tools = [
        "sh", "cat", "tr", "sed", "rm", "ls", "mkdir", "wc", "printf", "timeout", "echo",
    ];
    programs.extend(tools.iter().map(|name| (*name, busybox.as_path())));
    Workplace::new(programs)
}

#[test]
fn wget_answers_as_busybox_does() {
    let port = server::start();
    let cases = include_str!("../cases/wget.txt")
        .replace("\n---\n", &format!("\n---\nS=127.0.0.1:{port}\n{PRELUDE}"));
    let ours = Path::new(env!("CARGO_BIN_EXE_guest-box"));
    differential(
        &cases,
        &place(&installed("busybox", "busybox")),
        &place(ours),
    );
}
