//! The rules as a page and as a card: `docs/lint.md`, `lab explain`. Never read back.

use super::rules::{RULES, Rule, Slot};
use crate::Lang;
use crate::finding::Severity;
use std::fmt::Write as _;

impl Rule {
    /// What `lab explain` prints.
    #[must_use]
    pub fn card(&self, lang: Lang) -> String {
        let (severity, fix, bad, good) = match (lang, self.severity) {
            (Lang::Ja, Severity::Error) => {
                ("誤り", "`lab lint --fix` で直せます。", "悪い例", "良い例")
            }
            (Lang::Ja, Severity::Warning) => {
                ("警告", "`lab lint --fix` で直せます。", "悪い例", "良い例")
            }
            (Lang::En, Severity::Error) => ("error", "`lab lint --fix` mends it.", "bad", "good"),
            (Lang::En, Severity::Warning) => {
                ("warning", "`lab lint --fix` mends it.", "bad", "good")
            }
        };
        let mut card = format!(
            "{}  {severity}  {}\n\n{}\n",
            self.code,
            self.title(lang),
            self.why(lang)
        );
        if self.fixes {
            let _ = writeln!(card, "{fix}");
        }
        if self.slot != Slot::Nowhere {
            for (name, text) in [(bad, self.bad), (good, self.good)] {
                let _ = write!(card, "\n{name}:\n{}", indented(text));
            }
        }
        card
    }
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}\n")).collect()
}

/// The page of all rules, in both languages.
#[must_use]
pub fn rules_page() -> String {
    let mut page = String::from(
        "# Lint rules / lintの規則\n\n\
         Made from the table in `host/crates/lesson/src/lint/rules.rs` by `lab explain --page`; do not edit.\n\
         `host/crates/lesson/src/lint/rules.rs` の表から作ったページです。直接は書き換えません。\n\n\
         | Code | Severity | Rule | 規則 | `--fix` |\n|---|---|---|---|---|\n",
    );
    for rule in RULES {
        let severity = match rule.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let code = rule.code;
        let fix = if rule.fixes { "yes" } else { "" };
        let _ = writeln!(
            page,
            "| [{code}](#{}) | {severity} | {} | {} | {fix} |",
            code.to_lowercase(),
            rule.en,
            rule.ja
        );
    }
    for rule in RULES {
        let _ = write!(
            page,
            "\n## {}\n\n{}  \n{}\n",
            rule.code, rule.why_en, rule.why_ja
        );
        if rule.slot != Slot::Nowhere {
            let _ = write!(
                page,
                "\n```yaml\n# bad\n{}\n# good\n{}\n```\n",
                rule.bad, rule.good
            );
        }
    }
    page
}
