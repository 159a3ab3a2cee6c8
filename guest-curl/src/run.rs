//! The program: arguments to options, options to transfers, transfers to an exit code.

use std::fs;
use std::io::{self, IsTerminal, Read, Write};
use std::time::Duration;

use crate::VERSION;
use crate::failure::Failure;
use crate::glob;
use crate::meter::{Meter, Progress};
use crate::options::{self, Options, Output};
use crate::output::{Sink, Verbose, tell, warn};
use crate::transfer::{Session, Transfer, deadline};
use crate::url::Url;
use crate::write_out::{self, Report};

const TRY_HELP: &str = "curl: try 'curl --help' or 'curl --manual' for more information";

const HELP: &str = "\
Usage: curl [options...] <url>
 -d, --data <data>          HTTP POST data
 -f, --fail                 Fail fast with no output on HTTP errors
 -h, --help                 This text
 -i, --include              Include protocol response headers in the output
 -I, --head                 Show document info only
 -L, --location             Follow redirects
 -o, --output <file>        Write to file instead of stdout
 -O, --remote-name          Write output to a file named as the remote file
 -s, --silent               Silent mode
 -u, --user <user:password> Server user and password
 -A, --user-agent <name>    Send User-Agent <name> to server
 -v, --verbose              Make the operation more talkative
 -V, --version              Show version number and quit

This is the curl of the lab: HTTP only. An option that is not in the lab is refused by name.
";

/// Runs curl with these arguments (its own name not among them); the exit code.
pub fn run(args: &[String]) -> u8 {
    let options = match options::parse(args, &mut read_file) {
        Ok(options) => options,
        Err(message) => {
            tell(&format!("curl: {message}\n{TRY_HELP}"));
            return 2;
        }
    };
    if options.help || options.version {
        let version = format!("curl {VERSION} (wasm32-wasip2)\nProtocols: http\nFeatures: \n");
        let text = if options.help { HELP } else { &version };
        return u8::from(io::stdout().write_all(text.as_bytes()).is_err()) * 23;
    }
    if options.urls.is_empty() {
        tell(&if args.is_empty() {
            TRY_HELP.to_owned()
        } else {
            format!("curl: no URL specified!\n{TRY_HELP}")
        });
        return 2;
    }
    all(&options)
}

fn read_file(path: &str) -> io::Result<Vec<u8>> {
    if path == "-" {
        let mut bytes = Vec::new();
        io::stdin().read_to_end(&mut bytes)?;
        return Ok(bytes);
    }
    fs::read(path)
}

/// Every transfer in turn; the code of the last one counts.
fn all(options: &Options) -> u8 {
    let verbose = Verbose::new(options.verbose);
    let mut session = Session {
        options,
        verbose,
        link: None,
        opened: 0,
        names: Vec::new(),
    };
    for entry in &options.resolve {
        session.verbose.info(&format!("Added {entry} to DNS cache"));
    }
    let mut runner = Runner {
        session,
        metered: false,
        number: 0,
    };
    let mut code = 0;
    for (at, pattern) in options.urls.iter().enumerate() {
        let urls = if options.no_glob {
            Ok(vec![pattern.clone()])
        } else {
            glob::unfold(pattern)
        };
        let urls = match urls {
            Ok(urls) => urls,
            Err(failure) => {
                runner.complain(&failure);
                return failure.code;
            }
        };
        for url in urls {
            code = runner.with_retries(&url, options.outputs.get(at));
            if code != 0 && options.fail_early {
                return code;
            }
        }
    }
    code
}

struct Runner<'a> {
    session: Session<'a>,
    /// Whether the meter's head was shown.
    metered: bool,
    number: usize,
}

impl Runner<'_> {
    fn complain(&self, failure: &Failure) {
        if !self.session.options.silent || self.session.options.show_error {
            tell(&failure.to_string());
        }
    }

    fn with_retries(&mut self, url: &str, output: Option<&Output>) -> u8 {
        let options = self.session.options;
        let mut left = options.retry;
        let mut wait = options.retry_delay.unwrap_or(Duration::from_secs(1));
        self.metered = false;
        loop {
            let mut report = Report {
                number: self.number,
                url: url.to_owned(),
                ..Report::default()
            };
            let outcome = self.once(url, output, &mut report);
            if let Err(failure) = &outcome {
                report.exit = failure.code;
                report.error.clone_from(&failure.message);
            }
            let problem = problem(options, &outcome, report.status).filter(|_| left > 0);
            if let Err(failure) = &outcome {
                self.complain(failure);
            }
            let Some(problem) = problem else {
                self.number += 1;
                self.write_out(&report);
                return outcome.err().map_or(0, |failure| failure.code);
            };
            if !options.silent {
                warn(&format!(
                    "Problem : {problem}. Will retry in {} seconds. {left} retries left.",
                    wait.as_secs()
                ));
            }
            sleep(wait);
            left -= 1;
            if options.retry_delay.is_none() {
                wait = (wait * 2).min(Duration::from_secs(600));
            }
        }
    }

    fn write_out(&self, report: &Report) {
        if let Some(format) = &self.session.options.write_out {
            // Standard output that is gone shows in the transfer's own code.
            let _ = write_out::write(format, report);
        }
    }

    fn once(
        &mut self,
        url: &str,
        output: Option<&Output>,
        report: &mut Report,
    ) -> Result<(), Failure> {
        let options = self.session.options;
        let parsed = Url::parse(url)?;
        let path = match output {
            None => None,
            Some(Output::File(path)) if path == "-" => None,
            Some(Output::File(path)) => Some(path.clone()),
            Some(Output::RemoteName) => Some(parsed.file_name().to_owned()),
        };
        if path.as_deref() == Some("") {
            return Err(Failure::new(
                23,
                "Failed writing received data to disk/application",
            ));
        }
        let path = path.map(|path| match &options.output_dir {
            Some(folder) => format!("{}/{path}", folder.trim_end_matches('/')),
            None => path,
        });
        report.file = path.clone().unwrap_or_default();
        let shown =
            !options.silent && !options.no_meter && (path.is_some() || !io::stdout().is_terminal());
        let head = !self.metered;
        self.metered = true;
        let mut meter = Meter::new(shown, shown && head);
        let mut sink = Sink::new(path, options.create_dirs);
        let headers = options
            .dump_header
            .clone()
            .map(|path| Some(path).filter(|path| path != "-"));
        let mut headers = headers.map(|path| Sink::new(path, false));
        let mut transfer = Transfer {
            session: &mut self.session,
            sink: &mut sink,
            header_sink: headers.as_mut(),
            meter: &mut meter,
            report,
            deadline: deadline(options),
            progress: Progress::default(),
        };
        let outcome = transfer.run(url);
        if outcome.is_ok() {
            sink.finish();
        }
        outcome
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a guest's sleep is a timer of the world, and signals end it"
)]
fn sleep(time: Duration) {
    std::thread::sleep(time);
}

/// What makes another try worth while, in curl's words.
fn problem(options: &Options, outcome: &Result<(), Failure>, status: u16) -> Option<&'static str> {
    let passing = matches!(status, 408 | 429 | 500 | 502 | 503 | 504);
    match outcome {
        // curl calls a name that is not known a timeout too: the server may be late.
        Err(Failure { code: 6 | 28, .. }) => Some("timeout"),
        Err(Failure { code: 7, .. }) if options.retry_connection_refused => {
            Some("connection refused")
        }
        Ok(()) | Err(Failure { code: 22, .. }) if passing => Some("HTTP error"),
        Err(_) if options.retry_all_errors => Some("(retrying all errors)"),
        _ => None,
    }
}
