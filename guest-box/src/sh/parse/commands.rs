//! Lists, pipelines and compound commands.
//!
//! Never looks into words.

use std::rc::Rc;

use super::super::ast::{Command, Connective, Item, Kind, List, Pipeline};
use super::{Parser, Result, is_name};

const CLOSING: [&str; 8] = ["then", "else", "elif", "fi", "do", "done", "esac", "}"];

impl Parser {
    pub(super) fn list(&mut self, one_line: bool) -> Result<List> {
        let mut items = Vec::new();
        loop {
            if one_line {
                self.skip_blanks();
            } else {
                self.line_break()?;
            }
            if self.at_list_end() {
                if one_line && !self.rest().is_empty() {
                    return Err(self.unexpected(None));
                }
                return Ok(List(items));
            }
            let mut item = self.item()?;
            self.skip_blanks();
            let next = self.rest();
            let separated = if next.starts_with(";;") {
                false
            } else if next.starts_with(';') {
                self.pos += 1;
                true
            } else if next.starts_with('&') {
                self.pos += 1;
                item.background = true;
                true
            } else {
                next.starts_with('\n')
            };
            items.push(item);
            self.skip_blanks();
            if one_line && (self.peek() == Some('\n') || self.peek().is_none()) {
                if self.peek().is_some() {
                    self.newline()?;
                } else if !self.pending.is_empty() {
                    self.finish_here_documents()?;
                }
                return Ok(List(items));
            }
            if !separated {
                if one_line || !self.at_list_end() {
                    return Err(self.unexpected(None));
                }
                return Ok(List(items));
            }
        }
    }

    fn at_list_end(&self) -> bool {
        let rest = self.rest();
        rest.is_empty()
            || rest.starts_with(')')
            || rest.starts_with(";;")
            || CLOSING.contains(&self.peek_bare())
    }

    /// The unquoted characters ahead up to the next separator.    /// Commands up to a keyword; there must be some.
    fn body(&mut self, closing: &str) -> Result<List> {
        let list = self.list(false)?;
        if list.0.is_empty() {
            let expecting = self.rest().is_empty().then_some(closing);
            return Err(self.unexpected(expecting));
        }
        Ok(list)
    }

    fn keyword(&mut self, word: &str) -> Result<()> {
        self.line_break()?;
        if self.peek_bare() != word {
            return Err(self.unexpected(Some(word)));
        }
        self.pos += word.len();
        Ok(())
    }

    fn item(&mut self) -> Result<Item> {
        let start = self.pos;
        let first = self.pipeline()?;
        let mut rest = Vec::new();
        let mut end = self.pos;
        loop {
            self.skip_blanks();
            let connective = if self.eat("&&") {
                Connective::And
            } else if self.eat("||") {
                Connective::Or
            } else {
                break;
            };
            self.line_break()?;
            rest.push((connective, self.pipeline()?));
            end = self.pos;
        }
        let mut place = self.place(start);
        place.span.end = end - self.base;
        Ok(Item {
            first,
            rest,
            background: false,
            place,
        })
    }

    fn pipeline(&mut self) -> Result<Pipeline> {
        self.skip_blanks();
        let mut negated = false;
        while self.peek_bare() == "!" {
            self.pos += 1;
            negated = !negated;
            self.skip_blanks();
        }
        let mut commands = vec![self.command()?];
        loop {
            self.skip_blanks();
            if self.rest().starts_with("||") || !self.eat("|") {
                return Ok(Pipeline { negated, commands });
            }
            self.line_break()?;
            commands.push(self.command()?);
        }
    }

    fn command(&mut self) -> Result<Command> {
        self.enter()?;
        let command = self.command_here();
        self.leave();
        command
    }

    fn command_here(&mut self) -> Result<Command> {
        self.skip_blanks();
        self.replace_aliases();
        let (start, line) = (self.pos, self.line);
        let bare = self.peek_bare().to_owned();
        let kind = match bare.as_str() {
            _ if self.peek() == Some('(') => self.subshell()?,
            "{" => self.group()?,
            "if" => self.if_clause()?,
            "while" | "until" => self.while_clause(bare == "until")?,
            "for" => self.for_clause()?,
            "case" => self.case_clause()?,
            "function" => {
                self.pos += bare.len();
                self.skip_blanks();
                let name = self.peek_bare().to_owned();
                self.pos += name.len();
                self.skip_blanks();
                if self.eat("(") {
                    self.closing_parenthesis()?;
                }
                self.function(name)?
            }
            _ => return self.simple(),
        };
        let mut redirects = Vec::new();
        if !matches!(kind, Kind::Function { .. }) {
            loop {
                let before = self.pos;
                self.skip_blanks();
                let Some(redirect) = self.redirect()? else {
                    self.pos = before;
                    break;
                };
                redirects.push(redirect);
            }
        }
        Ok(Command {
            kind,
            redirects,
            line,
            place: self.place(start),
        })
    }

