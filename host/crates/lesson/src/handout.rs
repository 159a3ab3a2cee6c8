//! A lesson on paper: what is told, the commands with the output of a played run, questions,
//! tasks. Never plays a lesson; answers stand at the end, solutions only where the lesson shows
//! them.

use crate::lab::{ItemKind, Lab, Lang, Quiz, QuizKind, Step, Text};
use crate::report::{Expectation, ItemReport, Report, StepReport, TaskReport};
use pulldown_cmark::{Event, Options, Parser, html};
use std::fmt::Write as _;

/// Words of the handout itself.
struct Words {
    goals: &'static str,
    question: &'static str,
    guess: &'static str,
    holds: &'static str,
    erratum: &'static str,
    task: &'static str,
    checks: &'static str,
    points: &'static str,
    hints: &'static str,
    answers: &'static str,
    minutes: &'static str,
}

fn words(lang: Lang) -> Words {
    match lang {
        Lang::Ja => Words {
            goals: "できるようになること",
            question: "問い",
            guess: "予想",
            holds: "確かめること",
            erratum: "資料の訂正",
            task: "提出するファイル",
            checks: "確認",
            points: "点",
            hints: "ヒント",
            answers: "問いの答え",
            minutes: "分",
        },
        Lang::En => Words {
            goals: "What you will be able to do",
            question: "Question",
            guess: "Guess",
            holds: "What is checked",
            erratum: "Correction of the document",
            task: "To hand in",
            checks: "Checks",
            points: "points",
            hints: "Hints",
            answers: "Answers to the questions",
            minutes: "minutes",
        },
    }
}

/// A lesson as Markdown in one language, by the report of a run.
#[must_use]
pub fn handout_markdown(lab: &Lab, report: &Report, lang: Lang) -> String {
    let mut page = Page {
        words: words(lang),
        lang,
        text: String::new(),
        answers: String::new(),
    };
    page.head(lab);
    for (step, went) in lab.steps.iter().zip(&report.steps) {
        page.step(step, went);
    }
    for (task, went) in lab.tasks.iter().zip(&report.tasks) {
        page.task(task, went);
    }
    if !page.answers.is_empty() {
        let title = page.words.answers;
        let answers = std::mem::take(&mut page.answers);
        page.line(&format!("## {title}\n"));
        page.line(&answers);
    }
    while page.text.ends_with("\n\n") {
        page.text.pop();
    }
    page.text
}

struct Page {
    words: Words,
    lang: Lang,
    text: String,
    answers: String,
}

impl Page {
    fn line(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push('\n');
    }

    fn prose(&mut self, text: &Text) {
        let text = text.get(self.lang).trim().to_owned();
        self.line(&format!("{text}\n"));
    }

    fn head(&mut self, lab: &Lab) {
        let about = &lab.metadata;
        self.line(&format!("# {}\n", about.title.get(self.lang)));
        if let Some(summary) = &about.summary {
            self.prose(summary);
        }
        if let Some(minutes) = about.minutes {
            self.line(&format!("*{minutes} {}*\n", self.words.minutes));
        }
        if !about.objectives.is_empty() {
            self.line(&format!("**{}**\n", self.words.goals));
            for goal in &about.objectives {
                self.line(&format!("- {}", goal.get(self.lang)));
            }
            self.line("");
        }
    }

    fn step(&mut self, step: &Step, went: &StepReport) {
        self.line(&format!("## {}\n", went.title.get(self.lang)));
        self.prose(&went.text);
        let guess = |quiz: &&Quiz| quiz.kind == QuizKind::Predict;
        for quiz in step.quiz.iter().filter(guess) {
            self.quiz(quiz, went);
        }
        for (item, report) in step.items.iter().zip(&went.items) {
            if let Some(note) = &report.note {
                self.line(&format!("*{}*\n", note.get(self.lang).trim()));
            }
            self.item(&item.what, report);
        }
        self.expectations(&went.then);
        for erratum in &step.errata {
            let (title, text) = (self.words.erratum, erratum.get(self.lang).trim());
            self.line(&format!("> **{title}** {text}\n"));
        }
        for quiz in step.quiz.iter().filter(|quiz| !guess(quiz)) {
            self.quiz(quiz, went);
        }
    }

    /// What was typed and what came back; what a learner does not type has no prompt.
    fn item(&mut self, what: &ItemKind, report: &ItemReport) {
        if let ItemKind::Open { .. } | ItemKind::Write { .. } = what {
            self.line(&format!("`{}`\n", report.what));
            return;
        }
        let place = report
            .place
            .as_deref()
            .filter(|place| *place != "workstation");
        let place = place.map_or_else(String::new, |place| format!("# {place}\n"));
        let output = format!("{}{}", report.stdout, report.stderr);
        let block = format!("{place}{}\n{}", report.what, output.trim_end());
        self.fenced("console", block.trim_end());
    }

    fn fenced(&mut self, language: &str, text: &str) {
        let mut fence = String::from("```");
        while text.contains(&fence) {
            fence.push('`');
        }
        self.line(&format!("{fence}{language}\n{text}\n{fence}\n"));
    }

    fn expectations(&mut self, then: &[Expectation]) {
        let titled: Vec<&Expectation> = then
            .iter()
            .filter(|then| !then.title.get(self.lang).is_empty())
            .collect();
        if titled.is_empty() {
            return;
        }
        self.line(&format!("**{}**\n", self.words.holds));
        for then in titled {
            self.line(&format!("- [ ] {}", then.title.get(self.lang)));
        }
        self.line("");
    }

