//! `kubectl __complete WORDS… WORD`: what may stand in the place of the last word.
//!
//! The answer is in cobra's protocol: a candidate a line, its description after a tab, then `:N` with what the shell
//! should do besides. Nothing fails here: what cannot be learned offers no candidates.

use std::collections::BTreeSet;

use crate::cmd::{self, GLOBAL};
use crate::fail::{Fail, Outcome};
use crate::flags::{Flag, Kind, Parsed};
use crate::io::Io;
use crate::select;
use crate::session::{Session, with_query};
use crate::text::json::{list, text};
use crate::words::{self, Told};

/// The shell should offer files, which is what it does by itself.
const FILES_TOO: u8 = 0;
const NO_SPACE: u8 = 2;
const NO_FILES: u8 = 4;
/// The candidates are endings of file names.
const FILE_ENDINGS: u8 = 8;

#[derive(Debug, Default)]
struct Answer {
    /// A candidate and its description, which may be empty.
    candidates: Vec<(String, String)>,
    directive: u8,
}

impl Answer {
    fn new(directive: u8) -> Self {
        Self {
            directive,
            ..Self::default()
        }
    }

    fn of(names: impl IntoIterator<Item = impl Into<String>>, prefix: &str) -> Self {
        let candidates = names
            .into_iter()
            .map(|name| (name.into(), String::new()))
            .filter(|(name, _)| name.starts_with(prefix))
            .collect();
        Self {
            candidates,
            directive: NO_FILES,
        }
    }
}

/// Runs `kubectl __complete` or, without descriptions, `kubectl __completeNoDesc`.
pub(crate) fn run(words: &[String], descriptions: bool, io: &mut Io<'_>) -> Outcome {
    let Some((last, words)) = words.split_last() else {
        return Err(Fail::message("requires at least 1 arg(s), only received 0"));
    };
    let answer = match answer(words, last, io) {
        Ok(answer) => answer,
        Err(fail) => {
            let line = format!(
                "[Debug] [Error] {}\n",
                fail.plain().lines().next().unwrap_or("")
            );
            // Nobody is left to be told.
            drop(io.stderr.write_all(line.as_bytes()));
            Answer::new(FILES_TOO)
        }
    };
    let mut out = String::new();
    for (candidate, about) in &answer.candidates {
        match about.lines().next() {
            Some(about) if descriptions => out.push_str(&format!("{candidate}\t{about}\n")),
            _ => out.push_str(&format!("{candidate}\n")),
        }
    }
    out.push_str(&format!(":{}\n", answer.directive));
    let names = directive_names(answer.directive);
    let told = format!("Completion ended with directive: {names}\n");
    io.stdout
        .write_all(out.as_bytes())
        .and_then(|()| io.stderr.write_all(told.as_bytes()))
        .map_err(|_| Fail::Exit(1))
}

fn directive_names(directive: u8) -> String {
    let names: Vec<&str> = [
        (NO_SPACE, "ShellCompDirectiveNoSpace"),
        (NO_FILES, "ShellCompDirectiveNoFileComp"),
        (FILE_ENDINGS, "ShellCompDirectiveFilterFileExt"),
    ]
    .into_iter()
    .filter(|(bit, _)| directive & bit != 0)
    .map(|(_, name)| name)
    .collect();
    if names.is_empty() {
        "ShellCompDirectiveDefault".to_owned()
    } else {
        names.join(", ")
    }
}

