//! Reads makefiles: definitions, directives, and lines that are rules.
//!
//! What is expanded at once is expanded here; recipes are kept as they stand.

use std::rc::Rc;

use super::assignment::{Assignment, assignment, modified};
use super::condition::Condition;
use super::rule::Line;
use super::variable::{Origin, Variable};
use super::{Make, Place, Result, pattern, text};

/// A makefile on its way.
pub(crate) struct Reader<'a> {
    lines: std::iter::Peekable<std::iter::Enumerate<std::str::Lines<'a>>>,
    file: Rc<str>,
    pub(crate) conditions: Vec<Condition>,
    rule: Option<Line>,
    /// The number of the line that was read last.
    last: usize,
}

const DEPTH_LIMIT: usize = 60;

impl Make {
    /// The makefiles of the command line, or the one that is there.
    pub(crate) fn read_all(&mut self) -> Result<()> {
        for word in self.options.assignments.clone() {
            if let Some(assignment) = assignment(&word) {
                self.assign(&assignment, Origin::Command)?;
            }
        }
        let mut files = self.options.files.clone();
        if files.is_empty() {
            let usual = ["GNUmakefile", "makefile", "Makefile"];
            let found = usual
                .iter()
                .find(|name| std::path::Path::new(name).exists());
            files.extend(found.map(|name| (*name).to_owned()));
        }
        for file in &files {
            let text = if file == "-" {
                std::io::read_to_string(std::io::stdin())
            } else {
                std::fs::read(file).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            };
            match text {
                Ok(text) => self.read_text(file, &text)?,
                Err(_) => {
                    self.complain(&format!(
                        "{}: {file}: No such file or directory",
                        self.name()
                    ));
                    self.place = None;
                    return Err(self.stop(format!("No rule to make target '{file}'")));
                }
            }
        }
        self.place = None;
        if self.value_of("VPATH")?.trim() != "" {
            return Err(self.stop("VPATH: not in this lab"));
        }
        Ok(())
    }

    /// Reads one makefile's text.
    pub(crate) fn read_text(&mut self, file: &str, text: &str) -> Result<()> {
        let list = self.lookup("MAKEFILE_LIST").map_or("", |it| &it.value);
        let list = format!("{list} {file}");
        let list = Variable::simple(list, Origin::File);
        self.variables.set("MAKEFILE_LIST", list);
        self.read_lines(file, text)
    }

    /// `$(eval …)`: text as if it stood in the makefile.
    pub(crate) fn eval(&mut self, text: &str) -> Result<()> {
        let place = self.place.clone();
        let file = place
            .as_ref()
            .map_or("Makefile".into(), |place| place.file.to_string());
        let result = self.read_lines(&file, text);
        if result.is_ok() {
            self.place = place;
        }
        result
    }

    fn read_lines(&mut self, file: &str, text: &str) -> Result<()> {
        if self.depth > DEPTH_LIMIT {
            return Err(self.stop("makefiles are nested too deep"));
        }
        self.depth += 1;
        let mut reader = Reader {
            lines: text.lines().enumerate().peekable(),
            file: file.into(),
            conditions: Vec::new(),
            rule: None,
            last: 0,
        };
        let result = self.read_with(&mut reader);
        self.depth -= 1;
        result
    }

    fn read_with(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        while let Some((line, number)) = reader.logical() {
            let place = Place {
                file: Rc::clone(&reader.file),
                line: number,
            };
            self.place = Some(place.clone());
            let active = reader.conditions.iter().all(|it| it.active);
            if let Some(recipe) = line.strip_prefix(self.prefix())
                && let Some(rule) = &mut reader.rule
            {
                if active {
                    rule.has_recipe = true;
                    rule.recipe.push((recipe.to_owned(), place));
                }
                continue;
            }
            let plain = text::without_comment(&text::joined(&line));
            if self.conditional(reader, plain.trim())? || !active || plain.trim().is_empty() {
                continue;
            }
            self.statement(reader, &line, &plain)?;
        }
        if !reader.conditions.is_empty() {
            let behind = reader.last + 1;
            if let Some(place) = &mut self.place {
                place.line = behind;
            }
            return Err(self.stop("missing 'endif'"));
        }
        self.end_rule(reader)
    }

    /// What recipe lines begin with.
    fn prefix(&self) -> char {
        let own = self.lookup(".RECIPEPREFIX");
        own.and_then(|it| it.value.chars().next()).unwrap_or('\t')
    }

