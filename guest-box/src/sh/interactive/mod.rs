//! The prompt: reads lines with the editor of [`super::edit`] over a raw terminal and runs them.
//!
//! What is drawn goes to standard error. When the terminal cannot be made raw, lines are read as
//! they come. [`complete`] knows what may stand where, [`history`] keeps what was typed,
//! [`prompt`] makes `PS1` readable.

mod complete;
mod history;
mod prompt;

use std::rc::Rc;

use guest_kit::{signals, terminal};

use super::builtins::job_line;
use super::edit::{Decoder, Editor, Ended};
use super::exec::Status;
use super::parse::Parser;
use super::state::{Flow, Shell};

impl Shell {
    pub(super) fn prompt_loop(&mut self) -> Status {
        // Ctrl-C ends what runs, not the shell; 15 does not end an interactive shell either.
        signals::handle(&[2]);
        signals::ignore(15);
        self.load_history();
        let mut text = String::new();
        loop {
            self.report_jobs()?;
            let prompt = self.prompt(text.is_empty());
            match self.read_typed(&prompt)? {
                Ended::End if text.is_empty() => return Ok(self.status),
                Ended::End => {
                    self.complain("syntax error: unexpected end of file");
                    text.clear();
                }
                Ended::Interrupted => {
                    text.clear();
                    self.status = 130;
                }
                Ended::Line(line) => {
                    self.remember(&line);
                    text.push_str(&line);
                    text.push('\n');
                    if self.incomplete(&text) {
                        continue;
                    }
                    let result = self.run_text(&std::mem::take(&mut text), 1);
                    // What was pressed while a program ran was meant for it.
                    while signals::next().is_some() {}
                    self.recover(result)?;
                }
            }
        }
    }

    /// After a mistake at the prompt.
    fn recover(&mut self, result: Status) -> Result<(), Flow> {
        self.command_name = None;
        self.depth = 0;
        self.guarded = 0;
        self.loops = 0;
        self.locals.clear();
        match result {
            Ok(_) => Ok(()),
            Err(Flow::Exit(status)) => Err(Flow::Exit(status)),
            Err(Flow::Fail(status) | Flow::Return(status)) => {
                self.status = status;
                Ok(())
            }
            Err(Flow::Break(_) | Flow::Continue(_)) => Ok(()),
        }
    }

    fn incomplete(&self, text: &str) -> bool {
        let aliases = Rc::clone(&self.aliases);
        let mut parser = Parser::new(text, &aliases, 1);
        loop {
            match parser.next_line(&aliases) {
                Ok(None) => return false,
                Ok(Some(_)) => {}
                Err(error) => return error.incomplete,
            }
        }
    }

    fn report_jobs(&mut self) -> Result<(), Flow> {
        let mut text = String::new();
        for (index, job) in self.jobs.iter().enumerate() {
            if job.end().is_some() {
                text.push_str(&job_line(job, self.mark(index), false));
            }
        }
        self.jobs.retain(|job| job.end().is_none());
        self.write(2, text.as_bytes())
    }

    fn read_typed(&mut self, prompt: &str) -> Result<Ended, Flow> {
        if !terminal::set_raw(true) {
            self.write(2, prompt.as_bytes())?;
            let line = self.read_line();
            return Ok(match line.strip_suffix('\n') {
                Some(line) => Ended::Line(line.to_owned()),
                None if line.is_empty() => Ended::End,
                None => Ended::Line(line),
            });
        }
        let result = self.edit(prompt);
        terminal::set_raw(false);
        result
    }

    fn edit(&mut self, prompt: &str) -> Result<Ended, Flow> {
        let columns = || terminal::size().map_or(80, |size| usize::from(size.columns));
        // The lines above the last one of a prompt are written once.
        let (above, prompt) = prompt.rsplit_once('\n').map_or(("", prompt), |parts| parts);
        if !above.is_empty() {
            let above = format!("{}\r\n", above.replace('\n', "\r\n"));
            self.write(2, above.as_bytes())?;
        }
        let history = std::mem::take(&mut self.history);
        let mut editor = Editor::new(prompt, columns(), &history);
        let mut decoder = Decoder::default();
        let mut result = self.write(2, &editor.begin()).map(|()| Ended::End);
        while result.is_ok() {
            let Some(byte) = self.byte() else {
                break;
            };
            let mut out = editor.resize(columns());
            let mut end = None;
            for key in decoder.push(byte) {
                let (drawn, ended) = editor.feed(&key, &mut |before| self.complete(before));
                out.extend(drawn);
                end = end.or(ended);
            }
            result = self.write(2, &out).map(|()| Ended::End);
            if let (Ok(_), Some(ended)) = (&result, end) {
                result = Ok(ended);
                break;
            }
        }
        self.history = history;
        result
    }

    /// The next byte of the terminal; bytes behind the end of a line are left for programs.
    fn byte(&self) -> Option<u8> {
        let mut byte = [0];
        let input = self.fds.first()?.as_ref()?;
        match input.read(&mut byte) {
            Ok(1) => Some(byte[0]),
            _ => None,
        }
    }
}