    fn closing_parenthesis(&mut self) -> Result<()> {
        self.skip_blanks();
        if self.eat(")") {
            return Ok(());
        }
        Err(self.unexpected(Some(")")))
    }

    fn subshell(&mut self) -> Result<Kind> {
        self.pos += 1;
        let list = self.list(false)?;
        if list.0.is_empty() {
            let expecting = self.rest().is_empty().then_some(")");
            return Err(self.unexpected(expecting));
        }
        self.closing_parenthesis()?;
        Ok(Kind::Subshell(list))
    }

    fn group(&mut self) -> Result<Kind> {
        self.pos += 1;
        let list = self.body("}")?;
        self.keyword("}")?;
        Ok(Kind::Group(list))
    }

    fn if_clause(&mut self) -> Result<Kind> {
        self.pos += 2;
        let mut branches = Vec::new();
        loop {
            let condition = self.body("then")?;
            self.keyword("then")?;
            branches.push((condition, self.body("fi")?));
            if self.peek_bare() != "elif" {
                break;
            }
            self.pos += 4;
        }
        let otherwise = if self.peek_bare() == "else" {
            self.pos += 4;
            Some(self.body("fi")?)
        } else {
            None
        };
        self.keyword("fi")?;
        Ok(Kind::If {
            branches,
            otherwise,
        })
    }

    fn while_clause(&mut self, until: bool) -> Result<Kind> {
        self.pos += 5;
        let condition = self.body("do")?;
        let body = self.do_group()?;
        Ok(Kind::While {
            until,
            condition,
            body,
        })
    }

    fn do_group(&mut self) -> Result<List> {
        self.keyword("do")?;
        let body = self.body("done")?;
        self.keyword("done")?;
        Ok(body)
    }

    fn for_clause(&mut self) -> Result<Kind> {
        self.pos += 3;
        self.skip_blanks();
        let name = self.peek_bare().to_owned();
        if !is_name(&name) {
            return Err(self.error("syntax error: bad for loop variable", false));
        }
        self.pos += name.len();
        self.line_break()?;
        let mut words = None;
        if self.peek_bare() == "in" {
            self.pos += 2;
            let mut list = Vec::new();
            loop {
                self.skip_blanks();
                match self.peek() {
                    None | Some('\n' | ';') => break,
                    Some('&' | '|' | '<' | '>' | '(' | ')') => return Err(self.unexpected(None)),
                    Some(_) => list.push(self.word()?),
                }
            }
            words = Some(list);
        }
        self.skip_blanks();
        self.eat(";");
        let body = self.do_group()?;
        Ok(Kind::For { name, words, body })
    }

    fn case_clause(&mut self) -> Result<Kind> {
        self.pos += 4;
        self.skip_blanks();
        let word = self.word()?;
        self.keyword("in")?;
        let mut arms = Vec::new();
        loop {
            self.line_break()?;
            if self.peek_bare() == "esac" {
                self.pos += 4;
                return Ok(Kind::Case { word, arms });
            }
            self.eat("(");
            let mut patterns = Vec::new();
            loop {
                self.skip_blanks();
                if matches!(
                    self.peek(),
                    None | Some('\n' | ';' | '&' | '|' | '<' | '>' | '(' | ')')
                ) {
                    return Err(self.unexpected(self.rest().is_empty().then_some(")")));
                }
                patterns.push(self.word()?);
                self.skip_blanks();
                if !self.eat("|") {
                    break;
                }
            }
            self.closing_parenthesis()?;
            arms.push((patterns, self.list(false)?));
            self.line_break()?;
            if !self.eat(";;") && self.peek_bare() != "esac" {
                return Err(self.unexpected(Some(";;")));
            }
        }
    }

    pub(super) fn function(&mut self, name: String) -> Result<Kind> {
        if !is_name(&name) {
            return Err(self.error("syntax error: bad function name", false));
        }
        self.line_break()?;
        let body = Rc::new(self.command()?);
        Ok(Kind::Function { name, body })
    }
}