    fn end_rule(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        match reader.rule.take() {
            Some(rule) => self.record(rule),
            None => Ok(()),
        }
    }

    /// A line that counts: a definition, a directive, an assignment or a rule.
    fn statement(&mut self, reader: &mut Reader<'_>, raw: &str, line: &str) -> Result<()> {
        // Blanks at the end of a value belong to it.
        let trimmed = line.trim_start();
        if let Some(assignment) = modified(trimmed) {
            if assignment.operator == "define" {
                self.end_rule(reader)?;
                return self.define(reader, assignment);
            }
            self.end_rule(reader)?;
            let origin = match assignment.overrides {
                true => Origin::Override,
                false => Origin::File,
            };
            return self.assign(&assignment, origin);
        }
        let (word, rest) = text::first_word(trimmed.trim_end());
        match word {
            "include" | "-include" | "sinclude" => {
                self.end_rule(reader)?;
                self.include(rest, word != "include")
            }
            "export" | "unexport" => {
                self.end_rule(reader)?;
                let on = word == "export";
                if rest.is_empty() {
                    self.variables.export_all = on;
                }
                for name in self.expand(rest)?.split_whitespace() {
                    let known = self.variables.all.entry(name.to_owned());
                    known
                        .or_insert_with(|| Variable::simple("", Origin::File))
                        .export = Some(on);
                }
                Ok(())
            }
            "undefine" => {
                self.end_rule(reader)?;
                let name = self.expand(rest)?;
                self.variables.all.remove(name.trim());
                Ok(())
            }
            "endef" => Err(self.stop("extraneous 'endef'")),
            "vpath" | "load" | "-load" => Err(self.stop(format!("{word}: not in this lab"))),
            _ => self.rule_line(reader, raw),
        }
    }

    /// `define NAME` up to its `endef`.
    fn define(&mut self, reader: &mut Reader<'_>, mut assignment: Assignment) -> Result<()> {
        let (name, operator) = match assignment.value.split_once([' ', '\t']) {
            Some((name, rest)) => (name.to_owned(), rest.trim().to_owned()),
            None => (assignment.value.clone(), String::new()),
        };
        let (mut lines, mut depth, mut ended) = (Vec::new(), 1, false);
        for (_, line) in reader.lines.by_ref() {
            let (word, _) = text::first_word(line);
            depth += usize::from(word == "define" && !line.starts_with('\t'));
            depth -= usize::from(word == "endef" && !line.starts_with('\t'));
            if depth == 0 {
                ended = true;
                break;
            }
            lines.push(line);
        }
        if !ended {
            return Err(self.stop("missing 'endef', unterminated 'define'"));
        }
        assignment.name = name;
        assignment.value = lines.join("\n");
        let known = ["=", ":=", "::=", "?=", "+=", "!="];
        let found = known.iter().find(|known| **known == operator);
        assignment.operator = found.unwrap_or(&"=");
        let origin = match assignment.overrides {
            true => Origin::Override,
            false => Origin::File,
        };
        self.assign(&assignment, origin)
    }

    fn include(&mut self, names: &str, quiet: bool) -> Result<()> {
        let place = self.place.clone();
        let names = self.expand(names)?;
        if self.options.read_only {
            return Ok(());
        }
        for word in names.split_whitespace() {
            let mut files = pattern::glob(word);
            if files.is_empty() {
                files.push(word.to_owned());
            }
            for file in files {
                let dirs = self
                    .options
                    .include
                    .iter()
                    .map(|dir| format!("{dir}/{file}"));
                let found = std::iter::once(file.clone())
                    .chain(dirs)
                    .find_map(|path| Some((std::fs::read(&path).ok()?, path)));
                match found {
                    Some((bytes, path)) => {
                        self.read_text(&path, &String::from_utf8_lossy(&bytes))?
                    }
                    None => self.missing.push((place.clone(), file, quiet)),
                }
                self.place.clone_from(&place);
            }
        }
        Ok(())
    }

