//! `find`: walks directories and tests what it meets. It never asks for what files here do not
//! have (owners, link counts, inodes, times of access): such tests are refused as unknown.

use std::collections::VecDeque;
use std::fs::{self, Metadata};
use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use super::regex::{Around, Regex, Syntax};
use super::{Applet, Io, Outcome, Stop, reason};

pub(super) const APPLETS: &[Applet] = &[Applet {
    name: "find",
    operands: "[-HL] [PATH]... [OPTIONS] [ACTIONS]",
    help: "Search for files and perform actions on them.\n\
        Options: -follow -maxdepth N -mindepth N -depth\n\
        Tests: -name -iname -path -ipath -regex PATTERN, -type f|d|l, -size N[bck],\n\
        -mtime DAYS -mmin MINS -newer FILE -perm MASK -empty -executable -prune\n\
        Actions: -print -print0 -delete -quit -exec CMD ARG ; -exec CMD ARG {} +\n\
        Joined by: ( ) ! -a -o",
    flags: &[],
    run: find,
}];

/// More, less or exactly.
struct Count {
    sign: Option<char>,
    number: u64,
}

impl Count {
    fn holds(&self, value: i64, unit: u64) -> bool {
        let value = i128::from(value);
        let low = i128::from(self.number) * i128::from(unit);
        let high = low + i128::from(unit);
        match self.sign {
            Some('+') => value >= high,
            Some(_) => value < low,
            None => (low..high).contains(&value),
        }
    }
}

enum Test {
    Name(String, bool),
    Path(String, bool),
    Regex(Box<Regex>),
    Kind(char),
    Size(Count),
    /// An age in units of so many seconds.
    Age(Count, u64),
    Newer(SystemTime),
    Perm(Option<char>, u32),
    Empty,
    Executable,
    Always,
    Prune,
    Quit,
    Delete,
    Print(char),
    Exec(Vec<String>),
    /// The place of the command in [`Walk::batches`].
    ExecMany(usize),
}

enum Node {
    Test(Test),
    Not(Box<Self>),
    /// Alternatives of sequences.
    Any(Vec<Vec<Self>>),
}

#[derive(Default)]
struct Plan {
    least: usize,
    most: Option<usize>,
    depth_first: bool,
    follow: bool,
    acts: bool,
    batches: Vec<Vec<String>>,
}

fn find(io: &mut Io<'_>) -> Outcome {
    let mut args: VecDeque<String> = io.args[1..].iter().cloned().collect();
    let mut plan = Plan::default();
    let mut follow_start = false;
    while let Some(option) = args.front().filter(|arg| *arg == "-H" || *arg == "-L") {
        follow_start = true;
        plan.follow = option == "-L";
        args.pop_front();
    }
    let mut starts = Vec::new();
    while let Some(path) = args
        .front()
        .filter(|arg| !arg.starts_with('-') && *arg != "(" && *arg != "!")
    {
        starts.push(path.clone());
        args.pop_front();
    }
    if starts.is_empty() {
        starts.push(".".into());
    }
    let mut tests = alternatives(io, &mut args, &mut plan)?;
    if let Some(left) = args.front() {
        return Err(io.fail(&format!("unrecognized: {left}")));
    }
    if !plan.acts {
        let print = Node::Test(Test::Print('\n'));
        tests = Node::Any(vec![vec![tests, print]]);
    }
    let collected = plan.batches.iter().map(|_| Vec::new()).collect();
    let mut walk = Walk {
        plan,
        tests,
        collected,
        now: SystemTime::now(),
        status: 0,
        quit: false,
    };
    for start in starts {
        let follow = follow_start || walk.plan.follow;
        walk.visit(io, &start, 0, follow)?;
        if walk.quit {
            break;
        }
    }
    for batch in 0..walk.collected.len() {
        walk.flush(io, batch)?;
    }
    Ok(walk.status)
}

fn alternatives(
    io: &mut Io<'_>,
    args: &mut VecDeque<String>,
    plan: &mut Plan,
) -> Result<Node, Stop> {
    let mut any = vec![Vec::new()];
    while let Some(word) = args.front().cloned() {
        match word.as_str() {
            ")" => break,
            "-o" | "-or" => {
                args.pop_front();
                any.push(Vec::new());
            }
            "-a" | "-and" => {
                args.pop_front();
            }
            _ => {
                let node = one(io, args, plan)?;
                if let Some(last) = any.last_mut() {
                    last.push(node);
                }
            }
        }
    }
    Ok(Node::Any(any))
}

