//! One URL of the command line: its request, its file, its tries. The transfer itself is in `transfer`.

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use crate::args::{Node, Operation, Output, Trace};
use crate::auth::Login;
use crate::failure::Failure;
use crate::glob::{self, Unfolded};
use crate::meter::{Meter, Progress};
use crate::output::{Opening, Sink};
use crate::request::Body;
use crate::session::Session;
use crate::transfer::{State, Transfer, deadline};
use crate::url::{Reading, Url};
use crate::voice::Voice;
use crate::write_out::{self, Report};
use crate::{files, form, netrc};

/// The longest pause between two tries.
const MAX_PAUSE: Duration = Duration::from_secs(600);

/// What curl adds when it does not believe a certificate.
const DISTRUST: &str = "More details here: https://curl.se/docs/sslcerts.html

curl failed to verify the legitimacy of the server and therefore could not
establish a secure connection to it. To learn more about this situation and
how to fix it, please visit the web page mentioned above.";

/// A URL with what belongs to it.
#[derive(Debug)]
pub(crate) struct Job<'a> {
    operation: &'a Operation,
    node: &'a Node,
    url: Unfolded,
    upload: Option<String>,
}

impl<'a> Job<'a> {
    /// All jobs of a pattern.
    ///
    /// # Errors
    /// When the pattern makes no sense.
    pub(crate) fn all(
        operation: &'a Operation,
        node: &'a Node,
        pattern: &str,
    ) -> Result<Vec<Self>, Failure> {
        let unfold = |pattern: &str| {
            if operation.no_glob {
                Ok(vec![Unfolded::plain(pattern)])
            } else {
                glob::unfold(pattern)
            }
        };
        let uploads = match node.upload.as_deref() {
            None | Some("") => vec![None],
            Some(pattern) => unfold(pattern)?.into_iter().map(|u| Some(u.url)).collect(),
        };
        let urls = unfold(pattern)?;
        let pairs = uploads
            .iter()
            .flat_map(|upload| urls.iter().map(move |url| (upload.clone(), url.clone())));
        Ok(pairs
            .map(|(upload, url)| Self {
                operation,
                node,
                url,
                upload,
            })
            .collect())
    }

    /// Transfers, as often as is worth while; the exit code.
    pub(crate) fn run(&self, session: &mut Session<'_>, number: &mut usize) -> u8 {
        let voice = session.voice;
        let mut report = Report {
            number: *number,
            url: self.url.url.clone(),
            ..Report::default()
        };
        *number += 1;
        let outcome = self.tries(session, &mut report);
        let code = outcome.err().map_or(0, |failure| failure.code);
        if let Some(format) = &self.operation.write_out
            && report.number != usize::MAX
        {
            // Standard output that is gone shows in the transfer's own code.
            let _ = write_out::write(format, &report, voice);
        }
        code
    }

