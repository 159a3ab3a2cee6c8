//! The command line, and `MAKEFLAGS`, which says it again to a make below.
//!
//! Never reads a file.

/// What was asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    pub(crate) files: Vec<String>,
    pub(crate) directories: Vec<String>,
    pub(crate) include: Vec<String>,
    pub(crate) goals: Vec<String>,
    /// `NAME=value` of the command line, as they were typed.
    pub(crate) assignments: Vec<String>,
    pub(crate) always: bool,
    pub(crate) environment: bool,
    pub(crate) ignore: bool,
    pub(crate) keep_going: bool,
    pub(crate) just_print: bool,
    pub(crate) question: bool,
    pub(crate) silent: bool,
    pub(crate) touch: bool,
    pub(crate) print_directory: Option<bool>,
    pub(crate) warn_undefined: bool,
    /// `-r`, `-R`, `-j`, `-O`: what makes no difference here but is handed on.
    pub(crate) handed_on: String,
    /// For tests: nothing outside is touched.
    pub(crate) read_only: bool,
}

/// The command line ends make at once.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) text: String,
    pub(crate) code: i32,
}

const USAGE: &str = "Usage: make [options] [target] ...
Options:
  -B, --always-make           Make every target, old or not.
  -C DIRECTORY, --directory=DIRECTORY
                              Go there first.
  -e, --environment-overrides Variables of the environment win over makefiles.
  -f FILE, --file=FILE, --makefile=FILE
                              Read this makefile.
  -h, --help                  Print this and end.
  -i, --ignore-errors         Go on after recipes that fail.
  -I DIRECTORY, --include-dir=DIRECTORY
                              Look for included makefiles there too.
  -j [N], --jobs[=N]          Accepted; one recipe runs at a time.
  -k, --keep-going            Make what does not depend on what failed.
  -n, --just-print, --dry-run, --recon
                              Print recipes, do not run them.
  -q, --question              Run nothing; the exit code says whether all is new.
  -r, --no-builtin-rules      Accepted; there are none.
  -R, --no-builtin-variables  Accepted with -r.
  -s, --silent, --quiet       Do not print recipes.
  -S, --no-keep-going, --stop Take back -k.
  -t, --touch                 Touch targets instead of making them.
  -v, --version               Print the version and end.
  -w, --print-directory       Print the directory.
  --no-print-directory        Take back -w.
  --warn-undefined-variables  Warn of variables that are not set.
";

const LONG: [(&str, char); 30] = [
    ("always-make", 'B'),
    ("directory", 'C'),
    ("environment-overrides", 'e'),
    ("file", 'f'),
    ("makefile", 'f'),
    ("help", 'h'),
    ("ignore-errors", 'i'),
    ("include-dir", 'I'),
    ("jobs", 'j'),
    ("keep-going", 'k'),
    ("load-average", 'l'),
    ("max-load", 'l'),
    ("just-print", 'n'),
    ("dry-run", 'n'),
    ("recon", 'n'),
    ("output-sync", 'O'),
    ("question", 'q'),
    ("no-builtin-rules", 'r'),
    ("no-builtin-variables", 'R'),
    ("silent", 's'),
    ("quiet", 's'),
    ("no-silent", '0'),
    ("no-keep-going", 'S'),
    ("stop", 'S'),
    ("touch", 't'),
    ("version", 'v'),
    ("print-directory", 'w'),
    ("no-print-directory", '1'),
    ("warn-undefined-variables", '2'),
    ("eval", 'E'),
];

fn refused(message: &str) -> Ended {
    Ended {
        text: format!("make: {message}\n{USAGE}"),
        code: 2,
    }
}

/// Reads the arguments behind those of `MAKEFLAGS`.
pub(crate) fn options(args: &[String]) -> Result<Options, Ended> {
    let mut options = Options::default();
    let inherited = std::env::var("MAKEFLAGS").unwrap_or_default();
    let (flags, assignments) = match inherited.split_once("-- ") {
        Some((flags, assignments)) => (flags.to_owned(), words(assignments)),
        None => (inherited, Vec::new()),
    };
    let mut all: Vec<String> = Vec::new();
    for (index, word) in flags.split_whitespace().enumerate() {
        let bare = index == 0 && !word.starts_with('-') && !word.contains('=');
        all.push(if bare {
            format!("-{word}")
        } else {
            word.to_owned()
        });
    }
    read(&mut options, &all)?;
    read(&mut options, &assignments)?;
    read(&mut options, args.get(1..).unwrap_or_default())?;
    Ok(options)
}

/// Words with backslashes before blanks that belong to them.
fn words(text: &str) -> Vec<String> {
    let (mut all, mut word) = (Vec::new(), String::new());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => word.extend(chars.next()),
            ' ' => all.push(std::mem::take(&mut word)),
            c => word.push(c),
        }
    }
    all.push(word);
    all.retain(|word| !word.is_empty());
    all
}

