//! What the learner does, carried out one thing after another. Never looks at assertions.

use super::judge::{self, Ended, Judgement, Truth, Wanted, text};
use super::{Attempt, Engine, Line, Now, span};
use crate::action::{Action, ActionId, Probe, ProbeOutcome, RunOrder, Show};
use crate::lab::{FaultSpec, ItemKind, PatchOp, Pos, Run, Text};
use crate::place::Place;
use crate::report::{Failure, Outcome, Status};
use crate::template::{fill, fill_known};
use clock::Duration;
use std::sync::Arc;

/// How long a browser waits for a page.
const PAGE: Duration = Duration::from_secs(60);

impl Engine {
    // Orders.

    pub(super) fn order(
        &mut self,
        line: Option<Line>,
        pos: Pos,
        what: String,
        make: impl FnOnce(ActionId) -> Action,
    ) {
        self.book.item_begins(line, &what, self.at);
        let id = self.desk.order(make);
        self.now = Now::Order {
            id,
            line,
            pos,
            what,
        };
    }

    pub(super) fn write(
        &mut self,
        line: Option<Line>,
        path: &str,
        content: String,
        append: bool,
        readonly: bool,
    ) {
        let pos = self.pos(line);
        let (place, path) = (Place::Workstation, path.to_owned());
        let what = format!("write {path}");
        self.order(line, pos, what, |id| Action::WriteFile {
            id,
            place,
            path,
            content,
            append,
            readonly,
        });
    }

    pub(super) fn apply(&mut self, line: Option<Line>, path: &str, manifest: String) {
        let pos = self.pos(line);
        let path = path.to_owned();
        self.order(line, pos, format!("apply {path}"), |id| Action::Apply {
            id,
            path,
            manifest,
        });
    }

    pub(super) fn fault(&mut self, line: Option<Line>, pos: Pos, fault: &FaultSpec) {
        let target = match fill(&fault.target, &self.facts.captures) {
            Ok(target) => target,
            Err(name) => return self.unfilled(line, pos, &name),
        };
        let name = fault
            .id
            .clone()
            .unwrap_or_else(|| format!("fault-{}", pos.line));
        let what = format!("fault {} {target}", fault.kind);
        let (kind, after, lasting) = (fault.kind, fault.at, fault.lasting);
        let (amount, way) = (fault.amount, fault.way);
        self.order(line, pos, what, |id| Action::Fault {
            id,
            name,
            kind,
            target,
            amount,
            way,
            after,
            lasting,
        });
    }

    pub(super) fn pos(&self, line: Option<Line>) -> Pos {
        match line {
            Some(Line::Step(i, j)) => self.lab.steps[i].items[j].at,
            Some(Line::Task(k, _)) => self.lab.tasks[k].at,
            None => Pos { line: 1, column: 1 },
        }
    }

    /// A simple order came to an end.
    pub(super) fn ordered(&mut self, done: ActionId, result: Result<(), String>, printed: &str) {
        let Now::Order {
            id,
            line,
            pos,
            what,
        } = &self.now
        else {
            return;
        };
        if *id != done {
            return;
        }
        let (line, pos, what) = (*line, *pos, what.clone());
        self.now = Now::Free;
        let Some(line) = line else {
            if let Err(error) = result {
                let told = text(
                    format!("準備に失敗しました: {what}: {error}"),
                    format!("the world could not be prepared: {what}: {error}"),
                );
                self.trouble(Outcome::Invalid, told);
            }
            return;
        };
        let left = Ended {
            stdout: printed.to_owned(),
            ..Ended::default()
        };
        self.book.item_left(line, &left);
        match result {
            Ok(()) => self.book.item_ends(line, self.at, Status::Passed),
            Err(error) => self.item_fails(
                line,
                pos,
                text(what.clone(), what),
                text(error.clone(), error),
            ),
        }
    }

    pub(super) fn unfilled(&mut self, line: Option<Line>, pos: Pos, name: &str) {
        let seen = text(
            format!("`{name}` はまだ捕まえていません"),
            format!("nothing captured `{name}`"),
        );
        match line {
            Some(line) => self.item_fails(line, pos, text("実行", "to run it"), seen),
            None => self.trouble(Outcome::Invalid, seen),
        }
    }

