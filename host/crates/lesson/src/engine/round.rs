//! What must hold, looked at side by side, and what the learner is asked. Never carries out
//! items.

use super::judge::text;
use super::script::{self, Group};
use super::watch::{Heard, Verdict, Watch};
use super::{Engine, Now};
use crate::action::{Action, Show};
use crate::lab::{Assertion, Text};
use crate::report::Status;
use serde_json::Value;

impl Engine {
    // Quizzes.

    pub(super) fn quiz(&mut self, i: usize, j: usize) {
        self.desk.send(Action::Show(Show::Quiz(i, j)));
        self.book.quiz_asked(i, j, &self.facts.captures);
        if self.options.guided {
            self.asked = Some((i, j));
            self.now = Now::Learner;
        } else {
            // Headless, the key answers: what is proved is that there is one.
            self.facts
                .answers
                .insert(self.lab.steps[i].quiz[j].id.clone(), true);
            self.book.quiz_answered(i, j, true);
        }
    }

    pub(super) fn answered(&mut self, quiz: &str, answer: &[String]) {
        let Some((i, j)) = self
            .asked
            .filter(|(i, j)| self.lab.steps[*i].quiz[*j].id == quiz)
        else {
            return;
        };
        let right = script::is_right(&self.lab.steps[i].quiz[j], answer, &self.facts.captures);
        self.facts.answers.insert(quiz.to_owned(), right);
        self.book.quiz_answered(i, j, right);
        self.asked = None;
        if matches!(self.now, Now::Learner) {
            self.now = Now::Free;
        }
    }

    /// Answers to quizzes came in a file; what it does not answer is not answered.
    pub(super) fn answers_handed_in(&mut self, content: &str) {
        let documents = crate::yaml::parse_documents(content).unwrap_or_default();
        let word = |value: &Value| {
            let text = value.as_str().map(str::to_owned);
            text.unwrap_or_else(|| value.to_string())
        };
        for quiz in self.lab.steps.iter().flat_map(|step| &step.quiz) {
            let given = documents.iter().find_map(|answers| answers.get(&quiz.id));
            let Some(given) = given else { continue };
            let answer: Vec<String> = match given {
                Value::Array(items) => items.iter().map(word).collect(),
                one => vec![word(one)],
            };
            let right = script::is_right(quiz, &answer, &self.facts.captures);
            self.facts.answers.insert(quiz.id.clone(), right);
        }
    }

    // Assertions.

    pub(super) fn watch(&mut self, group: Group) {
        let within = self.lab.defaults.within;
        let watches = script::assertions(&self.lab, group)
            .map(|assertion| Watch::new(assertion, within, self.at));
        let mut watches: Vec<Watch> = watches.collect();
        for (watch, assertion) in watches.iter_mut().zip(script::assertions(&self.lab, group)) {
            if let Some(why) = self.options.left_out.get(&assertion.at) {
                watch.not_reached(why.clone());
            }
        }
        if let Group::Step(i) = group {
            (0..watches.len()).for_each(|n| self.desk.send(Action::Show(Show::Watching(i, n))));
        }
        self.now = Now::Watching { group, watches };
    }

    pub(super) fn hear(&mut self, heard: &Heard<'_>) {
        let Now::Watching { watches, .. } = &mut self.now else {
            return;
        };
        watches
            .iter_mut()
            .for_each(|watch| watch.hear(&self.facts, self.at, heard, &mut self.desk));
    }

    /// Opens what can be opened; whether all were decided and the next stage may begin.
    pub(super) fn look_round(&mut self) -> bool {
        let Now::Watching { group, mut watches } = std::mem::replace(&mut self.now, Now::Free)
        else {
            return true;
        };
        loop {
            for watch in &watches {
                if let Some(Verdict::Held(captures)) = watch.verdict() {
                    self.facts.captures.extend(captures.clone());
                }
            }
            let Some(next) = self.next_to_open(&watches) else {
                break;
            };
            match next {
                (n, None) => {
                    watches[n].open(&self.facts, self.at, &mut self.desk);
                }
                (n, Some(why)) => watches[n].not_reached(why),
            }
        }
        if watches.iter().any(|watch| watch.verdict().is_none()) {
            self.now = Now::Watching { group, watches };
            return false;
        }
        self.book_watches(group, &watches);
        let fails = |(assertion, watch): (&Assertion, &Watch)| {
            !self.options.left_out.contains_key(&assertion.at)
                && !matches!(watch.verdict(), Some(Verdict::Held(_)))
        };
        if script::assertions(&self.lab, group)
            .zip(&watches)
            .any(fails)
        {
            self.failed();
        }
        true
    }

    /// The next watch to open, or to give up with a reason.
    pub(super) fn next_to_open(&self, watches: &[Watch]) -> Option<(usize, Option<Text>)> {
        let of = |id: &String| watches.iter().find(|watch| watch.id() == Some(id));
        let open = watches
            .iter()
            .any(|watch| !watch.is_waiting() && watch.verdict().is_none());
        let mut stuck = None;
        for (n, watch) in watches
            .iter()
            .enumerate()
            .filter(|(_, watch)| watch.is_waiting())
        {
            let needs: Vec<&Watch> = watch.needs().iter().filter_map(of).collect();
            let failed = needs.iter().find(|need| {
                need.verdict()
                    .is_some_and(|v| !matches!(v, Verdict::Held(_)))
            });
            if let Some(need) = failed {
                let id = need.id().unwrap_or_default();
                return Some((
                    n,
                    Some(text(format!("{id} が先に必要です"), format!("needs {id}"))),
                ));
            }
            if needs.iter().any(|need| need.verdict().is_none()) {
                continue;
            }
            match watch.missing(&self.facts.captures) {
                None => return Some((n, None)),
                Some(name) => {
                    let why = text(
                        format!("`{name}` はまだ捕まえていません"),
                        format!("nothing captured `{name}`"),
                    );
                    stuck = stuck.or(Some((n, Some(why))));
                }
            }
        }
        // Somebody still open may capture what is missing.
        stuck.filter(|_| !open)
    }

    pub(super) fn book_watches(&mut self, group: Group, watches: &[Watch]) {
        for (n, watch) in watches.iter().enumerate() {
            let status = match watch.verdict() {
                Some(Verdict::Held(_)) => Status::Passed,
                Some(Verdict::Failed(failure)) => Status::Failed(failure.clone()),
                Some(Verdict::NotReached(why)) => Status::NotReached(Some(why.clone())),
                None => Status::NotReached(None),
            };
            if let Group::Step(i) = group {
                self.desk
                    .send(Action::Show(Show::Decided(i, n, status.is_passed())));
            }
            self.book.decided(
                group,
                n,
                watch.decided_at(),
                (status, watch.share()),
                &self.facts.captures,
            );
        }
    }
}
