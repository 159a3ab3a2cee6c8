//! The program: arguments to options, options to transfers, transfers to an exit code.

use std::io::{self, Write};

use crate::VERSION;
use crate::args::{self, Command, Operation, Request, Stop};
use crate::cookie::Jar;
use crate::failure::Failure;
use crate::job::Job;
use crate::session::Session;
use crate::voice::Voice;
use crate::{files, prompt};

pub(crate) const TRY_HELP: &str = "curl: try 'curl --help' or 'curl --manual' for more information";

/// Runs curl with these arguments (its own name not among them); the exit code.
pub fn run(args: &[String]) -> u8 {
    let voice = Voice::default();
    let mut command = Command::new();
    let first = args.first().map(String::as_str).unwrap_or_default();
    let own_files = !first.starts_with("-q") && first != "--disable";
    let parsed = match own_files {
        true => args::add_default_config(&mut command, &voice),
        false => Ok(()),
    };
    let parsed = parsed.and_then(|()| args::parse(&mut command, args, &voice));
    if let Err(stop) = parsed {
        return stopped(stop, &voice);
    }
    let urls = |operation: &Operation| operation.nodes.iter().any(|node| node.url.is_some());
    if !command.operations.iter().all(urls) {
        if !args.is_empty() {
            voice.tell("curl: no URL specified!");
        }
        voice.tell(TRY_HELP);
        return 2;
    }
    all(&mut command, &voice)
}

fn stopped(stop: Stop, voice: &Voice) -> u8 {
    let text = match stop {
        Stop::Wrong(code, message) => {
            voice.tell(&format!("curl: {message}\n{TRY_HELP}"));
            return code;
        }
        Stop::Help(category) => args::help(category.as_deref()),
        Stop::Version => format!(
            "curl {VERSION} (wasm32-wasip2) {}\nRelease-Date: 2023-02-20\n\
             Protocols: http https\nFeatures: IPv6 Largefile libz SSL\n",
            crate::library()
        ),
        Stop::Manual => String::new(),
    };
    u8::from(io::stdout().write_all(text.as_bytes()).is_err()) * 23
}

/// Every transfer in turn; the code of the last one counts.
fn all(command: &mut Command, voice: &Voice) -> u8 {
    for operation in &mut command.operations {
        ask_for_passwords(operation, voice);
        if !compare_etag(operation, voice) {
            return 26;
        }
    }
    let mut session = Session::new(&command.global, voice);
    let (mut code, mut number) = (0, 0);
    for operation in &command.operations {
        match prepare(operation, &mut session) {
            Ok(()) => {}
            Err(Some(failure)) => {
                voice.error(&format!("({}) {}", failure.code, failure.message));
                return failure.code;
            }
            Err(None) => return 2,
        }
        code = one(operation, &mut session, &mut number);
        if code != 0 && command.global.fail_early {
            return code;
        }
    }
    code
}

/// `--etag-compare`: a header out of a file; whether the file could be read.
fn compare_etag(operation: &mut Operation, voice: &Voice) -> bool {
    let Some(path) = &operation.etag_compare else {
        return true;
    };
    let Ok(bytes) = files::read(path) else {
        voice.error(&format!("Failed to open {path}"));
        return false;
    };
    let text = String::from_utf8_lossy(&bytes);
    let tag = match text.trim() {
        "" => "\"\"",
        tag => tag,
    };
    operation.headers.push(format!("If-None-Match: {tag}"));
    true
}

fn ask_for_passwords(operation: &mut Operation, voice: &Voice) {
    let ask = |user: &mut Option<String>, kind: &str| {
        if let Some(text) = user
            && !text.contains(':')
        {
            let password = prompt::password(kind, text, voice);
            *user = Some(format!("{text}:{password}"));
        }
    };
    if operation.bearer.is_none() {
        ask(&mut operation.user, "host");
    }
    ask(&mut operation.proxy_user, "proxy");
}

/// Checks what is contradictory and opens the jar; nothing inside an error that was told already.
fn prepare(operation: &Operation, session: &mut Session<'_>) -> Result<(), Option<Failure>> {
    let mut request = operation.request;
    let wanted = match (&operation.data, operation.get) {
        (Some(_), true) | (None, true) => Some(if operation.head {
            Request::Head
        } else {
            Request::Get
        }),
        (Some(_), false) => Some(Request::Post),
        (None, false) => None,
    };
    if let Some(wanted) = wanted
        && !request.set(wanted, session.voice)
    {
        return Err(None);
    }
    if operation.nodes.iter().any(|node| node.upload.is_some())
        && !request.set(Request::Put, session.voice)
    {
        return Err(None);
    }
    if !operation.cookie_files.is_empty() || operation.cookie_jar.is_some() {
        session.jar.get_or_insert_with(Jar::default);
    }
    Ok(())
}

fn one(operation: &Operation, session: &mut Session<'_>, number: &mut usize) -> u8 {
    let mut code = 0;
    for node in &operation.nodes {
        let Some(pattern) = &node.url else {
            session.voice.warn("Got more output options than URLs");
            continue;
        };
        let jobs = match Job::all(operation, node, pattern) {
            Ok(jobs) => jobs,
            Err(failure) => {
                session
                    .voice
                    .error(&format!("({}) {}", failure.code, failure.message));
                return failure.code;
            }
        };
        for job in jobs {
            code = job.run(session, number);
            save_cookies(operation, session);
            if code != 0 && session.global.fail_early {
                return code;
            }
        }
    }
    code
}

/// Cookies are written after each transfer, as curl does.
fn save_cookies(operation: &Operation, session: &mut Session<'_>) {
    let (Some(path), Some(jar)) = (&operation.cookie_jar, &mut session.jar) else {
        return;
    };
    // Files that were not there are looked for once more, as in curl.
    for path in operation
        .cookie_files
        .iter()
        .filter(|path| !path.is_empty())
    {
        if path != "-" && std::fs::metadata(path).is_err() {
            let text = format!("WARNING: failed to open cookie file \"{path}\"");
            session.trace.info(&text);
        }
    }
    let text = jar.save(crate::now());
    let outcome = match path.as_str() {
        "-" => io::stdout().write_all(text.as_bytes()),
        path => std::fs::write(path, text),
    };
    if let Err(error) = outcome {
        let words = files::words(&error);
        session.trace.info(&format!(
            "WARNING: failed to save cookies in {path}: {words}"
        ));
    }
}
