//! Coverage for people, programs and pages. Never decides what counts.

use super::{Coverage, Row, State};
use std::collections::BTreeMap;
use std::fmt::Write as _;

impl Coverage {
    /// For people at a terminal: the sums, then what is missing, by the lesson that is to have it.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for unknown in &self.unknown {
            let by = unknown.by.join(", ");
            let _ = writeln!(
                text,
                "{by}  LAB070 error  no claim is called `{}`",
                unknown.id
            );
        }
        let mut missing: BTreeMap<String, Vec<&Row>> = BTreeMap::new();
        for row in self.claims.iter().filter(|row| row.state != State::Shown) {
            let lessons = if row.planned.is_empty() {
                "nowhere".to_owned()
            } else {
                row.planned.join(", ")
            };
            missing.entry(lessons).or_default().push(row);
        }
        for (lessons, rows) in &missing {
            let _ = writeln!(text, "{lessons}");
            for row in rows {
                let _ = writeln!(text, "  {:<5} {:<9} {}", row.id, word(row.state), row.text);
                Self::by(&mut text, row);
            }
        }
        let untyped: Vec<&Row> = self
            .commands
            .iter()
            .filter(|row| row.state != State::Shown)
            .collect();
        if !untyped.is_empty() {
            text.push_str("command lines\n");
        }
        for row in untyped {
            let line = row.text.replace('\n', "\n                  ");
            let _ = writeln!(text, "  {:<5} {:<9} {line}", row.id, word(row.state));
            Self::by(&mut text, row);
        }
        text.push_str(&self.sums());
        text
    }

    fn by(text: &mut String, row: &Row) {
        for by in &row.by {
            let _ = writeln!(text, "                  {by}");
        }
    }

    /// How many of how many.
    #[must_use]
    pub fn sums(&self) -> String {
        let shown = |rows: &[Row]| -> u32 {
            let shown = rows.iter().filter(|row| row.state == State::Shown);
            shown.map(|row| row.spellings).sum()
        };
        let all = |rows: &[Row]| -> u32 { rows.iter().map(|row| row.spellings).sum() };
        format!(
            "claims shown: {} of {}\ncommand lines typed: {} of {} ({} once spellings are set aside)\ncovered but not registered: {}\n",
            shown(&self.claims),
            all(&self.claims),
            shown(&self.commands),
            all(&self.commands),
            self.commands.len(),
            self.unknown.len(),
        )
    }

    /// For programs.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("texts and numbers");
        text.push('\n');
        text
    }

    /// As a page: one table of claims, one of command lines.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        let mut page = String::from("# Coverage\n\n");
        for line in self.sums().lines() {
            let _ = writeln!(page, "- {line}");
        }
        page.push_str("\n| Claim | Kind | Documents | Statement | State | Shown by |\n|---|---|---|---|---|---|\n");
        for row in &self.claims {
            Self::line(&mut page, row, &cell(&row.text));
        }
        page.push_str("\n| Line | Kind | Documents | Command | State | Typed in |\n|---|---|---|---|---|---|\n");
        for row in &self.commands {
            let text = format!("`` {} ``", cell(&row.text.replace('\n', " ⏎ ")));
            Self::line(&mut page, row, &text);
        }
        page
    }

    fn line(page: &mut String, row: &Row, text: &str) {
        let _ = writeln!(
            page,
            "| {} | {} | {} | {text} | {} | {} |",
            row.id,
            row.kind,
            row.seeds.join(", "),
            word(row.state),
            if row.by.is_empty() {
                row.planned.join(", ")
            } else {
                cell(&row.by.join(", "))
            },
        );
    }
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn word(state: State) -> &'static str {
    match state {
        State::Shown => "shown",
        State::Failed => "failed",
        State::Unplayed => "unplayed",
        State::Orphan => "orphan",
    }
}