fn answer(words: &[String], last: &str, io: &mut Io<'_>) -> Outcome<Answer> {
    if words.first().is_some_and(|first| first == "help") {
        let path = words[1..].join(" ");
        return Ok(match words::section(&path) {
            Some(_) => commands(&path, last),
            None => Answer::new(NO_FILES),
        });
    }
    let (path, command, rest) = match (crate::locate(words), crate::help::path(words)) {
        (Ok(located), _) => located,
        // What is not in this lab is completed as far as that goes.
        (Err(_), Some(path)) => {
            let rest = words[path.split(' ').count()..].to_vec();
            (path, None, rest)
        }
        (Err(_), None) => {
            return Err(Fail::message(format!(
                "unable to find a command for arguments: [{}]",
                words.join(" ")
            )));
        }
    };
    let own: Vec<&'static Flag> = command
        .into_iter()
        .flat_map(|command| command.flags.iter())
        .flat_map(|group| group.iter())
        .collect();
    let all: Vec<&'static Flag> = own.iter().copied().chain(GLOBAL).collect();
    let dashed = rest.iter().any(|word| word == "--");
    let mut rest = rest;
    // `--output=j`, or `j` after `--output`: the value of a flag.
    let mut value = None;
    if !dashed {
        if let Some((flag, start)) = last.split_once('=').filter(|_| last.starts_with('-')) {
            value = named(&all, flag).map(|flag| (flag, start));
        } else if let Some(flag) = rest.last().and_then(|word| named(&all, word))
            && !matches!(flag.kind, Kind::Bool | Kind::Optional(_))
        {
            value = Some((flag, last));
            rest.pop();
        }
    }
    let parsed = Parsed::parse(&path, &rest, all).map_err(|fail| {
        let why = fail.plain();
        let why = why
            .lines()
            .next()
            .unwrap_or_default()
            .trim_start_matches("error: ");
        Fail::message(format!(
            "Error while parsing flags from args [{}]: {why}",
            rest.join(" ")
        ))
    })?;
    let mut session = Session::new(io, crate::overrides(&parsed), format!("kubectl {path}"));
    if let Some((flag, start)) = value {
        return Ok(flag_value(&mut session, &parsed, flag, start));
    }
    if last.starts_with('-') && !dashed {
        let mut answer = flag_names(&path, &parsed, last);
        // What must be given is offered before anything else.
        if let Some(flag) = required(&path, &own, &parsed)
            && format!("--{}", flag.long).starts_with(last)
        {
            let name = format!("--{}", flag.long);
            answer.candidates.retain(|(known, _)| *known == name);
        }
        return Ok(answer);
    }
    let family = path.is_empty() || !words::commands(&path).is_empty();
    // A flag of the command's own leaves no room for a command below it.
    let flagged = own.iter().any(|flag| parsed.given(flag.long));
    let mut answer = if parsed.args.is_empty() && family && !flagged {
        commands(&path, last)
    } else {
        let found = arguments(&mut session, &parsed, last);
        found.unwrap_or_else(|_| Answer::new(NO_FILES))
    };
    if let Some(flag) = required(&path, &own, &parsed) {
        let name = format!("--{}", flag.long);
        if name.starts_with(last) {
            let told = words::flags(&path);
            let told = told.iter().find(|told| told.long == flag.long);
            let usage = told.map_or("", |told| told.usage);
            answer.candidates.insert(0, (name, usage.to_owned()));
        }
    }
    Ok(answer)
}

