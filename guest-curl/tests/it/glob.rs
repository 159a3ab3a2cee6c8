//! Braces and ranges.

use guest_curl::glob::unfold;
use proptest::prelude::*;

#[track_caller]
fn check(pattern: &str, expect: &[&str]) {
    let unfolded = unfold(pattern).expect("a pattern");
    let urls: Vec<&str> = unfolded.iter().map(|one| one.url.as_str()).collect();
    assert_eq!(urls, expect, "{pattern}");
}

#[track_caller]
fn refused(pattern: &str, words: &str) {
    assert_eq!(unfold(pattern).expect_err("no pattern").message, words);
}

#[test]
fn choices_unfold_with_the_last_changing_fastest() {
    check("h/{a,b}[1-2]", &["h/a1", "h/a2", "h/b1", "h/b2"]);
    check("h/[08-10]", &["h/08", "h/09", "h/10"]);
    check("h/[0-10:5]", &["h/0", "h/5", "h/10"]);
    check("h/[a-c]", &["h/a", "h/b", "h/c"]);
    check("http://[::1]/", &["http://[::1]/"]);
}

#[test]
fn a_mistake_is_pointed_at() {
    let url = "http://127.0.0.1:8971/";
    refused(
        &format!("{url}{{a"),
        &format!("unmatched brace in URL position 23:\n{url}{{a\n{:22}^", ""),
    );
    refused(
        &format!("{url}[a"),
        &format!("bad range in URL position 24:\n{url}[a\n{:23}^", ""),
    );
    assert!(unfold("[1-100000]").is_err());
    assert!(unfold("[1-1000][1-1000]").is_err());
}

proptest! {
    #[test]
    fn no_pattern_breaks_it(pattern in "[a-c0-9{}\\[\\],:\u{e9}-]{0,20}") {
        let _ = unfold(&pattern);
    }
}
