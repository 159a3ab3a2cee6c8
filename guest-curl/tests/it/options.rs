//! The command line as values; words are compared with the real program in `cases/options.txt`.

use std::time::Duration;

use guest_curl::Voice;
use guest_curl::args::{Command, Output, Stop, parse};
use proptest::prelude::*;

fn read(args: &[&str]) -> Result<Command, Stop> {
    let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
    let mut command = Command::new();
    parse(&mut command, &args, &Voice::default())?;
    Ok(command)
}

#[test]
fn letters_combine_and_take_values_from_the_rest_or_the_next() {
    let command = read(&["-LIo/tmp/x", "-m", "1.5", "-XPUT", "u1", "--", "-u2"]).expect("options");
    let operation = &command.operations[0];
    assert!(operation.location && operation.head);
    assert_eq!(
        (operation.max_time, operation.method.as_deref()),
        (Some(Duration::from_millis(1500)), Some("PUT"))
    );
    let nodes = &operation.nodes;
    assert_eq!(nodes[0].output, Some(Output::File("/tmp/x".to_owned())));
    assert_eq!(nodes[0].url.as_deref(), Some("u1"));
    assert_eq!(nodes[1].url.as_deref(), Some("-u2"));
}

#[test]
fn what_comes_after_next_is_for_the_next_url() {
    let command = read(&["-d", "x", "u1", "--next", "u2"]).expect("options");
    assert_eq!(command.operations.len(), 2);
    assert_eq!(command.operations[1].data, None);
}

#[test]
fn what_this_curl_lacks_is_refused_by_name() {
    for option in ["--http2", "--unix-socket", "-Z", "--interface", "--ciphers"] {
        let refused = read(&[option, "x", "u"]).expect_err("refused");
        let words = format!("option {option}: the installed libcurl version doesn't support this");
        assert_eq!(refused, Stop::Wrong(2, words));
    }
}

proptest! {
    #[test]
    fn no_arguments_break_the_reader(args in proptest::collection::vec("-{0,2}[a-zA-Z0-9=#?. \u{e9}-]{0,12}", 0..6)) {
        let mut all = vec!["-s"];
        all.extend(args.iter().map(String::as_str).filter(|arg| !arg.contains("stderr")));
        let _ = read(&all);
    }
}