    fn quiz(&mut self, quiz: &Quiz, went: &StepReport) {
        let title = match quiz.kind {
            QuizKind::Predict => self.words.guess,
            _ => self.words.question,
        };
        let prompt = quiz.prompt.get(self.lang).trim();
        self.line(&format!("**{title}** {prompt}\n"));
        // What is put in order is written in the right one.
        let mut choices: Vec<&str> = quiz
            .choices
            .iter()
            .map(|choice| choice.text.get(self.lang))
            .collect();
        if quiz.kind == QuizKind::Order {
            choices.sort_unstable();
        }
        for choice in choices {
            self.line(&format!("- [ ] {choice}"));
        }
        self.line("");
        if let Some(report) = went.quiz.iter().find(|report| report.id == quiz.id) {
            let why = report
                .why
                .as_ref()
                .map_or("", |why| why.get(self.lang).trim());
            let answer = report.answer.get(self.lang);
            let _ = writeln!(self.answers, "- {prompt} **{answer}** {why}");
        }
    }

    fn task(&mut self, task: &crate::lab::Task, went: &TaskReport) {
        self.line(&format!("## {}\n", went.title.get(self.lang)));
        self.prose(&went.text);
        if !task.submit.is_empty() {
            let paths: Vec<String> = task
                .submit
                .iter()
                .map(|file| format!("`{}`", file.path))
                .collect();
            self.line(&format!("**{}** {}\n", self.words.task, paths.join(", ")));
        }
        self.line(&format!("**{}**\n", self.words.checks));
        for check in &went.checks {
            let points = check.points.unwrap_or_default();
            let line = format!(
                "- [ ] {} ({points} {})",
                check.title.get(self.lang),
                self.words.points
            );
            self.line(&line);
        }
        self.line("");
        if !task.hints.is_empty() {
            self.line(&format!("**{}**\n", self.words.hints));
            for hint in &task.hints {
                self.line(&format!(
                    "1. {}",
                    hint.text.get(self.lang).trim().replace('\n', " ")
                ));
            }
            self.line("");
        }
    }
}

/// Handouts as one page of HTML that needs nothing else: each with its language, one after
/// another, with styles for paper.
#[must_use]
pub fn handout_html(title: &str, parts: &[(Lang, String)]) -> String {
    let first = parts.first().map_or(Lang::En, |(lang, _)| *lang);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n",
        code(first),
        escape(title)
    );
    for (lang, text) in parts {
        let _ = writeln!(
            page,
            "<main lang=\"{}\">\n{}</main>",
            code(*lang),
            body(text)
        );
    }
    page.push_str("</body>\n</html>\n");
    page
}

fn code(lang: Lang) -> &'static str {
    match lang {
        Lang::Ja => "ja",
        Lang::En => "en",
    }
}

/// Markdown as HTML in which nothing of the text is a tag, and no address runs a script.
fn body(text: &str) -> String {
    let options = Options::ENABLE_TABLES | Options::ENABLE_TASKLISTS;
    let events = Parser::new_ext(text, options).map(|event| match event {
        Event::Html(html) | Event::InlineHtml(html) => Event::Text(html),
        Event::Start(tag) => Event::Start(tamed(tag)),
        other => other,
    });
    let mut body = String::new();
    html::push_html(&mut body, events);
    body
}

/// A link or image leads to a page, a file beside this one or a place in it.
fn tamed(tag: pulldown_cmark::Tag<'_>) -> pulldown_cmark::Tag<'_> {
    use pulldown_cmark::Tag;
    let safe = |url: &str| {
        let scheme = url.split_once(':').map(|(scheme, _)| scheme.to_lowercase());
        scheme.is_none_or(|scheme| ["http", "https"].contains(&scheme.as_str()))
    };
    match tag {
        Tag::Link {
            link_type,
            dest_url,
            title,
            id,
        } if !safe(&dest_url) => Tag::Link {
            link_type,
            dest_url: "#".into(),
            title,
            id,
        },
        Tag::Image {
            link_type,
            dest_url,
            title,
            id,
        } if !safe(&dest_url) => Tag::Image {
            link_type,
            dest_url: "#".into(),
            title,
            id,
        },
        other => other,
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

const STYLE: &str = "\
:root { color-scheme: light; }
body { font: 16px/1.7 system-ui, 'Noto Sans', 'Noto Sans JP', sans-serif; margin: 0 auto; max-width: 46rem; padding: 1.5rem; color: #1a1a1a; background: #fff; }
h1 { font-size: 1.7rem; line-height: 1.3; }
h2 { font-size: 1.25rem; margin-top: 2.2rem; border-bottom: 1px solid #bbb; break-after: avoid; }
pre { background: #f4f4f4; border: 1px solid #ddd; border-radius: 4px; padding: .7rem; overflow-x: auto; font-size: .82rem; line-height: 1.45; break-inside: avoid; }
code { font-family: ui-monospace, 'DejaVu Sans Mono', monospace; }
blockquote { border-left: 3px solid #888; margin-left: 0; padding-left: 1rem; break-inside: avoid; }
ul:has(input) { list-style: none; padding-left: .5rem; }
main + main { break-before: page; border-top: 3px double #888; margin-top: 3rem; }
@page { size: A4; margin: 18mm 16mm; }
@media print {
  body { max-width: none; padding: 0; font-size: 10.5pt; }
  pre { white-space: pre-wrap; overflow-wrap: anywhere; }
  a { color: inherit; text-decoration: none; }
}
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_the_prose_becomes_a_tag_or_a_script() {
        let page = handout_html(
            "a < b",
            &[(
                Lang::En,
                "# x\n\n<script>alert(1)</script>\n\n[go](javascript:alert(1)) ![p](data:x)\n"
                    .into(),
            )],
        );
        assert!(
            !page.contains("<script") && !page.contains("javascript:") && !page.contains("data:")
        );
        assert!(page.contains("&lt;script&gt;") && page.contains("<title>a &lt; b</title>"));
    }
}