    fn tries(&self, session: &mut Session<'_>, report: &mut Report) -> Result<(), Failure> {
        let operation = self.operation;
        let voice = session.voice;
        let fail = |failure: Failure, report: &mut Report| {
            report.exit = failure.code;
            report.error.clone_from(&failure.message);
            if !failure.message.is_empty() {
                voice.error(&format!("({}) {}", failure.code, failure.message));
            }
            if failure.code == 60 && (!voice.silent.get() || voice.show_error.get()) {
                voice.tell(DISTRUST);
            }
            Err(failure)
        };
        let start = match self
            .state(session)
            .and_then(|state| Ok((state, self.sink(session)?)))
        {
            Ok(start) => start,
            Err(failure) => return fail(failure, report),
        };
        let (state, mut sink) = start;
        let mut kept = Some(state);
        let shown = self.shows_meter(&sink, session);
        let mut left = operation.retry;
        let mut wait = operation.retry_delay.unwrap_or(Duration::from_secs(1));
        let begin = Instant::now();
        let mut head = true;
        loop {
            let state = match kept.take() {
                Some(state) => state,
                None => self.state(session)?,
            };
            let again = Report {
                number: report.number,
                url: report.url.clone(),
                ..Report::default()
            };
            *report = again;
            let outcome = self.once(session, state, &mut sink, report, shown, head);
            report.file = sink.path.clone().unwrap_or_default();
            head = false;
            let late = operation
                .retry_max_time
                .is_some_and(|most| begin.elapsed() >= most);
            let problem = problem(operation, &outcome, report.status).filter(|_| left > 0 && !late);
            let outcome = outcome.or_else(|failure| fail(failure, report));
            let Some(problem) = problem else {
                if outcome.is_err() && operation.remove_on_error {
                    sink.remove();
                }
                return outcome;
            };
            let pause = after(report).unwrap_or(wait);
            voice.warn(&format!(
                "Problem {problem}. Will retry in {} seconds. {left} retries left.",
                pause.as_secs()
            ));
            guest_kit::sleep(pause);
            let thrown = sink.throw_away();
            if thrown > 0 {
                voice.note_plain(&format!("Throwing away {thrown} bytes"));
            }
            left -= 1;
            if operation.retry_delay.is_none() {
                wait = (wait * 2).min(MAX_PAUSE);
            }
        }
    }

    fn shows_meter(&self, sink: &Sink<'_>, session: &Session<'_>) -> bool {
        let quiet = session.voice.silent.get() || session.global.no_meter;
        let seen = sink.path.is_none() && io::stdout().is_terminal();
        !quiet && !seen
    }

