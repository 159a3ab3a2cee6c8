//! `--help`, from the table of options.

use super::table::{Does, OPTIONS, Opt, Takes};

/// The categories of help, with their words.
const CATEGORIES: &[(&str, &str)] = &[
    ("auth", "Different types of authentication methods"),
    ("connection", "Low level networking operations"),
    ("curl", "The command line tool itself"),
    ("dns", "General DNS options"),
    ("http", "HTTP and HTTPS protocol options"),
    ("output", "Filesystem output"),
    ("post", "HTTP Post specific options"),
    ("proxy", "All options related to proxies"),
    ("tls", "All TLS/SSL related options"),
    ("upload", "All options for uploads"),
    (
        "verbose",
        "Options related to any kind of command line output of curl",
    ),
];

/// The text of `--help`, or of `--help CATEGORY`.
pub(crate) fn help(category: Option<&str>) -> String {
    let usage = "Usage: curl [options...] <url>\n";
    match category {
        None => format!(
            "{usage}{}\nThis is not the full help, this menu is stripped into categories.\n\
             Use \"--help category\" to get an overview of all categories.\n\
             For all options use the manual or \"--help all\".\n",
            list(|categories| categories.contains(&"important"))
        ),
        Some("all") => {
            let refused: Vec<String> = OPTIONS
                .iter()
                .filter(|opt| opt.does == Does::Refused)
                .map(|opt| format!("--{}", opt.name))
                .collect();
            format!(
                "{usage}{}\nNot in this lab: {}\n",
                list(|_| true),
                refused.join(" ")
            )
        }
        Some("category") => usage.to_owned() + &categories(),
        Some(name) => match CATEGORIES.iter().find(|(known, _)| *known == name) {
            Some((known, words)) => format!(
                "{usage}{known}: {words}\n{}",
                list(|categories| categories.contains(known))
            ),
            None => {
                format!(
                    "{usage}Invalid category provided, here is a list of all categories:\n\n{}",
                    categories()
                )
            }
        },
    }
}

fn categories() -> String {
    CATEGORIES
        .iter()
        .map(|(name, words)| format!(" {name:<11} {words}\n"))
        .collect()
}

fn list(wanted: impl Fn(&[&str]) -> bool) -> String {
    let rows: Vec<(String, &str)> = OPTIONS.iter().filter_map(|opt| row(opt, &wanted)).collect();
    let width = rows.iter().map(|(left, _)| left.len()).max().unwrap_or(0);
    rows.iter()
        .map(|(left, words)| format!("{left:<width$} {words}\n"))
        .collect()
}

fn row(opt: &'static Opt, wanted: &impl Fn(&[&str]) -> bool) -> Option<(String, &'static str)> {
    let Does::Works {
        value,
        categories,
        words,
    } = opt.does
    else {
        return None;
    };
    let categories: Vec<&str> = categories.split(' ').collect();
    if !wanted(&categories) {
        return None;
    }
    let letter = match opt.letter {
        ' ' => "    ".to_owned(),
        letter => format!("-{letter}, "),
    };
    let no = if opt.takes == Takes::No { "no-" } else { "" };
    let left = format!(" {letter}--{no}{} {value}", opt.name);
    Some((left.trim_end().to_owned(), words))
}
