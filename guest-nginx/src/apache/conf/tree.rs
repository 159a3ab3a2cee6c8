//! Apache's configuration files as directives in sections: lines, words, variables, includes and modules.
//! It knows what has to happen while reading and nothing of what other directives mean.

use std::collections::BTreeMap;
use std::fs;
use std::rc::Rc;

use super::lines::{Lines, word, words};
use super::modules;
use crate::conf::tree as globs;
use crate::files::Failure;

/// How deep includes may go, as Apache's own bound.
const MAX_DEPTH: usize = 10;
/// One directive.
#[derive(Clone, Debug)]
pub(super) struct Directive {
    /// As written; a section's begins with `<`.
    pub name: String,
    /// What follows the name, as written.
    pub text: String,
    /// The file, or `-c/-C directives`.
    pub file: Rc<str>,
    /// The line in it.
    pub line: usize,
    /// What a section holds.
    pub inside: Vec<Self>,
}

/// What reading a configuration gathers.
#[derive(Debug, Default)]
pub(super) struct Tree {
    /// The directives, in order.
    pub directives: Vec<Directive>,
    /// The modules in the order of loading, without `_module`.
    pub modules: Vec<String>,
    /// The folder that relative names start from.
    pub root: String,
    /// What is worth a warning.
    pub warnings: Vec<String>,
    defined: BTreeMap<String, String>,
}

impl Tree {
    /// A path, from the server's root unless it is absolute.
    pub(super) fn path(&self, path: &str) -> String {
        if path.starts_with('/') {
            path.to_owned()
        } else {
            format!("{}/{path}", self.root.trim_end_matches('/'))
        }
    }

    /// Defines a name, as `-D` does.
    pub(super) fn define(&mut self, name: &str) {
        self.defined.insert(name.to_owned(), String::new());
    }

    /// Reads a text's directives.
    ///
    /// # Errors
    /// The first mistake, in Apache's words.
    pub(super) fn text(&mut self, file: &str, text: &str, depth: usize) -> Result<(), String> {
        let mut lines = Lines::of(file, text);
        let mut into = std::mem::take(&mut self.directives);
        let done = self.block(&mut lines, &mut into, &mut Vec::new(), depth);
        self.directives = into;
        done
    }

    /// Reads a file's directives.
    ///
    /// # Errors
    /// That it cannot be read, or its first mistake.
    pub(super) fn file(&mut self, path: &str) -> Result<(), String> {
        let text = read(path)?;
        self.text(path, &text, 0)
    }

    fn block(
        &mut self,
        lines: &mut Lines,
        into: &mut Vec<Directive>,
        open: &mut Vec<(String, usize)>,
        depth: usize,
    ) -> Result<(), String> {
        while let Some((line, text)) = lines.next() {
            let file = Rc::clone(&lines.file);
            let fail = |why: String| format!("Syntax error on line {line} of {file}: {why}");
            let text = self.expand(&text);
            let (name, rest) = word(&text);
            if let Some(closing) = name.strip_prefix("</") {
                let closing = closing.trim_end_matches('>');
                return match open.pop() {
                    Some((opened, _)) if opened.eq_ignore_ascii_case(closing) => Ok(()),
                    Some((opened, _)) => {
                        Err(fail(format!("Expected </{opened}> but saw </{closing}>")))
                    }
                    None => Err(fail(format!(
                        "</{closing}> without matching <{closing}> section"
                    ))),
                };
            }
            let directive = Directive {
                name: name.clone(),
                text: rest.trim().to_owned(),
                file: Rc::clone(&file),
                line,
                inside: Vec::new(),
            };
            match name.to_ascii_lowercase().as_str() {
                "<ifmodule" | "<ifdefine" | "<iffile" | "<ifversion" | "<ifmodule>"
                | "<ifdefine>" | "<iffile>" | "<ifversion>" => {
                    self.condition(&directive, lines, into, open, depth, &fail)?;
                }
                _ if name.starts_with('<') => {
                    let mut directive = directive;
                    let bare = name.trim_start_matches('<').trim_end_matches('>');
                    open.push((bare.to_owned(), line));
                    let level = open.len();
                    let mut inside = Vec::new();
                    self.block(lines, &mut inside, open, depth)?;
                    if open.len() == level {
                        return Err(unclosed(&file, open));
                    }
                    directive.inside = inside;
                    into.push(directive);
                }
                "include" | "includeoptional" => {
                    self.include(&directive, into, depth).map_err(fail)?;
                }
                _ => {
                    if !self.early(&directive).map_err(fail)? {
                        into.push(directive);
                    }
                }
            }
        }
        Ok(())
    }

    fn condition(
        &mut self,
        directive: &Directive,
        lines: &mut Lines,
        into: &mut Vec<Directive>,
        open: &mut Vec<(String, usize)>,
        depth: usize,
        fail: &dyn Fn(String) -> String,
    ) -> Result<(), String> {
        let name = directive.name.trim_start_matches('<').trim_end_matches('>');
        if directive.name.ends_with('>') || directive.text == ">" {
            let why = format!("<{name}> directive requires additional arguments");
            return Err(fail(why));
        }
        let Some(text) = directive.text.strip_suffix('>') else {
            return Err(fail(format!("<{name}> directive missing closing '>'")));
        };
        let (not, asked) = text
            .strip_prefix('!')
            .map_or((false, text), |rest| (true, rest));
        let asked = words(asked).into_iter().next().unwrap_or_default();
        let held = match name.to_ascii_lowercase().as_str() {
            "ifmodule" => modules::name_of(&asked).is_some_and(|name| self.has(&name)),
            "iffile" => fs::exists(self.path(&asked)).unwrap_or(false),
            "ifversion" => {
                modules::is_version(&words(text.trim_start_matches('!'))).map_err(fail)?
            }
            _ => self.defined.contains_key(&asked),
        };
        if held == not {
            if lines.skip(&name.to_ascii_lowercase()) {
                return Ok(());
            }
            let why = format!("Expected </{name}> before end of configuration");
            return Err(fail(why));
        }
        // Apache does not miss the end of a block that it has taken.
        open.push((name.to_owned(), directive.line));
        let level = open.len();
        self.block(lines, into, open, depth)?;
        open.truncate(level - 1);
        Ok(())
    }