fn one(io: &mut Io<'_>, args: &mut VecDeque<String>, plan: &mut Plan) -> Result<Node, Stop> {
    let word = args.pop_front().unwrap_or_default();
    match word.as_str() {
        "!" | "-not" if args.is_empty() => Err(io.fail(&format!("{word} requires an argument"))),
        "!" | "-not" => Ok(Node::Not(Box::new(one(io, args, plan)?))),
        "(" => {
            let inner = alternatives(io, args, plan)?;
            match args.pop_front() {
                Some(_) => Ok(inner),
                None => Err(io.fail("unpaired '('")),
            }
        }
        _ => test(io, &word, args, plan).map(Node::Test),
    }
}

/// One word and what belongs to it.
fn test(
    io: &mut Io<'_>,
    word: &str,
    args: &mut VecDeque<String>,
    plan: &mut Plan,
) -> Result<Test, Stop> {
    let plain = match word {
        "-follow" => {
            plan.follow = true;
            Test::Always
        }
        "-depth" => {
            plan.depth_first = true;
            Test::Always
        }
        "-empty" => Test::Empty,
        "-executable" => Test::Executable,
        "-prune" => Test::Prune,
        "-quit" => Test::Quit,
        "-print" | "-print0" => {
            plan.acts = true;
            Test::Print(if word == "-print" { '\n' } else { '\0' })
        }
        "-delete" => {
            plan.acts = true;
            plan.depth_first = true;
            Test::Delete
        }
        "-exec" => {
            plan.acts = true;
            return exec(io, args, plan);
        }
        "-name" | "-iname" | "-path" | "-ipath" | "-regex" | "-type" | "-size" | "-mtime"
        | "-mmin" | "-newer" | "-perm" | "-maxdepth" | "-mindepth" => {
            let Some(argument) = args.pop_front() else {
                return Err(io.fail(&format!("{word} requires an argument")));
            };
            return test_of(io, word, &argument, plan);
        }
        _ => return Err(io.usage_after(&format!("unrecognized: {word}"))),
    };
    Ok(plain)
}

fn test_of(io: &mut Io<'_>, word: &str, argument: &str, plan: &mut Plan) -> Result<Test, Stop> {
    Ok(match word {
        "-name" => Test::Name(argument.to_owned(), false),
        "-iname" => Test::Name(argument.to_lowercase(), true),
        "-path" => Test::Path(argument.to_owned(), false),
        "-ipath" => Test::Path(argument.to_lowercase(), true),
        "-regex" => match Regex::any_of(&[argument], Syntax::default(), Around::Nothing) {
            Ok(regex) => Test::Regex(Box::new(regex)),
            Err(why) => return Err(io.fail(&format!("bad regex '{argument}': {why}"))),
        },
        "-type" => match argument {
            "f" | "d" | "l" | "b" | "c" | "p" | "s" => {
                Test::Kind(argument.chars().next().unwrap_or('f'))
            }
            _ => return Err(io.fail(&format!("invalid argument '{argument}' to '{word}'"))),
        },
        "-size" => {
            let digits = argument.trim_end_matches(['b', 'c', 'w', 'k']);
            let factor = match &argument[digits.len()..] {
                "" | "b" => 512,
                "c" => 1,
                "w" => 2,
                "k" => 1024,
                _ => return Err(io.fail(&format!("invalid number '{argument}'"))),
            };
            let mut count = count(io, digits)?;
            count.number = count.number.saturating_mul(factor);
            Test::Size(count)
        }
        "-mtime" => Test::Age(count(io, argument)?, 86_400),
        "-mmin" => Test::Age(count(io, argument)?, 60),
        "-newer" => match fs::metadata(argument).and_then(|found| found.modified()) {
            Ok(time) => Test::Newer(time),
            Err(error) => return Err(io.fail(&format!("{argument}: {}", reason(&error)))),
        },
        "-perm" => {
            let sign = argument.chars().next().filter(|sign| "+-/".contains(*sign));
            let mask = &argument[sign.map_or(0, char::len_utf8)..];
            match super::files::changed_mode(0, mask) {
                Some(mode) => Test::Perm(sign, mode),
                None => return Err(io.fail(&format!("invalid mode '{mask}'"))),
            }
        }
        _ => {
            let Ok(number) = argument.parse() else {
                return Err(io.fail(&format!("invalid number '{argument}'")));
            };
            if word == "-maxdepth" {
                plan.most = Some(number);
            } else {
                plan.least = number;
            }
            Test::Always
        }
    })
}

