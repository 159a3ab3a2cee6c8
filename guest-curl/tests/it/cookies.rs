//! The jar: who gets which cookie.

use guest_curl::cookie::{Jar, Place};

fn place<'a>(host: &'a str, path: &'a str) -> Place<'a> {
    Place {
        host,
        path,
        secure: false,
    }
}

#[test]
fn a_cookie_of_a_domain_goes_to_the_hosts_below_it() {
    let mut jar = Jar::default();
    jar.set(
        "a=1; Domain=example.com",
        place("www.example.com", "/"),
        100,
    );
    jar.set("b=2", place("www.example.com", "/"), 100);
    assert_eq!(
        jar.header(place("www.example.com", "/"), 100).as_deref(),
        Some("b=2; a=1")
    );
    assert_eq!(
        jar.header(place("api.example.com", "/"), 100).as_deref(),
        Some("a=1")
    );
    assert_eq!(jar.header(place("badexample.com", "/"), 100), None);
}

#[test]
fn a_cookie_of_another_domain_is_refused() {
    let mut jar = Jar::default();
    jar.set("a=1; Domain=other.com", place("example.com", "/"), 100);
    jar.set("a=1; Domain=com", place("example.com", "/"), 100);
    assert!(jar.is_empty());
}

#[test]
fn a_path_covers_what_is_below_it_and_not_what_only_begins_alike() {
    let mut jar = Jar::default();
    jar.set("a=1; Path=/x", place("h.example", "/"), 100);
    for (path, gets) in [("/x", true), ("/x/y", true), ("/xy", false), ("/", false)] {
        assert_eq!(
            jar.header(place("h.example", path), 100).is_some(),
            gets,
            "{path}"
        );
    }
}

#[test]
fn a_cookie_ends_when_its_age_is_over() {
    let mut jar = Jar::default();
    jar.set("a=1; Max-Age=10", place("h.example", "/"), 100);
    assert!(jar.header(place("h.example", "/"), 105).is_some());
    assert!(jar.header(place("h.example", "/"), 111).is_none());
}

#[test]
fn a_secure_cookie_is_only_for_https_and_this_machine() {
    let mut jar = Jar::default();
    let safe = Place {
        secure: true,
        ..place("h.example", "/")
    };
    jar.set("a=1; Secure", safe, 100);
    assert!(jar.header(safe, 100).is_some());
    assert!(jar.header(place("h.example", "/"), 100).is_none());
}