    pub(super) fn item_fails(&mut self, line: Line, pos: Pos, asked: Text, seen: Text) {
        let failure = Failure {
            asked,
            seen,
            since: self.at,
            at: self.at,
            pos,
            advice: Vec::new(),
        };
        self.book
            .item_ends(line, self.at, Status::Failed(Box::new(failure)));
        self.failed();
    }

    /// An expectation failed: what follows would only fail for the same reason.
    pub(super) fn failed(&mut self) {
        self.book.outcome(Outcome::Failed);
        // A wrong answer is judged to its end: which checks fail is what it is for.
        let expected = self.in_task
            && matches!(
                self.options.attempt,
                Attempt::Nothing | Attempt::Mutant { .. }
            );
        if !self.options.guided && !expected {
            self.stages.clear();
        }
    }

    pub(super) fn trouble(&mut self, outcome: Outcome, told: Text) {
        self.book.trouble(outcome, told);
        self.stages.clear();
        if let Now::Watching { group, watches } = std::mem::replace(&mut self.now, Now::Over) {
            self.book_watches(group, &watches);
        }
    }

    // Items.

    pub(super) fn item(&mut self, i: usize, j: usize) {
        let lab = Arc::clone(&self.lab);
        let item = &lab.steps[i].items[j];
        let line = Line::Step(i, j);
        if !self.options.guided {
            self.desk.send(Action::Show(Show::Item(i, j)));
        }
        if let Some(why) = self.options.left_out.get(&item.at) {
            let why = Status::NotReached(Some(why.clone()));
            return self.book.item_ends(line, self.at, why);
        }
        match &item.what {
            ItemKind::Run(run) if run.copy_only => self.skip(
                line,
                &format!("$ {}", fill_known(&run.command, &self.facts.captures)),
            ),
            ItemKind::Run(run) => self.run(line, item.at, run),
            ItemKind::Open { path, select } => self.open(line, path, select.as_ref()),
            ItemKind::Write {
                path,
                content,
                append,
            } => match fill(content, &self.facts.captures) {
                Ok(content) => self.write(Some(line), path, content, *append, false),
                Err(name) => self.unfilled(Some(line), item.at, &name),
            },
            ItemKind::Key { key, session } => {
                let (key, session) = (
                    *key,
                    session
                        .clone()
                        .unwrap_or_else(|| lab.defaults.session.clone()),
                );
                let what = format!("key {key:?} in {session}");
                self.order(Some(line), item.at, what, |id| Action::Key {
                    id,
                    session,
                    key,
                });
            }
            ItemKind::Fault(fault) => self.fault(Some(line), item.at, fault),
            ItemKind::Heal(name) => {
                let name = name.clone();
                self.order(Some(line), item.at, format!("heal {name}"), |id| {
                    Action::Heal { id, name }
                });
            }
            ItemKind::Advance(by) => {
                let by = *by;
                self.order(Some(line), item.at, format!("advance {}", span(by)), |id| {
                    Action::Advance { id, by }
                });
            }
            ItemKind::Edit { object, patch } => self.edit(line, item.at, object, patch),
            ItemKind::Browse { url, from } => {
                self.browse(line, item.at, url, from.as_deref().unwrap_or("workstation"));
            }
        }
    }

    /// An item that nothing has to be waited for.
    pub(super) fn skip(&mut self, line: Line, what: &str) {
        self.book.item_begins(Some(line), what, self.at);
        self.book.item_ends(line, self.at, Status::Passed);
    }

