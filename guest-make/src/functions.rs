//! The functions: `$(subst …)`, `$(wildcard …)`, `$(shell …)` and the others.
//!
//! Arguments come unexpanded, because some functions expand them more than once or not at all.

use std::io::Read;

use guest_kit::process::{Pipe, Stdio};

use super::variable::{Origin, Variable};
use super::{Make, Result, pattern, text};

type Body = fn(&mut Make, &[String]) -> Result<String>;

/// Name, least and most arguments, whether they come expanded, what it does.
const FUNCTIONS: [(&str, usize, usize, bool, Body); 35] = [
    ("subst", 3, 3, true, |_, a| Ok(subst(&a[2], &a[0], &a[1]))),
    ("patsubst", 3, 3, true, |_, a| {
        each(&a[2], |word| pattern::substitute(word, a[0].trim(), &a[1]))
    }),
    ("strip", 0, 1, true, |_, a| each(&a[0], str::to_owned)),
    ("findstring", 2, 2, true, |_, a| {
        let found = a[1].contains(&a[0]);
        Ok(if found { a[0].clone() } else { String::new() })
    }),
    ("filter", 2, 2, true, |_, a| Ok(filter(&a[0], &a[1], true))),
    ("filter-out", 2, 2, true, |_, a| {
        Ok(filter(&a[0], &a[1], false))
    }),
    ("sort", 0, 1, true, |_, a| {
        let mut words: Vec<&str> = a[0].split_whitespace().collect();
        words.sort_unstable();
        words.dedup();
        Ok(words.join(" "))
    }),
    ("word", 2, 2, true, |make, a| {
        let at = position(make, &a[0], "word", "first", true)?;
        let word = a[1].split_whitespace().nth(at - 1);
        Ok(word.unwrap_or_default().to_owned())
    }),
    ("wordlist", 3, 3, true, |make, a| {
        let first = position(make, &a[0], "wordlist", "first", true)?;
        let last = position(make, &a[1], "wordlist", "second", false)?;
        let words = a[2].split_whitespace().take(last).skip(first - 1);
        Ok(words.collect::<Vec<_>>().join(" "))
    }),
    ("words", 0, 1, true, |_, a| {
        Ok(a[0].split_whitespace().count().to_string())
    }),
    ("firstword", 0, 1, true, |_, a| {
        Ok(a[0]
            .split_whitespace()
            .next()
            .unwrap_or_default()
            .to_owned())
    }),
    ("lastword", 0, 1, true, |_, a| {
        Ok(a[0]
            .split_whitespace()
            .last()
            .unwrap_or_default()
            .to_owned())
    }),
    ("dir", 0, 1, true, |_, a| {
        each(&a[0], |word| match word.rfind('/') {
            Some(at) => word[..=at].to_owned(),
            None => "./".to_owned(),
        })
    }),
    ("notdir", 0, 1, true, |_, a| {
        each(&a[0], |word| {
            word[word.rfind('/').map_or(0, |at| at + 1)..].to_owned()
        })
    }),
    ("suffix", 0, 1, true, |_, a| {
        let words = a[0].split_whitespace().map(|word| &word[dot(word)..]);
        Ok(words
            .filter(|word| !word.is_empty())
            .collect::<Vec<_>>()
            .join(" "))
    }),
    ("basename", 0, 1, true, |_, a| {
        each(&a[0], |word| word[..dot(word)].to_owned())
    }),
    ("addsuffix", 2, 2, true, |_, a| {
        each(&a[1], |word| format!("{word}{}", a[0]))
    }),
    ("addprefix", 2, 2, true, |_, a| {
        each(&a[1], |word| format!("{}{word}", a[0]))
    }),
    ("join", 2, 2, true, |_, a| {
        let (mut left, mut right) = (a[0].split_whitespace(), a[1].split_whitespace());
        let mut words = Vec::new();
        loop {
            match (left.next(), right.next()) {
                (None, None) => return Ok(words.join(" ")),
                (l, r) => words.push(format!(
                    "{}{}",
                    l.unwrap_or_default(),
                    r.unwrap_or_default()
                )),
            }
        }
    }),
    ("wildcard", 0, 1, true, |make, a| {
        let mut found = Vec::new();
        for word in a[0].split_whitespace().filter(|_| !make.options.read_only) {
            found.extend(pattern::glob(word));
        }
        Ok(found.join(" "))
    }),
    ("realpath", 0, 1, true, |make, a| {
        let words = a[0].split_whitespace().map(|word| make.absolute(word));
        let there = words.filter(|path| std::path::Path::new(path).exists());
        Ok(there.collect::<Vec<_>>().join(" "))
    }),
    ("abspath", 0, 1, true, |make, a| {
        let words = a[0].split_whitespace().map(|word| make.absolute(word));
        Ok(words.collect::<Vec<_>>().join(" "))
    }),
    ("shell", 0, 1, true, |make, a| make.shell(&a[0])),
    ("info", 0, 1, true, |make, a| {
        make.print(&a[0]);
        Ok(String::new())
    }),
    ("warning", 0, 1, true, |make, a| {
        let before = make
            .place
            .as_ref()
            .map_or_else(|| make.name(), ToString::to_string);
        make.complain(&format!("{before}: {}", a[0]));
        Ok(String::new())
    }),
    ("error", 0, 1, true, |make, a| Err(make.stop(a[0].clone()))),
    ("if", 2, 3, false, |make, a| {
        let chosen = usize::from(make.expand(a[0].trim())?.is_empty()) + 1;
        make.expand(a.get(chosen).map_or("", String::as_str))
    }),
    ("or", 1, 0, false, |make, a| {
        for arg in a {
            let value = make.expand(arg.trim())?;
            if !value.is_empty() {
                return Ok(value);
            }
        }
        Ok(String::new())
    }),
    ("and", 1, 0, false, |make, a| {
        let mut value = String::new();
        for arg in a {
            value = make.expand(arg.trim())?;
            if value.is_empty() {
                break;
            }
        }
        Ok(value)
    }),
    ("foreach", 3, 3, false, |make, a| {
        let name = make.expand(&a[0])?.trim().to_owned();
        let list = make.expand(&a[1])?;
        let mut out = Vec::new();
        for word in list.split_whitespace() {
            let scope = [(name.clone(), Variable::simple(word, Origin::Automatic))];
            make.scopes.push(scope.into_iter().collect());
            let text = make.expand(&a[2]);
            make.scopes.pop();
            out.push(text?);
        }
        Ok(out.join(" "))
    }),
    ("call", 1, 0, true, |make, a| make.call(a)),
    ("value", 0, 1, true, |make, a| {
        Ok(make
            .lookup(&a[0])
            .map_or_else(String::new, |it| it.value.clone()))
    }),
    ("origin", 0, 1, true, |make, a| {
        Ok(make
            .lookup(&a[0])
            .map_or("undefined", |it| it.origin.name())
            .to_owned())
    }),
    ("flavor", 0, 1, true, |make, a| {
        let flavor = make
            .lookup(&a[0])
            .map_or("undefined", |it| match it.recursive {
                true => "recursive",
                false => "simple",
            });
        Ok(flavor.to_owned())
    }),
    ("eval", 0, 1, true, |make, a| {
        make.eval(&a[0])?;
        Ok(String::new())
    }),
];

