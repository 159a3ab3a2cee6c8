//! Here-documents: the operator notes them, the next newline reads their bodies.
//!
//! Never expands a body; it only knows whether it will be.

use std::cell::OnceCell;
use std::rc::Rc;

use super::super::ast::{Part, Word};
use super::{Parser, Result};

/// A here-document whose body is still to come.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) operator: usize,
    pub(super) delimiter: String,
    pub(super) strip: bool,
    pub(super) quoted: bool,
    pub(super) body: Rc<OnceCell<Word>>,
}

impl Parser {
    pub(super) fn here_document(&mut self, pending: &Pending) -> Result<()> {
        let start = self.pos;
        let mut body = String::new();
        loop {
            if self.rest().is_empty() {
                // As in ash, the end of the text ends the document; an interactive reader asks on.
                if !self.text.ends_with('\n') {
                    break;
                }
                return Err(self.error("syntax error: unterminated here-document", true));
            }
            let length = self
                .rest()
                .find('\n')
                .map_or(self.rest().len(), |at| at + 1);
            let mut line = &self.text[self.pos..self.pos + length];
            self.pos += length;
            self.line += 1;
            if pending.strip {
                line = line.trim_start_matches('\t');
            }
            if line.strip_suffix('\n').unwrap_or(line) == pending.delimiter {
                break;
            }
            body.push_str(line);
        }
        let span = (
            pending.operator - self.base,
            start - self.base..self.pos - self.base,
        );
        self.source.bodies.borrow_mut().push(span);
        let word = if pending.quoted {
            Word(vec![Part::Quoted(body)])
        } else {
            self.inner(&body)?.here_body()?
        };
        // A body is set once: each operator makes its own cell.
        let _ = pending.body.set(word);
        Ok(())
    }

    /// The text has ended with documents still owed.
    pub(super) fn finish_here_documents(&mut self) -> Result<()> {
        for pending in std::mem::take(&mut self.pending) {
            self.here_document(&pending)?;
        }
        Ok(())
    }
}
