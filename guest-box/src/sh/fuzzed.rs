//! Shell text made by mutation: reading, expanding and calculating neither panic nor hang, and a
//! command that is handed to another shell as text means the same there.
//!
//! Nothing is run: words with substitutions are only read.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::ast::{Command, Item, Kind, List, Operation, Part, Word};
use super::parse::{Aliases, Parser};
use super::state::Shell;
use super::{arith, pattern};

const CORPUS: [&[u8]; 8] = [
    include_bytes!("../../tests/cases/sh_quoting.txt"),
    include_bytes!("../../tests/cases/sh_parameters.txt"),
    include_bytes!("../../tests/cases/sh_arithmetic.txt"),
    include_bytes!("../../tests/cases/sh_control.txt"),
    b"if true; then echo $(cat <<E\nx $y\nE\n); elif ! a && b || c; then { d; } 2>&1 >f & fi\n",
    b"case $x in (a|b) echo \"${y:-$(z \"q\")}\";; *) f() ( g ); esac | while read a; do :; done\n",
    b"for i in 1 2 $((3+x[4])) `echo \\`a\\``; do [[ a && b ]]; done; x=~:~u/${z//a\\/b/c}\n",
    "cat <<-'E' <<F; \u{e9}\u{4e16}='a\nb'\n\tone\n\tE\n$two\nF\n".as_bytes(),
];

const DICTIONARY: [&[u8]; 24] = [
    b"$(",
    b"${",
    b"$((",
    b"))",
    b"`",
    b"\"",
    b"'",
    b"<<E\n",
    b"\nE\n",
    b"if ",
    b"then ",
    b"fi",
    b"do\n",
    b"done",
    b"case x in ",
    b"esac",
    b"{ ",
    b"; }",
    b"(",
    b")",
    b"\\\n",
    b"&&",
    b";;",
    b"a() ",
];

fn parse(text: &str) -> Vec<List> {
    let aliases: Aliases = Rc::new(BTreeMap::from([
        ("a".to_owned(), "b ".to_owned()),
        ("b".to_owned(), "a; c".to_owned()),
        ("c".to_owned(), "if".to_owned()),
    ]));
    let mut parser = Parser::new(text, &aliases, 1);
    let mut lists = Vec::new();
    while let Ok(Some(list)) = parser.next_line(&aliases) {
        lists.push(list);
    }
    lists
}

/// The tree without the places of its parts in the text.
fn shape(item: &Item) -> String {
    let mut out = String::new();
    let text = format!("{item:?}");
    let mut rest = text.as_str();
    while let Some(at) = rest.find("line: ") {
        out.push_str(&rest[..at]);
        rest = rest[at + 6..].trim_start_matches(|c: char| c.is_ascii_digit());
    }
    // The `&` behind a command is no part of it.
    (out + rest).replacen(
        "background: true, place: … }",
        "background: false, place: … }",
        99,
    )
}

#[test]
fn a_command_as_text_is_the_same_command() {
    trial::fuzz(1500, &CORPUS, &DICTIONARY, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        for item in parse(&text).iter().flat_map(|list| &list.0) {
            let printed = item.place.text();
            let aliases = Aliases::default();
            let mut parser = Parser::new(&printed, &aliases, 1);
            let again = parser.next_line(&aliases);
            let Ok(Some(again)) = again else {
                panic!("{printed:?} is no longer read: {again:?}");
            };
            assert_eq!(shape(&again.0[0]), shape(item), "{printed:?}");
        }
    });
}

fn words(list: &List, found: &mut Vec<Word>) {
    let pipelines = list.0.iter().flat_map(|item| {
        let rest = item.rest.iter().map(|(_, pipeline)| pipeline);
        std::iter::once(&item.first).chain(rest)
    });
    for command in pipelines.flat_map(|pipeline| &pipeline.commands) {
        of_command(command, found);
    }
}

fn of_command(command: &Command, found: &mut Vec<Word>) {
    match &command.kind {
        Kind::Simple {
            assignments,
            words: all,
        } => {
            found.extend(assignments.iter().map(|(_, word)| word.clone()));
            found.extend(all.iter().cloned());
        }
        Kind::Group(list) | Kind::Subshell(list) => words(list, found),
        Kind::Case { word, .. } => found.push(word.clone()),
        _ => {}
    }
}

/// Whether expanding it would run something.
fn runs(parts: &[Part]) -> bool {
    parts.iter().any(|part| match part {
        Part::Substitution(_) => true,
        Part::Double(inner) => runs(inner),
        Part::Arithmetic(word) => runs(&word.0),
        Part::Parameter(parameter) => match &parameter.operation {
            Operation::Plain | Operation::Length => false,
            Operation::Default(_, word)
            | Operation::Assign(_, word)
            | Operation::Complain(_, word)
            | Operation::Alternative(_, word)
            | Operation::TrimStart(_, word)
            | Operation::TrimEnd(_, word) => runs(&word.0),
            Operation::Replace(_, one, two) => runs(&one.0) || runs(&two.0),
            Operation::Slice(one, two) => {
                runs(&one.0) || two.as_ref().is_some_and(|two| runs(&two.0))
            }
        },
        _ => false,
    })
}

#[test]
fn words_are_expanded_whatever_they_say() {
    let mut shell = Shell::new("sh".into());
    shell.fds[2] = None;
    shell.options.noglob = true;
    shell.params = Rc::new(vec!["one two".into(), String::new(), "*".into()]);
    trial::fuzz(1500, &CORPUS, &DICTIONARY, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let mut found = Vec::new();
        for list in parse(&text) {
            words(&list, &mut found);
        }
        for word in found.iter().filter(|word| !runs(&word.0)) {
            // Mistakes are told on a standard error that is closed.
            let _ = shell.expand_words(std::slice::from_ref(word));
        }
    });
}

impl arith::Variables for BTreeMap<String, i64> {
    fn get(&mut self, name: &str) -> Result<String, String> {
        let value = Self::get(self, name);
        Ok(value.map_or_else(|| "a+1".into(), i64::to_string))
    }

    fn set(&mut self, name: &str, value: i64) -> Result<(), String> {
        self.insert(name.to_owned(), value);
        Ok(())
    }
}

#[test]
fn any_expression_is_a_number_or_a_mistake() {
    let corpus: [&[u8]; 4] = [
        b"1+2*(3-x)%4<<5>>y&6|7^~8",
        b"x=y+=z-=1,a?b:c,!d&&e||f",
        b"x++ + --y ** 2 ** 3",
        b"0x1f+017+16#ff-9223372036854775808/-1",
    ];
    let dictionary: [&[u8]; 6] = [b"(", b")", b"**", b"<<=", b"?", b"x"];
    trial::fuzz(20_000, &corpus, &dictionary, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let _ = arith::evaluate(&text, &mut BTreeMap::new());
    });
}

#[test]
fn any_pattern_matches_or_does_not() {
    let corpus: [&[u8]; 3] = [b"a*b?[c-e]\\*[![:alpha:]]", b"[]x-]**?*[^a]", b"*a*a*a*a*b"];
    let dictionary: [&[u8]; 4] = [b"[", b"]", b"[:digit:]", b"*"];
    trial::fuzz(20_000, &corpus, &dictionary, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let (pattern, name) = text.split_at(
            text.len() / 2
                - (0..4)
                    .find(|back| text.is_char_boundary((text.len() / 2).saturating_sub(*back)))
                    .unwrap_or(0)
                    .min(text.len() / 2),
        );
        pattern::matches(pattern, name);
    });
}