fn count(io: &mut Io<'_>, text: &str) -> Result<Count, Stop> {
    let sign = text.chars().next().filter(|sign| "+-".contains(*sign));
    let digits = &text[sign.map_or(0, char::len_utf8)..];
    match digits.parse() {
        Ok(number) => Ok(Count { sign, number }),
        Err(_) => Err(io.fail(&format!("invalid number '{digits}'"))),
    }
}

fn exec(io: &mut Io<'_>, args: &mut VecDeque<String>, plan: &mut Plan) -> Result<Test, Stop> {
    let mut command = Vec::new();
    loop {
        match args.pop_front().as_deref() {
            Some(";") => break,
            Some("+") if command.last().is_some_and(|last| last == "{}") => {
                plan.batches.push(command);
                return Ok(Test::ExecMany(plan.batches.len() - 1));
            }
            Some(word) => command.push(word.to_owned()),
            None => return Err(io.fail("-exec requires an argument")),
        }
    }
    if command.is_empty() {
        return Err(io.fail("-exec requires an argument"));
    }
    Ok(Test::Exec(command))
}

/// The walk, and what it has gathered.
struct Walk {
    plan: Plan,
    tests: Node,
    collected: Vec<Vec<String>>,
    now: SystemTime,
    status: i32,
    quit: bool,
}

/// What is being tested.
struct Found<'a> {
    path: &'a str,
    metadata: Metadata,
    pruned: bool,
}

impl Walk {
    fn visit(
        &mut self,
        io: &mut Io<'_>,
        path: &str,
        depth: usize,
        follow: bool,
    ) -> Result<(), Stop> {
        let metadata = match fs::metadata(path) {
            Ok(metadata) if follow => Ok(metadata),
            _ => fs::symlink_metadata(path),
        };
        let metadata = match metadata {
            Ok(metadata) => metadata,
            Err(error) => {
                io.complain(&format!("{path}: {}", reason(&error)));
                self.status = 1;
                return Ok(());
            }
        };
        let mut found = Found {
            path,
            metadata,
            pruned: false,
        };
        let acts = depth >= self.plan.least;
        if acts && !self.plan.depth_first {
            self.act(io, &mut found)?;
        }
        let below = found.metadata.is_dir()
            && !found.pruned
            && self.plan.most.is_none_or(|most| depth < most);
        if below && !self.quit {
            self.children(io, path, depth)?;
        }
        if acts && self.plan.depth_first && !self.quit {
            self.act(io, &mut found)?;
        }
        Ok(())
    }

    fn children(&mut self, io: &mut Io<'_>, path: &str, depth: usize) -> Result<(), Stop> {
        let entries = match fs::read_dir(path) {
            Ok(entries) => entries,
            Err(error) => {
                io.complain(&format!("{path}: {}", reason(&error)));
                self.status = 1;
                return Ok(());
            }
        };
        let mut names: Vec<String> = entries
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        let gap = if path.ends_with('/') { "" } else { "/" };
        for name in names {
            self.visit(
                io,
                &format!("{path}{gap}{name}"),
                depth + 1,
                self.plan.follow,
            )?;
            if self.quit {
                break;
            }
        }
        Ok(())
    }

    fn act(&mut self, io: &mut Io<'_>, found: &mut Found<'_>) -> Result<(), Stop> {
        let tests = std::mem::replace(&mut self.tests, Node::Any(Vec::new()));
        let done = self.holds(io, &tests, found);
        self.tests = tests;
        done.map(|_| ())
    }

