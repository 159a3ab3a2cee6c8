//! The report for people. Never uses colour: the marks carry the meaning.

use super::{Expectation, Failure, ItemReport, Outcome, QuizReport, Report, Status};
use crate::engine::span;
use crate::lab::{Lang, Text};
use clock::Instant;
use std::fmt::Write as _;

struct Printer {
    lang: Lang,
    prose: bool,
    source: String,
    out: String,
}

pub(super) fn text(report: &Report, lang: Lang, prose: bool) -> String {
    let mut printer = Printer {
        lang,
        prose,
        source: report.source.clone(),
        out: String::new(),
    };
    printer.line(0, report.title.get(lang));
    for (i, step) in report.steps.iter().enumerate() {
        printer.heading(i + 1, &step.title, step.began, &step.text);
        step.quiz
            .iter()
            .filter(|quiz| quiz.right.is_some())
            .for_each(|quiz| printer.quiz(quiz));
        step.items.iter().for_each(|item| printer.item(item));
        step.then.iter().for_each(|then| printer.expectation(then));
    }
    for (i, task) in report.tasks.iter().enumerate() {
        printer.heading(
            report.steps.len() + i + 1,
            &task.title,
            task.began,
            &task.text,
        );
        task.items.iter().for_each(|item| printer.item(item));
        task.checks
            .iter()
            .for_each(|check| printer.expectation(check));
    }
    printer.summary(report);
    printer.out
}

impl Printer {
    fn line(&mut self, depth: usize, text: &str) {
        if text.is_empty() {
            self.out.push('\n');
        } else {
            let _ = writeln!(self.out, "{}{text}", "  ".repeat(depth));
        }
    }

    fn block(&mut self, depth: usize, text: &str) {
        text.trim_end()
            .lines()
            .for_each(|line| self.line(depth, line));
    }

    fn say<'a>(&self, ja: &'a str, en: &'a str) -> &'a str {
        match self.lang {
            Lang::Ja => ja,
            Lang::En => en,
        }
    }

    fn heading(&mut self, number: usize, title: &Text, began: Option<Instant>, told: &Text) {
        self.line(0, "");
        let title = title.get(self.lang);
        match began {
            Some(began) => {
                let began = span(began.since_start());
                self.line(0, &format!("{number}. {title}  (t={began})"));
            }
            None => {
                let why = self.say("未実行", "not reached");
                self.line(0, &format!("{number}. {title}  ({why})"));
            }
        }
        if self.prose {
            let told = told.get(self.lang).to_owned();
            self.block(1, &told);
        }
    }

    fn quiz(&mut self, quiz: &QuizReport) {
        let mark = if quiz.right == Some(true) {
            '✓'
        } else {
            '✗'
        };
        let answer = quiz.answer.get(self.lang);
        self.line(
            1,
            &format!("{mark} ? {} → {answer}", quiz.prompt.get(self.lang)),
        );
        if let Some(why) = quiz.why.as_ref().filter(|_| self.prose) {
            self.line(3, why.get(self.lang));
        }
    }

    fn item(&mut self, item: &ItemReport) {
        let place = item
            .place
            .as_ref()
            .map(|place| format!("[{place}] "))
            .unwrap_or_default();
        let note = item
            .note
            .as_ref()
            .map(|note| format!("  — {}", note.get(self.lang)))
            .unwrap_or_default();
        self.line(
            1,
            &format!("{} {place}{}{note}", mark(&item.status), item.what),
        );
        if self.prose || item.status.is_failed() {
            let (stdout, stderr) = (item.stdout.clone(), item.stderr.clone());
            self.block(3, &stdout);
            self.block(3, &stderr);
        }
        self.detail(&item.status);
    }

    fn expectation(&mut self, then: &Expectation) {
        let points = then
            .points
            .map(|points| format!("  ({points})"))
            .unwrap_or_default();
        let title = then.title.get(self.lang);
        self.line(1, &format!("{} {title}{points}", mark(&then.status)));
        self.detail(&then.status);
    }

    fn detail(&mut self, status: &Status) {
        match status {
            Status::Failed(failure) => self.failure(failure),
            Status::NotReached(Some(why)) => self.line(3, why.get(self.lang)),
            Status::NotReached(None) | Status::Passed => {}
        }
    }

    fn failure(&mut self, failure: &Failure) {
        let (since, at) = (
            span(failure.since.since_start()),
            span(failure.at.since_start()),
        );
        let asked = format!(
            "{}: {}",
            self.say("期待", "asked"),
            failure.asked.get(self.lang)
        );
        let seen = match self.lang {
            Lang::Ja => format!("実際: {} (t={since}から、t={at}に判定)", failure.seen.ja),
            Lang::En => format!(
                "seen: {} (since t={since}, decided at t={at})",
                failure.seen.en
            ),
        };
        let place = format!(
            "{}: {}:{}:{}",
            self.say("場所", "where"),
            self.source,
            failure.pos.line,
            failure.pos.column
        );
        [asked, seen, place]
            .iter()
            .for_each(|line| self.block(3, line));
        for advice in &failure.advice {
            let hint = format!("{}: {}", self.say("ヒント", "hint"), advice.get(self.lang));
            self.block(3, &hint);
        }
    }

    fn summary(&mut self, report: &Report) {
        self.line(0, "");
        if let Some(trouble) = &report.trouble {
            self.line(0, &format!("✗ {}", trouble.get(self.lang)));
        }
        let words = match report.outcome {
            Outcome::Passed => self.say("すべて成り立ちました", "everything held"),
            Outcome::Failed => self.say("成り立たないことがありました", "not everything held"),
            Outcome::Invalid => self.say("レッスンを始められません", "the lesson cannot be run"),
            Outcome::Limit => self.say("制限に達しました", "a limit was hit"),
        };
        let (earned, all) = report.points();
        let points = if all > 0.0 {
            format!(", {earned}/{all} {}", self.say("点", "points"))
        } else {
            String::new()
        };
        let took = span(report.took);
        let time = if report.real_time {
            self.say("実時間", "real time")
        } else {
            self.say("仮想時間", "virtual time")
        };
        let mark = if report.outcome == Outcome::Passed {
            '✓'
        } else {
            '✗'
        };
        self.line(0, &format!("{mark} {words}{points} ({time} {took})"));
    }
}

fn mark(status: &Status) -> char {
    match status {
        Status::Passed => '✓',
        Status::Failed(_) => '✗',
        Status::NotReached(_) => '·',
    }
}
