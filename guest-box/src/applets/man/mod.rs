//! `man`: a short page for every program of the lab, in English or Japanese.
//!
//! A page of an applet is made of its definition, so that it cannot tell of an option that is not
//! there; `words.rs` has what the definitions lack. Never formats a page of anybody else's.

mod words;

use super::{Applet, Flag, Io, Outcome, all, flag, value};
use std::io::Write;

pub(super) const APPLETS: &[Applet] = &[Applet {
    name: "man",
    operands: "NAME...",
    help: "Show what a program of the lab does",
    flags: &[
        value(
            'L',
            "",
            "LANG",
            "Language: en or ja; the environment's otherwise",
        ),
        flag(
            'k',
            "",
            "List the pages whose name or first line has this word",
        ),
    ],
    run,
}];

/// The exit code when there is no such page, as man-db has it.
const NO_ENTRY: i32 = 16;

/// The language of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Language {
    English,
    Japanese,
}

/// What a page is made of.
struct Page {
    name: &'static str,
    usage: String,
    english: &'static str,
    japanese: &'static str,
    flags: &'static [Flag],
    more: &'static str,
}

fn run(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let language = language(parsed.value('L'));
    if parsed.rest.is_empty() {
        writeln!(
            io.out,
            "What manual page do you want?\nFor example, try 'man man'."
        )?;
        return Ok(1);
    }
    let mut status = 0;
    for name in &parsed.rest {
        if parsed.has('k') {
            status = status.max(list(io, name, language)?);
            continue;
        }
        match pages().into_iter().find(|page| page.name == name) {
            Some(page) => io.out.write_all(page.text(language).as_bytes())?,
            None => {
                writeln!(io.err, "No manual entry for {name}")?;
                status = NO_ENTRY;
            }
        }
    }
    Ok(status)
}

fn list(io: &mut Io<'_>, word: &str, language: Language) -> Result<i32, std::io::Error> {
    let mut found = false;
    for page in pages() {
        let line = page.line(language);
        if page.name.contains(word) || line.to_lowercase().contains(&word.to_lowercase()) {
            writeln!(io.out, "{} - {line}", page.name)?;
            found = true;
        }
    }
    if found {
        return Ok(0);
    }
    writeln!(io.err, "{word}: nothing appropriate.")?;
    Ok(NO_ENTRY)
}

fn language(asked: Option<&str>) -> Language {
    let variables = ["LC_ALL", "LC_MESSAGES", "LANG"];
    let set = variables
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    let wanted = asked.map(str::to_owned).or(set).unwrap_or_default();
    if wanted.starts_with("ja") {
        Language::Japanese
    } else {
        Language::English
    }
}

/// Every page, by name.
fn pages() -> Vec<Page> {
    let applets = all().map(|applet| Page {
        name: applet.name,
        usage: applet.operands.to_owned(),
        english: applet.help.lines().next().unwrap_or_default(),
        japanese: words::japanese(applet.name),
        flags: applet.flags,
        more: "",
    });
    let others = words::PROGRAMS.iter().map(|program| Page {
        name: program.name,
        usage: program.usage.to_owned(),
        english: program.english,
        japanese: program.japanese,
        flags: &[],
        more: program.more,
    });
    let mut pages: Vec<Page> = applets.chain(others).collect();
    pages.sort_by_key(|page| page.name);
    pages
}

impl Page {
    fn line(&self, language: Language) -> &'static str {
        match language {
            Language::English => self.english,
            Language::Japanese => self.japanese,
        }
    }

    fn text(&self, language: Language) -> String {
        let [name, usage, options, more] = match language {
            Language::English => ["NAME", "SYNOPSIS", "OPTIONS", "SEE ALSO"],
            Language::Japanese => ["名前", "書式", "オプション", "関連項目"],
        };
        let mut text = format!("{name}\n    {} - {}\n\n", self.name, self.line(language));
        let brackets = if self.flags.is_empty() {
            ""
        } else {
            " [OPTIONS]"
        };
        text.push_str(&format!(
            "{usage}\n    {}{brackets} {}\n",
            self.name, self.usage
        ));
        if !self.flags.is_empty() {
            text.push_str(&format!("\n{options}\n"));
        }
        for flag in self.flags {
            let gap = if flag.value.is_empty() { "" } else { " " };
            let head = format!("{}{gap}{}", super::dashed(flag), flag.value);
            text.push_str(&format!("    {head:<14} {}\n", flag.help));
        }
        if !self.more.is_empty() {
            text.push_str(&format!("\n{more}\n    {}\n", self.more));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_has_a_line_in_both_languages() {
        for page in pages() {
            assert!(
                !page.english.is_empty(),
                "{} has no English line",
                page.name
            );
            assert!(
                !page.japanese.is_empty(),
                "{} has no Japanese line",
                page.name
            );
            assert!(
                !page.japanese.is_ascii(),
                "{} is not in Japanese",
                page.name
            );
        }
    }

    #[test]
    fn no_line_is_left_of_an_applet_that_is_gone() {
        for name in words::names() {
            assert!(
                all().any(|applet| applet.name == name),
                "there is no {name}"
            );
        }
    }

    #[test]
    fn a_page_tells_of_the_options_that_the_applet_has() {
        let pages = pages();
        let page = pages
            .iter()
            .find(|page| page.name == "wc")
            .expect("there is one");
        assert!(page.text(Language::English).contains("    -l             "));
        assert!(page.text(Language::Japanese).starts_with("名前\n    wc - "));
    }
}
