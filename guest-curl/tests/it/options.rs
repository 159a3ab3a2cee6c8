//! The command line.

use std::io;
use std::time::Duration;

use guest_curl::options::{self, Options, Output};
use proptest::prelude::*;

fn parse(args: &[&str]) -> Result<Options, String> {
    let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
    options::parse(&args, &mut |path| match path {
        "body" => Ok(b"l1\r\nl2\n".to_vec()),
        _ => Err(io::ErrorKind::NotFound.into()),
    })
}

#[track_caller]
fn refused(args: &[&str], words: &str) {
    assert_eq!(parse(args), Err(words.to_owned()), "{args:?}");
}

fn data(args: &[&str]) -> String {
    String::from_utf8(parse(args).expect("options").data.expect("data")).expect("text")
}

#[test]
fn letters_combine_and_take_values_from_the_rest_or_the_next() {
    let options =
        parse(&["-sSLo/tmp/x", "-m", "1.5", "-XPUT", "u1", "--", "-u2"]).expect("options");
    assert!(options.silent && options.show_error && options.location);
    assert_eq!(options.outputs, [Output::File("/tmp/x".to_owned())]);
    assert_eq!(
        (options.max_time, options.method.as_deref()),
        (Some(Duration::from_millis(1500)), Some("PUT"))
    );
    assert_eq!(options.urls, ["u1", "-u2"]);
}

#[test]
fn long_names_may_be_cut_short_while_they_are_clear() {
    assert!(parse(&["--silen", "u"]).expect("options").silent);
    refused(&["--dat", "x"], "option --dat: is ambiguous");
    refused(&["--nosuch"], "option --nosuch: is unknown");
    refused(&["-?"], "option -?: is unknown");
}

#[test]
fn values_must_be_there_and_make_sense() {
    refused(&["-o"], "option -o: requires parameter");
    refused(&["--data"], "option --data: requires parameter");
    refused(
        &["-m", "abc", "u"],
        "option -m: expected a proper numerical parameter",
    );
    refused(
        &["--retry", "-1", "u"],
        "option --retry: expected a proper numerical parameter",
    );
    // Zero is no limit.
    assert_eq!(parse(&["-m", "0", "u"]).expect("options").max_time, None);
}

#[test]
fn what_this_lab_lacks_is_refused_by_name() {
    refused(
        &["-x", "http://p", "u"],
        "option -x: is not in this lab yet",
    );
    refused(
        &["--proxy", "p", "u"],
        "option --proxy: is not in this lab yet",
    );
    refused(
        &["--cacert", "f", "u"],
        "option --cacert: is not in this lab yet",
    );
    refused(&["-sF", "a=b", "u"], "option -F: is not in this lab yet");
    refused(
        &["--compressed", "u"],
        "option --compressed: is not in this lab yet",
    );
}

#[test]
fn data_adds_up_and_files_lose_their_line_ends_unless_binary() {
    assert_eq!(
        data(&["-d", "a=b", "--data-raw", "@x", "-d@body"]),
        "a=b&@x&l1l2"
    );
    assert_eq!(data(&["--data-binary", "@body"]), "l1\r\nl2\n");
    // A file that is missing counts as empty, as in curl.
    assert_eq!(data(&["-d", "@none"]), "");
    assert_eq!(data(&["--json", "{\"a\":", "--json", "1}"]), "{\"a\":1}");
}

#[test]
fn urlencode_knows_its_five_forms() {
    for (given, coded) in [
        ("a b", "a+b"),
        ("=a&b", "a%26b"),
        ("n=\u{e9}", "n=%C3%A9"),
        ("@body", "l1%0D%0Al2%0A"),
        ("n@body", "n=l1%0D%0Al2%0A"),
    ] {
        assert_eq!(data(&["--data-urlencode", given]), coded, "{given}");
    }
}

proptest! {
    #[test]
    fn no_arguments_break_the_reader(args in proptest::collection::vec("-{0,2}[a-zA-Z0-9@=#?. \u{e9}-]{0,12}", 0..6)) {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let _ = parse(&args);
    }
}