    /// `targets: prerequisites ; recipe`, or a variable of targets.
    fn rule_line(&mut self, reader: &mut Reader<'_>, raw: &str) -> Result<()> {
        self.end_rule(reader)?;
        let raw = text::joined(raw);
        // A recipe on the same line keeps its `#`.
        let (head, recipe) = match text::find_outside(&raw, &[';', '#']) {
            Some(at) if raw[at..].starts_with(';') => (&raw[..at], Some(&raw[at + 1..])),
            _ => (raw.as_str(), None),
        };
        let mut head = text::without_comment(head);
        let mut colon = text::find_outside(&head, &[':']);
        if colon.is_none() {
            head = self.expand(&head)?;
            if head.trim().is_empty() {
                return Ok(());
            }
            colon = head.find(':');
        }
        let Some(colon) = colon else {
            let message = match raw.starts_with('\t') {
                true => "recipe commences before first target",
                false if raw.starts_with("        ") => {
                    "missing separator (did you mean TAB instead of 8 spaces?)"
                }
                false => "missing separator",
            };
            return Err(self.stop(message));
        };
        let targets = self.expand(&head[..colon])?;
        let (targets, grouped) = match targets.trim().strip_suffix('&') {
            Some(targets) => (targets.to_owned(), true),
            None => (targets, false),
        };
        let double = head[colon + 1..].starts_with(':');
        let rest = &head[colon + 1 + usize::from(double)..];
        let targets = self.names(&targets);
        if let Some(assignment) = modified(rest.trim_start()).filter(|it| it.operator != "define") {
            return self.target_variable(&targets, assignment);
        }
        let mut line = Line {
            targets,
            double,
            grouped,
            place: self.place.clone(),
            ..Line::default()
        };
        self.prerequisites(&mut line, rest)?;
        if let (Some(recipe), Some(place)) = (recipe, self.place.clone()) {
            line.has_recipe = true;
            line.recipe.push((recipe.trim_start().to_owned(), place));
        }
        // Without a target the rule is read and forgotten.
        if line.targets.is_empty() {
            line.targets.push(String::new());
        }
        reader.rule = Some(line);
        Ok(())
    }

    fn prerequisites(&mut self, line: &mut Line, rest: &str) -> Result<()> {
        let mut rest = self.expand(rest)?;
        if let Some(colon) = rest.find(':') {
            let target_pattern = rest[..colon].trim().to_owned();
            rest = rest[colon + 1..].to_owned();
            if target_pattern.split_whitespace().count() > 1 {
                return Err(self.stop("multiple target patterns"));
            }
            if target_pattern.is_empty() {
                return Err(self.stop("missing target pattern"));
            }
            if !target_pattern.contains('%') {
                return Err(self.stop("target pattern contains no '%'"));
            }
            line.pattern = Some(target_pattern);
        }
        let (normal, order_only) = rest.split_once('|').unwrap_or((&rest, ""));
        line.prerequisites = self.names(normal);
        line.order_only = self.names(order_only);
        Ok(())
    }

    /// Words as names of files: wildcards become what they stand for.
    fn names(&self, text: &str) -> Vec<String> {
        let mut names = Vec::new();
        for word in text.split_whitespace() {
            let word = word
                .strip_prefix("./")
                .filter(|it| !it.is_empty())
                .unwrap_or(word);
            let found = match pattern::has_wildcard(word) && !self.options.read_only {
                true => pattern::glob(word),
                false => Vec::new(),
            };
            if found.is_empty() {
                names.push(word.to_owned());
            }
            names.extend(found);
        }
        names
    }

    fn target_variable(&mut self, targets: &[String], mut assignment: Assignment) -> Result<()> {
        assignment.name = self.expand(&assignment.name)?;
        if matches!(assignment.operator, ":=" | "::=") {
            assignment.value = self.expand(&assignment.value)?;
        }
        for target in targets {
            if target.contains('%') {
                let entry = (target.clone(), assignment.clone());
                self.rules.pattern_assignments.push(entry);
            } else {
                let known = self.rules.targets.entry(target.clone()).or_default();
                known.assignments.push(assignment.clone());
            }
        }
        Ok(())
    }
}

impl Reader<'_> {
    /// The next line with those that backslashes join to it, and the number of the first.
    fn logical(&mut self) -> Option<(String, usize)> {
        let (index, first) = self.lines.next()?;
        let mut line = first.to_owned();
        while (line.len() - line.trim_end_matches('\\').len()) & 1 == 1 {
            let Some((_, next)) = self.lines.next() else {
                break;
            };
            line.push('\n');
            line.push_str(next);
        }
        self.last = index + 1;
        Some((line, self.last))
    }
}