    pub(super) fn run(&mut self, line: Line, pos: Pos, run: &Run) {
        let filled = |text: &str| fill(text, &self.facts.captures);
        let command = filled(&run.command);
        let place = run
            .place
            .as_deref()
            .map_or(Ok("workstation".to_owned()), filled);
        let stdin = run.stdin.as_deref().map(filled).transpose();
        let (command, place, stdin) = match (command, place, stdin) {
            (Ok(command), Ok(place), Ok(stdin)) => (command, place, stdin),
            (Err(name), ..) | (_, Err(name), _) | (.., Err(name)) => {
                return self.unfilled(Some(line), pos, &name);
            }
        };
        let parsed = Place::parse(&place);
        let Some(place) = parsed.map(|place| place.within(&self.lab.defaults.namespace)) else {
            let seen = text(
                format!("`{place}` は場所ではありません"),
                format!("`{place}` is not a place"),
            );
            return self.item_fails(line, pos, text("実行", "to run it"), seen);
        };
        self.book
            .item_begins(Some(line), &format!("$ {command}"), self.at);
        self.book.item_place(line, &place);
        // A terminal is a shell at one place; elsewhere is another terminal, and so is one whose
        // command goes on.
        let name = self.run_of(line).and_then(|(_, name)| name);
        let session = run.session.clone().unwrap_or_else(|| match &place {
            _ if run.background => name.unwrap_or_else(|| format!("background-{}", pos.line)),
            Place::Workstation => self.lab.defaults.session.clone(),
            elsewhere => elsewhere.to_string(),
        });
        let terminal = run.session.is_some();
        let window = run.within.map(|within| self.at + within);
        let deadline = if run.background {
            self.limit()
        } else {
            window.unwrap_or_else(|| self.limit())
        };
        let (stdin, interactive, background) = (stdin, run.interactive, run.background);
        let id = self.desk.order(|id| {
            Action::Run(RunOrder {
                id,
                place,
                session,
                terminal,
                command,
                stdin,
                interactive,
                background,
                deadline,
            })
        });
        let until = background.then(|| window.unwrap_or(self.at + self.lab.defaults.within));
        if background {
            self.background.insert(id, line);
        }
        self.now = Now::Command { id, line, until };
    }

    /// A file looked at in the editor: it must be there, and what is pointed at must be in it.
    fn open(&mut self, line: Line, path: &str, select: Option<&String>) {
        self.book
            .item_begins(Some(line), &format!("open {path}"), self.at);
        self.desk.send(Action::Show(Show::Open {
            path: path.to_owned(),
            select: select.cloned(),
        }));
        let deadline = self.at + PAGE;
        let (from, probe) = (
            Place::Workstation,
            Probe::File {
                path: path.to_owned(),
            },
        );
        let id = self.desk.order(|id| Action::Probe {
            id,
            from,
            probe,
            deadline,
        });
        self.now = Now::Opened {
            id,
            line,
            path: path.to_owned(),
            select: select.cloned(),
        };
    }

    /// What the file holds.
    pub(super) fn opened(&mut self, outcome: &ProbeOutcome) {
        let Now::Opened {
            line, path, select, ..
        } = std::mem::replace(&mut self.now, Now::Free)
        else {
            return;
        };
        let ProbeOutcome::File(Some(content)) = outcome else {
            let seen = text(
                format!("{path} はありません"),
                format!("there is no {path}"),
            );
            return self.item_fails(line, self.pos(Some(line)), text("ファイル", "a file"), seen);
        };
        match select.filter(|select| !content.contains(select.as_str())) {
            None => self.book.item_ends(line, self.at, Status::Passed),
            Some(select) => {
                let asked = text(
                    format!("{path} の `{select}`"),
                    format!("`{select}` in {path}"),
                );
                let seen = text("見当たりません", "it is not in it");
                self.item_fails(line, self.pos(Some(line)), asked, seen);
            }
        }
    }

    /// `kubectl edit`, an editor making the changes.
    fn edit(&mut self, line: Line, pos: Pos, object: &str, patch: &[PatchOp]) {
        let captures = &self.facts.captures;
        let filled = fill(object, captures).and_then(|object| {
            let patch = patch.iter().map(|op| op.filled(captures));
            Ok((object, patch.collect::<Result<Vec<_>, _>>()?))
        });
        let (object, patch) = match filled {
            Ok(filled) => filled,
            Err(name) => return self.unfilled(Some(line), pos, &name),
        };
        let what = format!("$ kubectl edit {object}");
        self.book.item_begins(Some(line), &what, self.at);
        let deadline = self.limit();
        let id = self.desk.order(|id| Action::Edit {
            id,
            object,
            patch,
            deadline,
        });
        let until = None;
        self.now = Now::Command { id, line, until };
    }