fn named(flags: &[&'static Flag], word: &str) -> Option<&'static Flag> {
    let flag = flags.iter().find(|flag| match word.strip_prefix("--") {
        Some(long) => flag.long == long,
        None => word.starts_with('-') && word.chars().count() == 2 && word.ends_with(flag.short),
    });
    flag.copied()
}

/// The flags without which a command cannot be, as far as they are missing.
fn required(path: &str, own: &[&'static Flag], parsed: &Parsed) -> Option<&'static Flag> {
    let name = match path {
        "create deployment" | "run" => "image",
        "scale" => "replicas",
        _ => return None,
    };
    let flag = own.iter().find(|flag| flag.long == name)?;
    (!parsed.given(name)).then_some(flag)
}

fn commands(path: &str, prefix: &str) -> Answer {
    let mut candidates: Vec<(String, String)> = words::commands(path)
        .into_iter()
        .map(|name| {
            let about = words::about(format!("{path} {name}").trim_start());
            (name.to_owned(), about.to_owned())
        })
        .collect();
    if path.is_empty() {
        candidates.extend([
            ("help".to_owned(), "Help about any command".to_owned()),
            (
                "options".to_owned(),
                "Print the list of flags inherited by all commands".to_owned(),
            ),
        ]);
    }
    candidates.retain(|(name, _)| name.starts_with(prefix));
    candidates.sort();
    Answer {
        candidates,
        directive: NO_FILES,
    }
}

/// Names of flags: first those of every command, then the command's own; what is set already is left out.
fn flag_names(path: &str, parsed: &Parsed, prefix: &str) -> Answer {
    let mut own = words::flags(path);
    let known: BTreeSet<&str> = own.iter().map(|told| told.long).collect();
    let mut global = words::flags("options");
    global.retain(|told| !known.contains(told.long));
    own.push(Told {
        long: "help",
        short: Some('h'),
        default: "false",
        bare: true,
        usage: "",
    });
    let command = path.rsplit(' ').next().filter(|name| !name.is_empty());
    let command = command.unwrap_or("kubectl");
    own.sort_by_key(|told| told.long);
    let mut answer = Answer::new(NO_FILES);
    for told in global.into_iter().chain(own) {
        let again = told.bare && told.default.starts_with('[');
        if parsed.given(told.long) && !again {
            continue;
        }
        let long = Some(format!("--{}", told.long));
        let short = told.short.map(|short| format!("-{short}"));
        for name in long.into_iter().chain(short) {
            if name.starts_with(prefix) {
                let usage = match told.long {
                    "help" => format!("help for {command}"),
                    _ => told.usage.to_owned(),
                };
                answer.candidates.push((name, usage));
            }
        }
    }
    answer
}

/// The forms of `get -o`, in the order of the stock client's.
const FORMATS: [&str; 13] = [
    "json",
    "yaml",
    "kyaml",
    "name",
    "go-template",
    "go-template-file",
    "template",
    "templatefile",
    "jsonpath",
    "jsonpath-as-json",
    "jsonpath-file",
    "custom-columns",
    "custom-columns-file",
];

fn flag_value(
    session: &mut Session<'_, '_>,
    parsed: &Parsed,
    flag: &'static Flag,
    prefix: &str,
) -> Answer {
    let found = match (flag.long, parsed.path.as_str()) {
        ("namespace", _) => names(session, "namespaces").map(|names| Answer::of(names, prefix)),
        ("context" | "cluster" | "user", _) => {
            config_names(session, &format!("{}s", flag.long)).map(|names| Answer::of(names, prefix))
        }
        ("output", "get") => Ok(Answer::of(FORMATS.into_iter().chain(["wide"]), prefix)),
        ("container", "logs") => Ok(Answer::new(FILES_TOO)),
        ("container", _) => match parsed.args.first() {
            Some(pod) => containers(session, pod).map(|names| Answer::of(names, prefix)),
            None => Ok(Answer::new(NO_FILES)),
        },
        ("filename", _) => Ok(Answer {
            candidates: ["json", "yaml", "yml"]
                .map(|end| (end.to_owned(), String::new()))
                .into(),
            directive: FILE_ENDINGS,
        }),
        _ => Ok(Answer::new(FILES_TOO)),
    };
    found.unwrap_or_else(|_| Answer::new(NO_FILES))
}

const WITH_PODS: [&str; 8] = [
    "daemonsets/",
    "deployments/",
    "pods/",
    "jobs/",
    "replicasets/",
    "replicationcontrollers/",
    "services/",
    "statefulsets/",
];

fn arguments(session: &mut Session<'_, '_>, parsed: &Parsed, last: &str) -> Outcome<Answer> {
    let path = parsed.path.as_str();
    let first = parsed.args.is_empty();
    // These change one object at a time as far as their completion goes.
    let single = path.starts_with("rollout ") || path.starts_with("set ");
    let whole = parsed.args.len() > 1 || parsed.args.iter().any(|arg| arg.contains('/'));
    if single && whole {
        return Ok(Answer::new(NO_FILES));
    }
    match path {
        "get" | "describe" | "delete" | "label" | "annotate" | "edit" | "patch" => {
            let types = types(session)?;
            typed(session, parsed, last, &types)
        }
        "expose" => typed(
            session,
            parsed,
            last,
            &[
                "pod",
                "service",
                "replicationcontroller",
                "deployment",
                "replicaset",
            ],
        ),
        "scale" | "autoscale" => typed(
            session,
            parsed,
            last,
            &[
                "deployment",
                "replicaset",
                "replicationcontroller",
                "statefulset",
            ],
        ),
        "taint" => typed(session, parsed, last, &["node"]),
        _ if path.starts_with("rollout ") => typed(
            session,
            parsed,
            last,
            &["deployment", "daemonset", "statefulset"],
        ),
        "set image" | "set env" | "set resources" => typed(
            session,
            parsed,
            last,
            &[
                "daemonsets",
                "deployments",
                "pods",
                "cronjobs",
                "replicasets",
                "replicationcontrollers",
                "statefulsets",
            ],
        ),
        "debug" => {
            let types = types(session)?;
            typed(session, parsed, last, &types)
        }
        "exec" | "attach" | "port-forward" | "logs" if first => pods(session, last),
        "logs" if parsed.args.len() == 1 => {
            Ok(Answer::of(containers(session, &parsed.args[0])?, last))
        }
        "cordon" | "uncordon" | "drain" | "top node" if first => {
            Ok(Answer::of(names(session, "nodes")?, last))
        }
        "create token" if first => Ok(Answer::of(names(session, "serviceaccounts")?, last)),
        "cp" => copied(session, last),
        "top pod" if first => Ok(Answer::of(names(session, "pods")?, last)),
        "config use-context"
        | "config set-context"
        | "config delete-context"
        | "config rename-context"
            if first =>
        {
            Ok(Answer::of(config_names(session, "contexts")?, last))
        }
        "config delete-cluster" if first => {
            Ok(Answer::of(config_names(session, "clusters")?, last))
        }
        "config delete-user" if first => Ok(Answer::of(config_names(session, "users")?, last)),
        "completion" if first => Ok(Answer::of(words::SCRIPTS.map(|(shell, _)| shell), last)),
        "exec"
        | "attach"
        | "port-forward"
        | "logs"
        | "cordon"
        | "uncordon"
        | "drain"
        | "top node"
        | "top pod"
        | "config use-context"
        | "config set-context"
        | "config delete-context"
        | "config rename-context"
        | "config delete-cluster"
        | "config delete-user" => Ok(Answer::new(NO_FILES)),
        _ => Ok(Answer::new(FILES_TOO)),
    }
}

/// What `cp` copies from or to: a namespace, a Pod, or a file.
fn copied(session: &mut Session<'_, '_>, last: &str) -> Outcome<Answer> {
    let mut found: Vec<String> = Vec::new();
    if !last.contains([':', '/', '.']) {
        let places = names(session, "namespaces")?.into_iter();
        found.extend(places.map(|name| format!("{name}/")));
        let pods = names(session, "pods")?.into_iter();
        found.extend(pods.map(|name| format!("{name}:")));
        found.extend(["./".to_owned(), "/".to_owned()]);
    }
    let mut answer = Answer::of(found, last);
    answer.directive = NO_SPACE;
    Ok(answer)
}

/// `TYPE`, then names; or `TYPE/NAME`.
fn typed(
    session: &mut Session<'_, '_>,
    parsed: &Parsed,
    last: &str,
    types: &[impl AsRef<str>],
) -> Outcome<Answer> {
    let types = types.iter().map(AsRef::as_ref);
    let slashed = parsed.args.first().is_some_and(|first| first.contains('/'));
    if parsed.args.is_empty() || slashed {
        if let Some((kind, _)) = last.split_once('/') {
            let names = names(session, kind)?;
            let names = names.iter().map(|name| format!("{kind}/{name}"));
            return Ok(Answer::of(without(names, &parsed.args), last));
        }
        if !slashed {
            return Ok(Answer::of(types, last));
        }
        let mut answer = Answer::of(types.map(|kind| format!("{kind}/")), last);
        answer.directive |= NO_SPACE;
        return Ok(answer);
    }
    let names = names(session, &parsed.args[0])?;
    Ok(Answer::of(
        without(names.into_iter(), &parsed.args[1..]),
        last,
    ))
}

fn without(names: impl Iterator<Item = String>, gone: &[String]) -> Vec<String> {
    names.filter(|name| !gone.contains(name)).collect()
}

fn pods(session: &mut Session<'_, '_>, last: &str) -> Outcome<Answer> {
    if let Some((kind, _)) = last.split_once('/') {
        let names = names(session, kind)?;
        return Ok(Answer::of(
            names.iter().map(|name| format!("{kind}/{name}")),
            last,
        ));
    }
    let found = names(session, "pods")?;
    let mut answer = Answer::of(found, last);
    let lonely = answer.candidates.is_empty();
    answer
        .candidates
        .extend(Answer::of(WITH_PODS, last).candidates);
    if lonely && !answer.candidates.is_empty() {
        answer.directive |= NO_SPACE;
    }
    Ok(answer)
}

/// Everything that can be got, the core group first, then by group and name.
fn types(session: &mut Session<'_, '_>) -> Outcome<Vec<String>> {
    let discovery = session.discovery()?;
    let mut found: Vec<_> = discovery
        .resources
        .iter()
        .filter(|resource| resource.preferred && resource.verbs.iter().any(|verb| verb == "get"))
        .collect();
    found.sort_by_key(|resource| (&resource.group, &resource.plural));
    Ok(found
        .iter()
        .map(|resource| resource.plural_group())
        .collect())
}

/// The names of every object of these types in the command's namespace.
fn names(session: &mut Session<'_, '_>, types: &str) -> Outcome<Vec<String>> {
    let namespace = session.namespace()?;
    let mut names = Vec::new();
    for resource in select::resources(session, types)? {
        let path = with_query(&resource.path(&namespace, ""), &[("limit", "500")]);
        let found = session.get(&path)?;
        let items = list(&found, "items").iter();
        names.extend(items.map(|item| text(item, "metadata.name").to_owned()));
    }
    Ok(names)
}

fn config_names(session: &mut Session<'_, '_>, section: &str) -> Outcome<Vec<String>> {
    let config = session.config()?;
    let items = list(&config.value, section).iter();
    Ok(items.map(|item| text(item, "name").to_owned()).collect())
}

/// The containers of a pod, or of the pods of a workload.
fn containers(session: &mut Session<'_, '_>, who: &str) -> Outcome<Vec<String>> {
    let (resource, name) = select::one(session, &[who.to_owned()], "pod")?;
    let namespace = session.namespace()?;
    let object = session.get(&resource.path(&namespace, &name))?;
    let spec = cmd::pod_spec_path(&resource.kind).join(".");
    let containers = list(&object, &format!("{spec}.containers")).iter();
    Ok(containers
        .map(|container| text(container, "name").to_owned())
        .collect())
}