fn each(list: &str, change: impl Fn(&str) -> String) -> Result<String> {
    let words = list.split_whitespace().map(change);
    Ok(words.collect::<Vec<_>>().join(" "))
}

fn subst(text: &str, from: &str, to: &str) -> String {
    match from {
        "" => format!("{text}{to}"),
        from => text.replace(from, to),
    }
}

fn filter(patterns: &str, list: &str, keep: bool) -> String {
    let fits = |word: &&str| {
        patterns
            .split_whitespace()
            .any(|pattern| pattern == *word || pattern::stem(pattern, word).is_some())
    };
    let words = list.split_whitespace().filter(|word| fits(word) == keep);
    words.collect::<Vec<_>>().join(" ")
}

/// Where the suffix of a file's name begins.
fn dot(word: &str) -> usize {
    let file = word.rfind('/').map_or(0, |at| at + 1);
    word[file..].rfind('.').map_or(word.len(), |at| file + at)
}

fn position(make: &Make, text: &str, name: &str, which: &str, positive: bool) -> Result<usize> {
    let text = text.trim();
    let Ok(number) = text.parse::<usize>() else {
        let message = format!("non-numeric {which} argument to '{name}' function: '{text}'");
        return Err(make.stop(message));
    };
    if positive && number == 0 {
        let line = format!("{which} argument to '{name}' function must be greater than 0");
        return Err(make.stop(line));
    }
    Ok(number)
}