    fn once<'s>(
        &self,
        session: &mut Session<'s>,
        state: State,
        sink: &mut Sink<'s>,
        report: &mut Report,
        shown: bool,
        head: bool,
    ) -> Result<(), Failure> {
        let operation = self.operation;
        if let Err(failure) = session.add_names(operation) {
            session.trace.info(&failure.message);
            return Err(failure);
        }
        let voice = session.voice;
        let mut headers = operation.dump_header.as_ref().map(|path| {
            let path = Some(path.clone()).filter(|path| path != "-");
            Sink::new(path, Opening::default(), voice)
        });
        if let Some(headers) = &mut headers {
            headers.open()?;
        }
        report.scheme = match state.url.scheme {
            crate::url::Scheme::Http => "HTTP",
            crate::url::Scheme::Https => "HTTPS",
        };
        report.referrer = state.referrer.clone().unwrap_or_default();
        let mut meter = Meter::new(shown, head, session.global.progress_bar, voice);
        let mut transfer = Transfer {
            session,
            operation,
            sink,
            header_sink: headers.as_mut(),
            meter: &mut meter,
            report,
            deadline: deadline(operation),
            progress: Progress::default(),
            state,
        };
        let outcome = transfer.run();
        meter.end();
        // An answer without a body leaves an empty file, as in curl.
        if outcome.is_ok() && report.status != 304 && !operation.head {
            sink.open()?;
        }
        outcome
    }

    fn sink<'s>(&self, session: &Session<'s>) -> Result<Sink<'s>, Failure> {
        let operation = self.operation;
        let output = match &self.node.output {
            Some(output) => Some(output.clone()),
            None if operation.remote_name_all => Some(Output::RemoteName),
            None => None,
        };
        let mut careless = false;
        let path = match output {
            None | Some(Output::Stdout) => None,
            Some(Output::File(path)) if path == "-" => {
                careless = true;
                None
            }
            Some(Output::File(path)) => Some(self.url.name(&path)),
            Some(Output::RemoteName) => {
                let url = self.parse()?;
                let name = url.file_name();
                if name.is_empty() && !operation.content_disposition {
                    return Err(Failure::new(
                        23,
                        "Failed writing received data to disk/application",
                    ));
                }
                Some(name.to_owned())
            }
        };
        let path = path.map(|path| match &operation.output_dir {
            Some(folder) => format!("{}/{path}", folder.trim_end_matches('/')),
            None => path,
        });
        let opening = Opening {
            create_dirs: operation.create_dirs,
            append: operation.resume.is_some(),
            no_clobber: operation.no_clobber,
            fail_if_there: false,
        };
        let mut sink = Sink::new(path, opening, session.voice);
        sink.careless = careless;
        Ok(sink)
    }

    fn parse(&self) -> Result<Url, Failure> {
        let reading = Reading {
            default: self.operation.protocol_default.as_deref(),
            as_is: self.operation.path_as_is,
            lenient: false,
        };
        let url = Url::read(&self.url.url, reading)?;
        let name = url.scheme.name();
        let allowed = self.operation.protocols.as_ref();
        if allowed.is_some_and(|list| !list.contains(&name)) {
            return Err(Failure::new(
                1,
                format!("Protocol \"{name}\" not supported or disabled in libcurl"),
            ));
        }
        Ok(url)
    }

    /// Where the transfer begins.
    fn state(&self, session: &mut Session<'_>) -> Result<State, Failure> {
        let operation = self.operation;
        let mut url = self.parse()?;
        if operation.no_user_in_url && url.user.is_some() {
            return Err(Failure::new(67, "Login denied"));
        }
        self.load_cookies(session);
        let (body, resume) = self.body(&mut url, session.voice)?;
        if let Some(query) = &operation.query {
            url.add_query(query);
        }
        if url.target.bytes().any(|byte| byte <= b' ' || byte == 0x7f) {
            return Err(Failure::url());
        }
        let natural = match &body {
            _ if operation.head => "HEAD",
            Body::None => "GET",
            Body::Data(_) | Body::Form(..) => "POST",
            Body::File { .. } | Body::Stdin => "PUT",
        };
        let verbose = session.global.trace != Trace::Nothing;
        self.mind_method(natural, verbose, session);
        let login = self.login(&url);
        let range = match resume {
            0 => operation.range.clone(),
            from => Some(format!("{from}-")),
        };
        Ok(State {
            first: Some((url.host.to_ascii_lowercase(), url.port())),
            method: operation
                .method
                .clone()
                .unwrap_or_else(|| natural.to_owned()),
            url,
            body,
            range,
            resume,
            referrer: operation.referrer.clone(),
            login,
            challenge: None,
            nonce_uses: 0,
            chose_basic: false,
            proxy: None,
            no_expect: false,
            ask_again: false,
            sent: 0,
            slow: None,
            body_start: Instant::now(),
        })
    }

    fn mind_method(&self, natural: &str, verbose: bool, session: &Session<'_>) {
        match &self.operation.method {
            Some(method) if method.eq_ignore_ascii_case(natural) && verbose => session.voice.note(
                &format!("Unnecessary use of -X or --request, {natural} is already inferred."),
            ),
            Some(method) if method.eq_ignore_ascii_case("head") && natural != "HEAD" => {
                session.voice.warn(
                    "Setting custom HTTP method to HEAD with -X/--request may not work the way \
                     you want. Consider using -I/--head instead.",
                );
            }
            _ => {}
        }
    }

    fn load_cookies(&self, session: &mut Session<'_>) {
        let operation = self.operation;
        for path in &operation.cookie_files {
            let text = match path.as_str() {
                "" => continue,
                path => files::read(path),
            };
            match (text, &mut session.jar) {
                (Ok(text), Some(jar)) => {
                    let text = String::from_utf8_lossy(&text);
                    jar.load(&text, operation.new_session, crate::now());
                }
                (Err(_), _) => session
                    .trace
                    .info(&format!("WARNING: failed to open cookie file \"{path}\"")),
                (Ok(_), None) => {}
            }
        }
    }

    fn login(&self, url: &Url) -> Option<Login> {
        let operation = self.operation;
        if let Some(user) = &operation.user {
            return Some(Login::split(user));
        }
        let own = url.user.as_ref().map(|user| Login {
            user: user.clone(),
            password: url.password.clone().unwrap_or_default(),
        });
        let wanted = operation.netrc || operation.netrc_optional;
        if !wanted || (operation.netrc_optional && url.password.is_some()) {
            return own;
        }
        let path = operation.netrc_file.clone().or_else(|| {
            let home = std::env::var("HOME").ok()?;
            Some(format!("{home}/.netrc"))
        })?;
        let text = std::fs::read(path).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        netrc::find(&text, &url.host, url.user.as_deref()).or(own)
    }

    /// What is sent, and from where on what is asked for goes on.
    fn body(&self, url: &mut Url, voice: &Voice) -> Result<(Body, u64), Failure> {
        let operation = self.operation;
        let own_size = || {
            let path = self.node.output.as_ref().map(|output| match output {
                Output::File(path) => self.url.name(path),
                _ => url.file_name().to_owned(),
            })?;
            let path = match &operation.output_dir {
                Some(folder) => format!("{folder}/{path}"),
                None => path,
            };
            std::fs::metadata(path).ok().map(|found| found.len())
        };
        let resume = match operation.resume {
            None => 0,
            Some(Some(from)) => from,
            Some(None) if self.upload.is_some() => 0,
            Some(None) => own_size().unwrap_or(0),
        };
        if let Some(path) = &self.upload {
            if path == "-" || path == "." {
                return Ok((Body::Stdin, 0));
            }
            let size = std::fs::metadata(path)
                .map(|found| found.len())
                .map_err(|_| {
                    voice.error(&format!("Can't open '{path}'!"));
                    voice.tell(crate::run::TRY_HELP);
                    Failure::new(26, "Failed to open/read local data from file/application")
                })?;
            if url
                .target
                .split('?')
                .next()
                .is_some_and(|path| path.ends_with('/'))
            {
                let name = path.rsplit('/').next().unwrap_or_default();
                url.target.push_str(&coded(name));
            }
            let from = resume.min(size);
            return Ok((
                Body::File {
                    path: path.clone(),
                    from,
                    size,
                },
                from,
            ));
        }
        if !operation.form.is_empty() {
            let form = form::encode(
                &operation.form,
                operation.form_escape,
                crate::request::own(&operation.headers, "Content-Type"),
            )?;
            return Ok((Body::Form(form.content_type, form.bytes), resume));
        }
        match &operation.data {
            Some(data) if operation.get => {
                if !data.is_empty() {
                    url.add_query(&String::from_utf8_lossy(data));
                }
                Ok((Body::None, resume))
            }
            Some(data) if !operation.head => Ok((Body::Data(data.clone()), resume)),
            _ => Ok((Body::None, resume)),
        }
    }
}

/// A file's name as a part of a URL.
fn coded(name: &str) -> String {
    name.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
}

/// How long the server asks to wait.
fn after(report: &Report) -> Option<Duration> {
    let header = report
        .headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("retry-after"))?;
    let seconds = header.1.parse().ok().filter(|seconds| *seconds > 0)?;
    Some(Duration::from_secs(seconds))
}

/// What makes another try worth while, in curl's words.
fn problem(
    options: &Operation,
    outcome: &Result<(), Failure>,
    status: u16,
) -> Option<&'static str> {
    let passing = matches!(status, 408 | 429 | 500 | 502 | 503 | 504);
    match outcome {
        // curl calls a name that is not known a timeout too: the server may be late.
        Err(Failure {
            code: 5 | 6 | 28, ..
        }) => Some(": timeout"),
        Err(Failure { code: 7, .. }) if options.retry_connection_refused => {
            Some(": connection refused")
        }
        Ok(()) | Err(Failure { code: 22, .. }) if passing => Some(": HTTP error"),
        Err(_) if options.retry_all_errors => Some("(retrying all errors)"),
        _ => None,
    }
}
