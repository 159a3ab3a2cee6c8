//! URLs and where a `Location` leads.

use guest_curl::url::Url;
use proptest::prelude::*;

#[track_caller]
fn check(text: &str, authority: &str, target: &str) {
    let url = Url::parse(text).expect("a URL");
    assert_eq!(
        (url.authority().as_str(), url.target.as_str()),
        (authority, target),
        "{text}"
    );
}

#[track_caller]
fn refused(text: &str, code: u8, words: &str) {
    let failure = Url::parse(text).expect_err("no URL");
    assert_eq!(
        (failure.code, failure.message.as_str()),
        (code, words),
        "{text}"
    );
}

#[test]
fn parts_are_found_with_and_without_a_scheme() {
    check("http://Web:8080/a?b#c", "Web:8080", "/a?b");
    check("web", "web", "/");
    check("web:80?q", "web", "/?q");
    check("http://10.0.0.1/a/../b/./c", "10.0.0.1", "/b/c");
    let url = Url::parse("http://u:p%40@web/").expect("a URL");
    assert_eq!(
        (url.user.as_deref(), url.password.as_deref()),
        (Some("u"), Some("p@"))
    );
}

#[test]
fn what_is_no_url_is_called_so() {
    for text in [
        "",
        "http://",
        "http://a b/",
        "http://h:99999/",
        "http://h:abc/",
        "http://@/",
        "http://h:1:2/",
    ] {
        refused(text, 3, "URL using bad/illegal format or missing URL");
    }
    refused(
        "foo://x",
        1,
        "Protocol \"foo\" not supported or disabled in libcurl",
    );
}

#[test]
fn a_location_leads_from_where_it_was_said() {
    let base = Url::parse("http://web:81/a/b?q").expect("a URL");
    for (place, leads) in [
        ("http://other/x", "http://other/x"),
        ("//other/x", "http://other/x"),
        ("/x", "http://web:81/x"),
        ("x?y", "http://web:81/a/x?y"),
        ("../x", "http://web:81/x"),
        ("?y", "http://web:81/a/b?y"),
    ] {
        assert_eq!(base.join(place), leads, "{place}");
    }
}

#[test]
fn the_last_part_of_the_path_names_the_file() {
    for (text, name) in [
        ("http://h/a/b.txt?c/d", "b.txt"),
        ("http://h/", ""),
        ("h", ""),
    ] {
        assert_eq!(Url::parse(text).expect("a URL").file_name(), name);
    }
}

proptest! {
    #[test]
    fn no_text_breaks_the_parser(text in any::<String>(), place in any::<String>()) {
        if let Ok(url) = Url::parse(&text) {
            let _ = url.join(&place);
        }
    }
}
