//! `getopts`: one option of a script's arguments at a time.
//!
//! Keeps its place in `OPTIND` and, within a word, in the shell's state; nothing else.

use super::super::exec::Status;
use super::super::state::Shell;

pub(super) fn getopts(shell: &mut Shell, args: &[String]) -> Status {
    let (Some(spec), Some(name)) = (args.get(1), args.get(2)) else {
        return Err(shell.fail("usage: getopts optstring var [arg]"));
    };
    let words: Vec<String> = if args.len() > 3 {
        args[3..].to_vec()
    } else {
        shell.params.to_vec()
    };
    let optind = shell.get("OPTIND").and_then(|text| text.parse().ok());
    let mut index: usize = optind.unwrap_or(1).max(1);
    // Within a word, OPTIND already counts that word.
    let mut word = match shell.getopts_at {
        at if at > 0 && index > 1 => words.get(index - 2).filter(|word| at < word.len()),
        _ => None,
    };
    if word.is_none() {
        shell.getopts_at = 0;
        word = words
            .get(index - 1)
            .filter(|word| word.len() > 1 && word.starts_with('-'));
        let Some(word) = word else {
            return finished(shell, name, index);
        };
        index += 1;
        if word == "--" {
            return finished(shell, name, index);
        }
        shell.getopts_at = 1;
    }
    let word = word.cloned().unwrap_or_default();
    let letter = word[shell.getopts_at..].chars().next().unwrap_or('?');
    shell.getopts_at += letter.len_utf8();
    let rest = &word[shell.getopts_at..];
    let silent = spec.starts_with(':');
    let known = spec
        .trim_start_matches(':')
        .split_once(letter)
        .filter(|_| letter != ':');
    let (mut value, mut argument) = (letter.to_string(), String::new());
    match known {
        None if silent => {
            value = "?".into();
            argument = letter.to_string();
        }
        None => {
            value = "?".into();
            shell.write(2, format!("Illegal option -{letter}\n").as_bytes())?;
        }
        Some((_, after)) if after.starts_with(':') => {
            shell.getopts_at = 0;
            if !rest.is_empty() {
                argument = rest.to_owned();
            } else if let Some(next) = words.get(index - 1) {
                argument.clone_from(next);
                index += 1;
            } else if silent {
                value = ":".into();
                argument = letter.to_string();
            } else {
                value = "?".into();
                let text = format!("No arg for -{letter} option\n");
                shell.write(2, text.as_bytes())?;
            }
        }
        Some(_) => {}
    }
    shell.set("OPTARG", argument)?;
    shell.set_optind(index)?;
    shell.set(name, value)?;
    Ok(0)
}

fn finished(shell: &mut Shell, name: &str, index: usize) -> Status {
    shell.set_optind(index)?;
    shell.getopts_at = 0;
    shell.set(name, "?")?;
    Ok(1)
}

impl Shell {
    /// Sets `OPTIND` without what an assignment by the script means: to begin anew.
    fn set_optind(&mut self, index: usize) -> Result<(), super::Flow> {
        let at = self.getopts_at;
        self.set("OPTIND", index.to_string())?;
        self.getopts_at = at;
        Ok(())
    }
}
