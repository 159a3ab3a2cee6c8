//! `lab explain`: what a rule of `lab lint` is about. Never looks at a lesson.

use crate::cli::{Explain, spoken};
use anyhow::{Result, bail};
use lesson::{RULES, Rule};
use std::process::ExitCode;

/// Prints a rule, the list of all, or the page of all.
pub(crate) fn explain(typed: &Explain) -> Result<ExitCode> {
    let lang = spoken(typed.lang);
    if typed.page {
        anstream::print!("{}", lesson::rules_page());
        return Ok(ExitCode::SUCCESS);
    }
    let Some(code) = &typed.code else {
        for rule in RULES {
            anstream::println!("{}  {}", rule.code, rule.title(lang));
        }
        return Ok(ExitCode::SUCCESS);
    };
    let Some(rule) = Rule::find(code) else {
        bail!("no rule {code:?}\n\nhint: `lab explain` lists them");
    };
    anstream::print!("{}", rule.card(lang));
    Ok(ExitCode::SUCCESS)
}