    fn holds(&mut self, io: &mut Io<'_>, node: &Node, found: &mut Found<'_>) -> Result<bool, Stop> {
        match node {
            Node::Not(inner) => Ok(!self.holds(io, inner, found)?),
            Node::Any(any) => {
                'alternatives: for sequence in any {
                    for part in sequence {
                        let held = self.holds(io, part, found)?;
                        if self.quit {
                            return Ok(false);
                        }
                        if !held {
                            continue 'alternatives;
                        }
                    }
                    return Ok(true);
                }
                Ok(false)
            }
            Node::Test(Test::Exec(command)) => {
                let filled = command.iter().map(|word| word.replace("{}", found.path));
                let filled = filled.collect();
                Ok(run(io, filled)? == 0)
            }
            Node::Test(Test::ExecMany(batch)) => {
                self.collected[*batch].push(found.path.to_owned());
                let length: usize = self.collected[*batch].iter().map(String::len).sum();
                if length > 32 * 1024 {
                    self.flush(io, *batch)?;
                }
                Ok(true)
            }
            Node::Test(Test::Print(end)) => {
                write!(io.out, "{}{end}", found.path)?;
                Ok(true)
            }
            Node::Test(Test::Delete) => {
                let gone = if found.path == "." {
                    Ok(())
                } else if found.metadata.is_dir() {
                    fs::remove_dir(found.path)
                } else {
                    fs::remove_file(found.path)
                };
                if let Err(error) = gone {
                    io.complain(&format!("{}: {}", found.path, reason(&error)));
                    self.status = 1;
                }
                Ok(true)
            }
            Node::Test(Test::Quit) => {
                self.quit = true;
                Ok(false)
            }
            Node::Test(Test::Prune) => {
                found.pruned = true;
                Ok(true)
            }
            Node::Test(test) => Ok(matches(test, found, self.now)),
        }
    }

    /// Runs a command with all that was gathered for it.
    fn flush(&mut self, io: &mut Io<'_>, batch: usize) -> Result<(), Stop> {
        let paths = std::mem::take(&mut self.collected[batch]);
        if paths.is_empty() {
            return Ok(());
        }
        let mut command = self.plan.batches[batch].clone();
        command.pop();
        command.extend(paths);
        if run(io, command)? != 0 {
            self.status = 1;
        }
        Ok(())
    }
}

fn run(io: &mut Io<'_>, command: Vec<String>) -> Outcome {
    match super::command::start(io, command, None) {
        Ok(child) => Ok(child.wait().status()),
        Err(Stop::Status(status)) => Ok(status),
        Err(error) => Err(error),
    }
}

/// The tests that only look.
fn matches(test: &Test, found: &Found<'_>, now: SystemTime) -> bool {
    let kind = found.metadata.file_type();
    let mode = || match kind.is_symlink() {
        true => 0o777,
        false => guest_kit::files::mode(found.path).unwrap_or(0),
    };
    let like = |pattern: &str, text: &str, fold: bool| match fold {
        true => crate::sh::pattern_matches(pattern, &text.to_lowercase()),
        false => crate::sh::pattern_matches(pattern, text),
    };
    match test {
        Test::Name(pattern, fold) => {
            let trimmed = found.path.trim_end_matches('/');
            let name = match trimmed.rsplit('/').next() {
                Some("") | None => found.path,
                Some(name) => name,
            };
            like(pattern, name, *fold)
        }
        Test::Path(pattern, fold) => like(pattern, found.path, *fold),
        Test::Regex(regex) => regex.is_match(found.path.as_bytes()),
        Test::Kind('f') => kind.is_file(),
        Test::Kind('d') => kind.is_dir(),
        Test::Kind('l') => kind.is_symlink(),
        // Files here are of no other kind that the standard library can tell.
        Test::Kind(_) => false,
        Test::Size(count) => {
            let size = found.metadata.len();
            match count.sign {
                Some('+') => size > count.number,
                Some(_) => size < count.number,
                None => size == count.number,
            }
        }
        Test::Age(count, unit) => {
            let second = |time: SystemTime| {
                let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
                i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
            };
            let modified = found.metadata.modified().unwrap_or(now);
            count.holds(second(now) - second(modified), *unit)
        }
        Test::Newer(time) => found.metadata.modified().is_ok_and(|own| own > *time),
        Test::Perm(sign, mask) => match sign {
            Some('-') => mode() & mask == *mask,
            Some(_) => mode() & mask != 0 || *mask == 0,
            None => mode() & 0o7777 == *mask,
        },
        Test::Empty if kind.is_dir() => {
            fs::read_dir(found.path).is_ok_and(|mut entries| entries.next().is_none())
        }
        Test::Empty => kind.is_file() && found.metadata.len() == 0,
        Test::Executable => mode() & 0o111 != 0,
        _ => true,
    }
}
