//! Claims about expressions. Never compares with a C library; the cases of `grep` and `sed` do.

use super::{Around, Regex, Syntax};

fn regex(pattern: &str, extended: bool) -> Regex {
    let syntax = Syntax {
        extended,
        ..Syntax::default()
    };
    Regex::new(pattern, syntax).expect("the pattern is right")
}

#[track_caller]
fn finds(pattern: &str, text: &str, expected: Option<(usize, usize)>) {
    assert_eq!(
        regex(pattern, true).find_at(text.as_bytes(), 0),
        expected,
        "{pattern}"
    );
    assert_eq!(
        regex(pattern, true).is_match(text.as_bytes()),
        expected.is_some(),
        "{pattern}"
    );
    let leftmost = super::threads::leftmost(&regex(pattern, true).program, text.as_bytes(), 0);
    if !regex(pattern, true).program.references {
        assert_eq!(leftmost, expected, "{pattern} in one pass");
    }
}

#[test]
fn the_leftmost_and_longest_match_wins() {
    finds("a|ab|abc", "xabcd", Some((1, 4)));
    finds("(a|ab)(c|bcd)", "abcd", Some((0, 4)));
    finds("x*", "aaa", Some((0, 0)));
    finds("b+", "aabbb", Some((2, 5)));
    finds("^b", "ab", None);
    finds("b$", "ab", Some((1, 2)));
    finds("", "ab", Some((0, 0)));
    finds("a{2,3}", "aaaa", Some((0, 3)));
    finds("(ab)*c", "ababc", Some((0, 5)));
    finds("[[:digit:]]+", "ab12", Some((2, 4)));
    finds("a|b|", "cb", Some((0, 0)));
}

#[test]
fn words_have_edges() {
    finds("\\<b", "ab b", Some((3, 4)));
    finds("b\\>", "bb b", Some((1, 2)));
    finds("\\bx\\b", "xx x", Some((3, 4)));
    finds("\\Bx", "xx", Some((1, 2)));
}

#[test]
fn characters_are_utf_8() {
    finds("^.$", "語", Some((0, 3)));
    finds("[あ-ん]+", "xあんy", Some((1, 7)));
    finds("[^a]", "aé", Some((1, 3)));
}

#[test]
fn groups_are_where_they_are() {
    let found = regex("\\(a*\\)\\(b\\)*", false).captures_at(b"xaabb", 1);
    assert_eq!(found, Some(vec![Some((1, 5)), Some((1, 3)), Some((4, 5))]));
    let found = regex("(a)|(b)", true).captures_at(b"b", 0);
    assert_eq!(found, Some(vec![Some((0, 1)), None, Some((0, 1))]));
}

#[test]
fn a_group_is_matched_again() {
    finds("(.)\\1", "abccd", Some((2, 4)));
    finds("^(.*)\\1$", "abab", Some((0, 4)));
    finds("(a)\\1", "ab", None);
}

#[test]
fn patterns_that_blow_up_elsewhere_end_soon() {
    let text = "a".repeat(20_000);
    assert!(!regex("(a*)*b", true).is_match(text.as_bytes()));
    assert_eq!(
        regex("(a|aa)+$", true).find_at(text.as_bytes(), 0),
        Some((0, 20_000))
    );
    assert_eq!(
        regex("(x+x+)+y|a$", true).find_at(text.as_bytes(), 0),
        Some((19_999, 20_000))
    );
    assert_eq!(
        regex("a*b|a$", true).find_at(text.as_bytes(), 0),
        Some((19_999, 20_000))
    );
    assert_eq!(
        regex("(a*)*\\1b", true).find_at(&text.as_bytes()[..200], 0),
        None
    );
}

#[test]
fn wrong_patterns_are_refused_in_the_c_librarys_words() {
    let error = |pattern: &str, extended: bool| {
        let syntax = Syntax {
            extended,
            ..Syntax::default()
        };
        Regex::new(pattern, syntax).map(|_| ()).unwrap_err()
    };
    assert_eq!(error("[a", false), "Unmatched [, [^, [:, [., or [=");
    assert_eq!(error("\\(a", false), "Unmatched ( or \\(");
    assert_eq!(error("a\\)", false), "Unmatched ) or \\)");
    assert_eq!(error("*a", true), "Invalid preceding regular expression");
    assert_eq!(error("a\\{1", false), "Unmatched \\{");
    assert_eq!(error("a{2,1}", true), "Invalid content of \\{\\}");
    assert_eq!(error("a\\", false), "Trailing backslash");
    assert_eq!(error("\\1", false), "Invalid back reference");
    assert_eq!(error("[b-a]", false), "Invalid range end");
    assert_eq!(error("[[:nope:]]", false), "Invalid character class name");
    assert_eq!(
        error("((a{255}){255}){255}", true),
        "Regular expression too big"
    );
}

#[test]
fn whole_words_and_whole_lines_can_be_asked_for() {
    let any = |around| Regex::any_of(&["a", "ab"], Syntax::default(), around).expect("right");
    assert_eq!(any(Around::NoWord).find_at(b"abc ab", 0), Some((4, 6)));
    assert!(any(Around::Nothing).is_match(b"ab") && !any(Around::Nothing).is_match(b"abc"));
}

#[test]
fn any_pattern_is_read_and_searched_with() {
    let corpus: [&[u8]; 6] = [
        b"a\\(b*\\)\\1",
        b"(a|b)+c{2,3}?",
        b"[[:alpha:]_-]*$",
        b"^\\<x\\>|[^]a-z]",
        "é[あ-ん]".as_bytes(),
        b"((((a*)*)*)*)*b",
    ];
    let words: [&[u8]; 10] = [
        b"\\(", b"\\)", b"*", b"{1,9}", b"[[:", b":]]", b"\\1", b"|", b"^", b"$",
    ];
    trial::fuzz(3000, &corpus, &words, |bytes| {
        let pattern = String::from_utf8_lossy(bytes);
        for extended in [false, true] {
            let syntax = Syntax {
                extended,
                fold: bytes.len() % 2 == 0,
                lines: bytes.len() % 3 == 0,
                literal: false,
                lenient: bytes.len() % 5 == 0,
            };
            let Ok(regex) = Regex::new(&pattern, syntax) else {
                continue;
            };
            for text in [&b"aabbcc abc\nx_1"[..], bytes, "éあ\u{10ffff}".as_bytes()] {
                let text = &text[..text.len().min(100)];
                let found = regex.captures_at(text, 0);
                assert_eq!(found.is_some(), regex.is_match(text), "{pattern:?}");
                if let Some(groups) = found {
                    let (start, end) = groups[0].expect("the whole match is there");
                    assert!(start <= end && end <= text.len());
                    if !regex.program.references {
                        let other = super::threads::leftmost(&regex.program, text, 0);
                        assert_eq!(other, Some((start, end)), "{pattern:?} {text:?}");
                    }
                }
            }
        }
    });
}