fn read(options: &mut Options, args: &[String]) -> Result<(), Ended> {
    let mut rest = args.iter().peekable();
    let mut only_operands = false;
    while let Some(arg) = rest.next() {
        if only_operands || arg == "-" || !arg.starts_with('-') {
            operand(options, arg);
        } else if arg == "--" {
            only_operands = true;
        } else if let Some(long) = arg.strip_prefix("--") {
            let (name, value) = match long.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (long, None),
            };
            let known = LONG.iter().find(|(known, _)| *known == name);
            let Some((_, letter)) = known else {
                return Err(refused(&format!("unrecognized option '--{name}'")));
            };
            let value =
                match (needs(*letter), value) {
                    (true, None) => Some(rest.next().cloned().ok_or_else(|| {
                        refused(&format!("option '--{name}' requires an argument"))
                    })?),
                    (_, value) => value,
                };
            letter_option(options, *letter, value.as_deref().unwrap_or_default())?;
        } else {
            let mut letters = arg[1..].chars();
            while let Some(letter) = letters.next() {
                let joined = letters.as_str();
                if needs(letter) {
                    let value = match joined {
                        "" => rest.next().map(String::as_str),
                        joined => Some(joined),
                    };
                    let Some(value) = value else {
                        let line = format!("option requires an argument -- '{letter}'");
                        return Err(refused(&line));
                    };
                    letter_option(options, letter, value)?;
                    break;
                }
                if matches!(letter, 'j' | 'l' | 'O') {
                    // A number may follow, joined or as the next word.
                    let digits = joined.bytes().take_while(u8::is_ascii_digit).count();
                    if letter == 'O' {
                        letters = "".chars();
                    } else if digits > 0 {
                        letters = joined[digits..].chars();
                    } else if joined.is_empty() {
                        let number =
                            |next: &&String| next.bytes().all(|byte| byte.is_ascii_digit());
                        rest.next_if(number);
                    }
                    continue;
                }
                letter_option(options, letter, "")?;
            }
        }
    }
    Ok(())
}

fn needs(letter: char) -> bool {
    matches!(letter, 'C' | 'f' | 'I' | 'o' | 'W' | 'E')
}

fn operand(options: &mut Options, arg: &str) {
    let assigns = arg.find('=').is_some_and(|at| {
        let name = arg[..at].trim_end_matches([':', '?', '+', '!']);
        !name.is_empty() && !name.contains([' ', '/'])
    });
    if assigns {
        options.assignments.push(arg.to_owned());
    } else if !arg.is_empty() {
        options.goals.push(arg.to_owned());
    }
}

fn letter_option(options: &mut Options, letter: char, value: &str) -> Result<(), Ended> {
    match letter {
        'B' => options.always = true,
        'C' => options.directories.push(value.to_owned()),
        'e' => options.environment = true,
        'f' => options.files.push(value.to_owned()),
        'i' => options.ignore = true,
        'I' => options.include.push(value.to_owned()),
        'k' => options.keep_going = true,
        'S' => options.keep_going = false,
        'n' => options.just_print = true,
        'q' => options.question = true,
        's' => options.silent = true,
        '0' => options.silent = false,
        't' => options.touch = true,
        'w' => options.print_directory = Some(true),
        '1' => options.print_directory = Some(false),
        '2' => options.warn_undefined = true,
        // One recipe runs at a time and there are no built-in rules: nothing changes.
        'j' | 'l' | 'O' => {}
        'r' | 'R' => {
            if !options.handed_on.contains(letter) {
                options.handed_on.push(letter);
            }
        }
        'v' => {
            return Err(Ended {
                text: "GNU Make 4.3\nThis is the lab's own make, which follows it.\n".into(),
                code: 0,
            });
        }
        'h' => {
            return Err(Ended {
                text: USAGE.into(),
                code: 0,
            });
        }
        'd' | 'o' | 'p' | 'W' | 'L' | 'b' | 'm' | 'E' => {
            return Err(Ended {
                text: format!("make: option -{letter}: not in this lab\n"),
                code: 2,
            });
        }
        letter => return Err(refused(&format!("invalid option -- '{letter}'"))),
    }
    Ok(())
}

impl Options {
    /// What `MAKEFLAGS` says: letters first, then long options, then assignments.
    pub(crate) fn flags(&self, with_directory: bool) -> String {
        let letters = [
            (self.always, 'B'),
            (self.environment, 'e'),
            (self.ignore, 'i'),
            (self.keep_going, 'k'),
            (self.just_print, 'n'),
            (self.question, 'q'),
            (self.handed_on.contains('r'), 'r'),
            (self.handed_on.contains('R'), 'R'),
            (self.silent, 's'),
            (self.touch, 't'),
            (with_directory, 'w'),
        ];
        let set = letters.iter().filter(|(on, _)| *on);
        let mut text: String = set.map(|(_, letter)| *letter).collect();
        for directory in &self.include {
            text.push_str(&format!(" -I{directory}"));
        }
        if self.print_directory == Some(false) {
            text.push_str(" --no-print-directory");
        }
        if self.warn_undefined {
            text.push_str(" --warn-undefined-variables");
        }
        if !self.assignments.is_empty() {
            text.push_str(" -- ");
            text.push_str(&self.overrides());
        }
        text
    }

    /// The assignments of the command line in one line.
    pub(crate) fn overrides(&self) -> String {
        let escaped = self.assignments.iter().map(|word| {
            let word = word.replace('\\', "\\\\").replace(' ', "\\ ");
            word.replace('$', "$$")
        });
        escaped.collect::<Vec<_>>().join(" ")
    }
}
