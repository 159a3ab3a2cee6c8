//! Completion: what may stand where the cursor is.
//!
//! Commands, files, variables, homes; for `kubectl` it asks kubectl. Nothing here draws.

use std::io::Read;
use std::rc::Rc;

use guest_kit::process::{Command, Pipe, Stdio};

use super::super::edit::Completion;
use super::super::state::Shell;
use super::super::{builtins, parse};

/// The word before the cursor and what it belongs to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Context {
    /// The words of the command before it, quotes taken off.
    words: Vec<String>,
    /// The word, quotes taken off.
    word: String,
    /// How many characters it has as typed.
    typed: usize,
    quote: Option<char>,
    /// It is the target of a redirection.
    redirect: bool,
}

/// Reads the text before the cursor as far as completion needs it.
fn context(before: &str) -> Context {
    let mut context = Context::default();
    let mut begun = false;
    let mut chars = before.chars();
    while let Some(c) = chars.next() {
        if let Some(quote) = context.quote {
            context.typed += 1;
            match c {
                c if c == quote => context.quote = None,
                '\\' if quote == '"' => {
                    context.typed += 1;
                    context.word.extend(chars.next());
                }
                c => context.word.push(c),
            }
            continue;
        }
        match c {
            ' ' | '\t' | '\n' => {
                if begun && !context.redirect {
                    context.words.push(std::mem::take(&mut context.word));
                }
                if begun {
                    context.redirect = false;
                }
                context.word.clear();
                (context.typed, begun) = (0, false);
                continue;
            }
            ';' | '|' | '&' | '(' | '{' => {
                context = Context::default();
                begun = false;
                continue;
            }
            '<' | '>' => {
                context.word.clear();
                context.redirect = true;
                (context.typed, begun) = (0, false);
                continue;
            }
            '\'' | '"' => context.quote = Some(c),
            '\\' => {
                context.typed += 1;
                context.word.extend(chars.next());
            }
            c => context.word.push(c),
        }
        begun = true;
        context.typed += 1;
    }
    context
}