    fn browse(&mut self, line: Line, pos: Pos, url: &str, from: &str) {
        let captures = &self.facts.captures;
        let (url, from) = match (fill(url, captures), fill(from, captures)) {
            (Ok(url), Ok(from)) => (url, from),
            (Err(name), _) | (_, Err(name)) => return self.unfilled(Some(line), pos, &name),
        };
        let parsed = Place::parse(&from);
        let Some(from) = parsed.map(|from| from.within(&self.lab.defaults.namespace)) else {
            let seen = text(
                format!("`{from}` は場所ではありません"),
                format!("`{from}` is not a place"),
            );
            return self.item_fails(line, pos, text("実行", "to do it"), seen);
        };
        let what = format!("browse {url}");
        self.book.item_begins(Some(line), &what, self.at);
        self.book.item_place(line, &from);
        let deadline = self.at + PAGE;
        let id = self.desk.order(|id| Action::Browse {
            id,
            from,
            url,
            deadline,
        });
        let until = None;
        self.now = Now::Command { id, line, until };
    }

    pub(super) fn run_of(&self, line: Line) -> Option<(Run, Option<String>)> {
        match line {
            Line::Step(i, j) => {
                let item = &self.lab.steps[i].items[j];
                match &item.what {
                    ItemKind::Run(run) => Some(((**run).clone(), item.id.clone())),
                    _ => None,
                }
            }
            Line::Task(..) => None,
        }
    }

    /// A command wrote something or ended.
    pub(super) fn command(&mut self, ran: ActionId, left: Ended) {
        if let Some(line) = self.background.get(&ran).copied() {
            self.book.item_left(line, &left);
            if let Some((_, Some(name))) = self.run_of(line) {
                self.facts.outputs.insert(name, left.clone());
            }
        }
        let Now::Command { id, line, .. } = &self.now else {
            return;
        };
        if *id != ran {
            return;
        }
        let line = *line;
        let ended = left.exit.is_some() || !self.background.contains_key(&ran);
        self.book.item_left(line, &left);
        self.judge_command(line, &left, ended);
    }

    /// `last`: it will write no more, or not in time.
    pub(super) fn judge_command(&mut self, line: Line, left: &Ended, last: bool) {
        let (run, name) = self.run_of(line).unwrap_or_default();
        let wanted = Wanted {
            exit: run.exit.as_ref(),
            stdout: None,
            stderr: run.stderr.as_ref(),
            like: run.like.as_ref(),
            ends: !run.background,
            prefix: run.background,
        };
        let judgement = judge::ended(&wanted, left, &self.facts.captures);
        if judgement.truth != Truth::Yes && !last {
            return;
        }
        self.now = Now::Free;
        if let Some(name) = name {
            self.facts.outputs.insert(name, left.clone());
        }
        self.command_judged(line, &run, judgement);
    }

    pub(super) fn command_judged(&mut self, line: Line, run: &Run, judgement: Judgement) {
        if judgement.truth == Truth::Yes {
            self.facts.captures.extend(judgement.captures);
            return self.book.item_ends(line, self.at, Status::Passed);
        }
        if run.optional {
            let why = text(
                format!("省略可: {}", judgement.seen.ja),
                format!("optional: {}", judgement.seen.en),
            );
            return self
                .book
                .item_ends(line, self.at, Status::NotReached(Some(why)));
        }
        let command = match self.book.what(line) {
            what if run.command.is_empty() => what.trim_start_matches("$ ").to_owned(),
            _ => fill_known(&run.command, &self.facts.captures),
        };
        let asked = text(
            format!("`{command}` の出力と終了コード"),
            format!("output and exit code of `{command}`"),
        );
        let pos = run
            .like
            .as_ref()
            .map_or_else(|| self.pos(Some(line)), |like| like.at);
        self.item_fails(line, pos, asked, judgement.seen);
    }
}