impl Make {
    /// The result, when the reference begins with the name of a function.
    pub(crate) fn function(&mut self, inner: &str) -> Result<Option<String>> {
        let end = inner.find([' ', '\t']).unwrap_or(0);
        let known = FUNCTIONS.iter().find(|(name, ..)| *name == &inner[..end]);
        let Some((name, least, most, expanded, body)) = known else {
            if matches!(&inner[..end], "file" | "guile") {
                return Err(self.stop(format!("function '{}': not in this lab", &inner[..end])));
            }
            return Ok(None);
        };
        let mut args = Vec::new();
        let mut rest = inner[end..].trim_start();
        while let Some(comma) = text::find_comma(rest).filter(|_| args.len() + 1 != *most) {
            args.push(rest[..comma].to_owned());
            rest = &rest[comma + 1..];
        }
        args.push(rest.to_owned());
        if *expanded {
            for arg in &mut args {
                *arg = self.expand(arg)?;
            }
        }
        if args.len() < *least {
            let count = args.len();
            let line = format!("insufficient number of arguments ({count}) to function '{name}'");
            return Err(self.stop(line));
        }
        body(self, &args).map(Some)
    }

    /// `$(call name,…)`: the value with `$(1)` and so on in it.
    fn call(&mut self, args: &[String]) -> Result<String> {
        let name = args[0].trim();
        if let Some((_, _, _, _, body)) = FUNCTIONS.iter().find(|(known, ..)| *known == name) {
            return body(self, &args[1..]);
        }
        let Some(variable) = self.lookup(name) else {
            return Ok(String::new());
        };
        let value = variable.value.clone();
        let mut scope = std::collections::BTreeMap::new();
        for (number, arg) in args.iter().enumerate() {
            scope.insert(number.to_string(), Variable::simple(arg, Origin::Automatic));
        }
        // A call within a call does not see the outer one's arguments.
        for number in args.len()..10 {
            scope.insert(number.to_string(), Variable::simple("", Origin::Automatic));
        }
        self.scopes.push(scope);
        let result = self.expand(&value);
        self.scopes.pop();
        result
    }

    fn absolute(&self, word: &str) -> String {
        let path = if word.starts_with('/') {
            word.to_owned()
        } else {
            format!("{}/{word}", self.cwd)
        };
        let mut parts: Vec<&str> = Vec::new();
        for part in path.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    parts.pop();
                }
                part => parts.push(part),
            }
        }
        format!("/{}", parts.join("/"))
    }

    /// The output of a command, its newlines turned into blanks.
    pub(crate) fn shell(&mut self, command: &str) -> Result<String> {
        if self.options.read_only {
            return Ok(String::new());
        }
        let mut process = self.shell_command(command)?;
        // Make's own environment, as GNU make 4.3 has it: exported variables are for recipes.
        process.env = std::env::vars().collect();
        let pipe = Pipe::new();
        let mut reader = pipe.reader();
        process.stdout = Stdio::Stream(pipe.writer());
        let started = process.spawn();
        drop(pipe);
        let mut bytes = Vec::new();
        let status = match started {
            Ok(child) => {
                // A reader that fails has nothing more to give.
                let _ = reader.read_to_end(&mut bytes);
                child.wait().status()
            }
            Err(_) => {
                let shell = self.value_of("SHELL")?;
                self.complain(&format!(
                    "{}: {shell}: No such file or directory",
                    self.name()
                ));
                127
            }
        };
        let status = Variable::simple(status.to_string(), Origin::Override);
        self.variables.set(".SHELLSTATUS", status);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Ok(text
            .trim_end_matches('\n')
            .replace("\r\n", " ")
            .replace('\n', " "))
    }
}