/// Characters of a name that need a backslash.
fn escaped(name: &str, quote: Option<char>) -> String {
    let mut out = String::new();
    for c in name.chars() {
        let special = match quote {
            None => " \t'\"\\$`*?[]()&|;<>!#{}".contains(c),
            Some('"') => "\"\\$`".contains(c),
            Some(_) => false,
        };
        if special {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

impl Shell {
    /// What may stand before the cursor.
    pub(super) fn complete(&mut self, before: &str) -> Completion {
        let context = context(before);
        if let Some(found) = self.variables_for(&context) {
            return found;
        }
        let words = self.without_assignments(&context.words);
        let command = words.is_empty() && !context.redirect;
        if command && !context.word.contains('/') {
            return self.commands(&context);
        }
        let first = words.first().map(String::as_str).unwrap_or_default();
        let kubectl = self.means_kubectl(first);
        if kubectl
            && !context.redirect
            && let Some(found) = self.kubectl(&words, &context)
        {
            return found;
        }
        let directories = matches!(first, "cd" | "rmdir" | "pushd");
        self.files(&context, directories)
    }

    fn without_assignments(&self, words: &[String]) -> Vec<String> {
        let assigns = |word: &&String| {
            let name = word.split_once('=').map(|(name, _)| name);
            name.is_some_and(parse::is_name) || parse::is_reserved(word)
        };
        words.iter().skip_while(assigns).cloned().collect()
    }

    fn means_kubectl(&self, first: &str) -> bool {
        let aliased = self.aliases.get(first).map(String::as_str).unwrap_or(first);
        let word = aliased.split_whitespace().next().unwrap_or_default();
        word == "kubectl" || word.ends_with("/kubectl")
    }

    fn variables_for(&self, context: &Context) -> Option<Completion> {
        if context.quote == Some('\'') {
            return None;
        }
        let at = context.word.rfind('$')?;
        let (open, start) = match context.word[at + 1..].strip_prefix('{') {
            Some(start) => ("{", start),
            None => ("", &context.word[at + 1..]),
        };
        if !start.is_empty() && !parse::is_name(start) {
            return None;
        }
        let close = if open.is_empty() { "" } else { "}" };
        let names: Vec<&String> = self
            .variables
            .keys()
            .filter(|name| name.starts_with(start))
            .collect();
        Some(Completion {
            replaced: start.chars().count(),
            shown: names.iter().map(|name| (*name).clone()).collect(),
            candidates: names.iter().map(|name| format!("{name}{close}")).collect(),
            whole: false,
        })
    }

    fn commands(&self, context: &Context) -> Completion {
        let mut found: Vec<String> = builtins::names().map(str::to_owned).collect();
        found.extend(self.functions.keys().cloned());
        found.extend(self.aliases.keys().cloned());
        for dir in self.get("PATH").unwrap_or_default().split(':') {
            let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
            found.extend(entries.map(|entry| entry.file_name().to_string_lossy().into_owned()));
        }
        found.retain(|name| name.starts_with(&context.word));
        found.sort();
        found.dedup();
        if found.is_empty() {
            return self.files(context, false);
        }
        Completion {
            replaced: context.typed,
            shown: found.clone(),
            candidates: found,
            whole: true,
        }
    }

    fn files(&self, context: &Context, directories: bool) -> Completion {
        let word = &context.word;
        if word == "~" || (word.starts_with('~') && !word.contains('/')) {
            return Completion {
                replaced: context.typed,
                candidates: vec!["~/".into()],
                shown: vec!["~/".into()],
                whole: false,
            };
        }
        let (dir, start) = match word.rfind('/') {
            Some(at) => word.split_at(at + 1),
            None => ("", word.as_str()),
        };
        let home = self.get("HOME").unwrap_or("/");
        let place = match dir.strip_prefix("~/") {
            Some(rest) => format!("{home}/{rest}"),
            None => self.absolute(dir),
        };
        let mut found: Vec<(String, bool)> = std::fs::read_dir(place)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| {
                (
                    entry.file_name().to_string_lossy().into_owned(),
                    entry.path().is_dir(),
                )
            })
            .filter(|(name, is_dir)| {
                let hidden = name.starts_with('.') && !start.starts_with('.');
                name.starts_with(start) && !hidden && (*is_dir || !directories)
            })
            .collect();
        found.sort();
        let slash = |is_dir: bool| if is_dir { "/" } else { "" };
        let quote = context
            .quote
            .map_or_else(String::new, |quote| quote.to_string());
        let candidates = found.iter().map(|(name, is_dir)| {
            let tilde = dir.starts_with("~/") && context.quote.is_none();
            let dir = match (tilde, dir.strip_prefix('~')) {
                (true, Some(rest)) => format!("~{}", escaped(rest, None)),
                _ => escaped(dir, context.quote),
            };
            let close = match is_dir {
                true => "",
                false => quote.as_str(),
            };
            format!(
                "{quote}{dir}{}{}{close}",
                escaped(name, context.quote),
                slash(*is_dir)
            )
        });
        let lone_directory = found.len() == 1 && found[0].1;
        Completion {
            replaced: context.typed,
            candidates: candidates.collect(),
            shown: found
                .iter()
                .map(|(name, is_dir)| format!("{name}{}", slash(*is_dir)))
                .collect(),
            whole: !lone_directory,
        }
    }

    /// Asks `kubectl __complete`: lines of candidates, then `:DIRECTIVE`. Nothing when it refuses.
    fn kubectl(&mut self, words: &[String], context: &Context) -> Option<Completion> {
        const ERROR: u32 = 1;
        const NO_SPACE: u32 = 2;
        const NO_FILES: u32 = 4;
        let pipe = Pipe::new();
        let mut reader = pipe.reader();
        let mut command = Command::new("kubectl").arg("__complete");
        for word in &words[1..] {
            command = command.arg(word.clone());
        }
        command = command.arg(context.word.clone());
        command.env = self.environment();
        command.cwd.clone_from(&self.cwd);
        command.stdin = Stdio::Null;
        command.stdout = Stdio::Stream(pipe.writer());
        command.stderr = Stdio::Null;
        let child = Rc::new(command.spawn().ok()?);
        drop(pipe);
        let mut text = String::new();
        reader.read_to_string(&mut text).ok()?;
        child.wait();
        let (list, directive) = answer(&text)?;
        if directive & ERROR != 0 || (list.is_empty() && directive & NO_FILES == 0) {
            return None;
        }
        let mut list: Vec<String> = list
            .into_iter()
            .filter(|name| name.starts_with(&context.word))
            .collect();
        list.sort();
        Some(Completion {
            replaced: context.typed,
            shown: list.clone(),
            candidates: list
                .iter()
                .map(|name| escaped(name, context.quote))
                .collect(),
            whole: directive & NO_SPACE == 0,
        })
    }
}

/// Candidates without their descriptions, and the directive of the last line.
fn answer(text: &str) -> Option<(Vec<String>, u32)> {
    let mut lines: Vec<&str> = text.lines().collect();
    let at = lines.iter().rposition(|line| line.starts_with(':'))?;
    let directive = lines[at][1..].trim().parse().ok()?;
    lines.truncate(at);
    let names = lines
        .iter()
        .map(|line| line.split('\t').next().unwrap_or(line));
    Some((names.map(str::to_owned).collect(), directive))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(before: &str, words: &[&str], word: &str, typed: usize) {
        let found = context(before);
        assert_eq!(found.words, words, "{before:?}");
        assert_eq!(
            (found.word.as_str(), found.typed),
            (word, typed),
            "{before:?}"
        );
    }

    #[test]
    fn the_word_before_the_cursor_is_found_in_its_command() {
        check("", &[], "", 0);
        check("ec", &[], "ec", 2);
        check("echo a | gr", &[], "gr", 2);
        check("kubectl get po", &["kubectl", "get"], "po", 2);
        check("cat 'a b' my\\ fi", &["cat", "a b"], "my fi", 6);
        check("cat 'a b", &["cat"], "a b", 4);
        check("echo x > fi", &["echo", "x"], "fi", 2);
        check("echo x > file y", &["echo", "x"], "y", 1);
        check("a; b ", &["b"], "", 0);
    }

    #[test]
    fn kubectl_answers_with_candidates_and_a_directive() {
        let (names, directive) = answer("pods\tPods\npodtemplates\n:4\n").expect("an answer");
        assert_eq!(
            (names, directive),
            (vec!["pods".into(), "podtemplates".into()], 4)
        );
        assert_eq!(answer("error: unknown command\n"), None);
    }

    #[test]
    fn names_are_escaped_as_they_were_begun() {
        assert_eq!(escaped("a b$c", None), "a\\ b\\$c");
        assert_eq!(escaped("a b$c", Some('"')), "a b\\$c");
        assert_eq!(escaped("a b$c", Some('\'')), "a b$c");
    }
}