    /// Whether a module is there.
    pub(super) fn has(&self, name: &str) -> bool {
        modules::is_built_in(name) || self.modules.iter().any(|own| own == name)
    }

    /// What takes effect while reading; whether it was that.
    fn early(&mut self, directive: &Directive) -> Result<bool, String> {
        let args = words(&directive.text);
        let name = directive.name.to_ascii_lowercase();
        match (name.as_str(), args.as_slice()) {
            ("serverroot", [path]) => {
                if !fs::metadata(path).is_ok_and(|found| found.is_dir()) {
                    return Err("ServerRoot must be a valid directory".to_owned());
                }
                self.root.clone_from(path);
            }
            ("serverroot", _) => {
                return Err(
                    "ServerRoot takes one argument, Common directory of server-related files \
                            (logs, confs, etc.)"
                        .to_owned(),
                );
            }
            ("undefine", [name]) => drop(self.defined.remove(name)),
            ("define", [name]) => self.define(name),
            ("define", [name, value]) => {
                self.defined.insert(name.clone(), value.clone());
            }
            ("define", _) => {
                return Err(
                    "Define takes 1-2 arguments, Define a variable, optionally to a value.  \
                            Same as passing -D to the command line."
                        .to_owned(),
                );
            }
            ("loadmodule", [module, path]) => self.load(module, path)?,
            ("loadmodule", _) => {
                return Err(
                    "LoadModule takes two arguments, a module name and the name of a shared \
                            object file to load it from"
                        .to_owned(),
                );
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn load(&mut self, module: &str, path: &str) -> Result<(), String> {
        let name = modules::loaded(module, path)?;
        if self.modules.contains(&name) {
            let twice = format!("AH01574: module {module} is already loaded, skipping");
            self.warnings.push(twice);
            return Ok(());
        }
        self.modules.push(name);
        Ok(())
    }

    fn include(
        &mut self,
        directive: &Directive,
        into: &mut Vec<Directive>,
        depth: usize,
    ) -> Result<(), String> {
        let optional = directive.name.eq_ignore_ascii_case("includeoptional");
        let args = words(&directive.text);
        let [pattern] = args.as_slice() else {
            return Err(if optional {
                "IncludeOptional takes one argument, Name or pattern of the config file(s) to be included; \
                 ignored if the file does not exist or the pattern does not match any files"
            } else {
                "Include takes one argument, Name(s) of the config file(s) to be included; fails if the \
                 wildcard does not match at least one file"
            }
            .to_owned());
        };
        if depth >= MAX_DEPTH {
            return Err("Exceeded maximum include depth".to_owned());
        }
        let path = self.path(pattern);
        let paths = if path.contains(['*', '?', '[']) {
            let found = globs::glob(&path);
            if found.is_empty() && !optional {
                let folder = path.rsplit_once('/').map_or("/", |(folder, _)| folder);
                let last = path.rsplit('/').next().unwrap_or_default();
                return Err(format!(
                    "Include/IncludeOptional: No matches for the wildcard '{last}' in '{folder}', failing"
                ));
            }
            found
        } else {
            vec![path]
        };
        for path in paths {
            let text = match read(&path) {
                Err(_) if optional => continue,
                other => other?,
            };
            let mut lines = Lines::of(&path, &text);
            self.block(&mut lines, into, &mut Vec::new(), depth + 1)?;
        }
        Ok(())
    }

    fn expand(&mut self, text: &str) -> String {
        let (mut out, mut rest) = (String::new(), text);
        while let Some((before, after)) = rest.split_once("${") {
            let Some((name, after)) = after.split_once('}') else {
                break;
            };
            out.push_str(before);
            let value = self.defined.get(name).cloned();
            match value.or_else(|| std::env::var(name).ok()) {
                Some(value) => out.push_str(&value),
                None => {
                    self.warnings.push(format!(
                        "AH00111: Config variable ${{{name}}} is not defined"
                    ));
                    out.push_str(&format!("${{{name}}}"));
                }
            }
            rest = after;
        }
        out.push_str(rest);
        out
    }
}

fn unclosed(file: &str, open: &[(String, usize)]) -> String {
    let outer = open.first().map_or(0, |(_, line)| *line);
    let each = open.iter().rev();
    let each = each.map(|(name, line)| format!("{file}:{line}: <{name}> was not closed."));
    format!(
        "Syntax error on line {outer} of {file}: {}",
        each.collect::<Vec<_>>().join("\\n")
    )
}

fn read(path: &str) -> Result<String, String> {
    let bytes = fs::read(path).map_err(|error| {
        let words = Failure::of(&error).words;
        format!("Could not open configuration file {path}: {words}")
    })?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
