//! `nginx` and `httpd`: one program with two faces, chosen by the name it is called by.
//! It reads the command line and the configuration; serving is `serve`, deciding is the library.

#[cfg(target_os = "wasi")]
mod serve;

use std::fs;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use guest_nginx::apache::{self, Apache};
use guest_nginx::conf::{self, Config, Source, tree};
use guest_nginx::date::Date;
use guest_nginx::nginx::{Nginx, pages};
use guest_nginx::options;
use guest_nginx::reply::{Now, Site};
use guest_nginx::resource::Failure;

const CONF: &str = "/etc/nginx/nginx.conf";
const HTDOCS: &str = "/usr/local/apache2/htdocs";

/// What holds when the image brings no configuration.
const BUILT_IN: &str = include_str!("../files/nginx.conf");

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().collect();
    let called = args.first().map_or("nginx", String::as_str);
    let rest = args.get(1..).unwrap_or_default();
    match called.rsplit('/').next() {
        Some("httpd" | "httpd-foreground" | "apachectl") => httpd(rest),
        _ => nginx(rest),
    }
}

fn now() -> Now {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Now {
        seconds: since.as_secs(),
        nanos: since.subsec_nanos(),
    }
}

fn say(text: &str) {
    // Nobody is left to hear that standard error is gone.
    let _ = io::stderr().write_all(text.as_bytes());
}

/// As in the image, where the error log is standard error: once for the log, once for the terminal.
fn emerg(message: &str) {
    say(&format!(
        "{} [emerg] 1#1: {message}\nnginx: [emerg] {message}\n",
        Date::of(now().seconds).nginx()
    ));
}

fn nginx(args: &[String]) -> ExitCode {
    let options = match options::nginx(args) {
        Ok(options) => options,
        Err(message) => {
            say(&format!("nginx: {message}\n"));
            return ExitCode::FAILURE;
        }
    };
    if options.version {
        say(&format!("nginx version: {}\n", pages::PRODUCT));
        return ExitCode::SUCCESS;
    }
    let path = match &options.conf {
        Some(path) if path.starts_with('/') => path.clone(),
        Some(path) => format!("/etc/nginx/{path}"),
        None => CONF.to_owned(),
    };
    let built_in = options.conf.is_none() && !fs::exists(CONF).unwrap_or(true);
    match configuration(&path, built_in, options.directives.as_deref()) {
        Ok(_) if options.test => {
            if !options.quiet {
                say(&format!(
                    "nginx: the configuration file {path} syntax is ok\n"
                ));
                say(&format!(
                    "nginx: configuration file {path} test is successful\n"
                ));
            }
            ExitCode::SUCCESS
        }
        Ok(config) => serve_nginx(config),
        Err(error) => {
            emerg(&error.0);
            if options.test {
                say(&format!("nginx: configuration file {path} test failed\n"));
            }
            ExitCode::FAILURE
        }
    }
}

fn configuration(
    path: &str,
    built_in: bool,
    directives: Option<&str>,
) -> Result<Config, conf::ConfError> {
    if let Some(directives) = directives {
        let global = Files {
            path: "command line",
            text: Some(directives),
        };
        conf::rules::check(&tree::load(&global, "command line")?, conf::rules::MAIN)?;
    }
    conf::read(
        &Files {
            path,
            text: built_in.then_some(BUILT_IN),
        },
        path,
    )
}

fn serve_nginx(config: Config) -> ExitCode {
    for warning in &config.warnings {
        say(&format!(
            "{} [warn] 1#1: {warning}\n",
            Date::of(now().seconds).nginx()
        ));
    }
    serve(Box::new(Nginx::new(config, hostname())), Face::Nginx)
}

fn httpd(args: &[String]) -> ExitCode {
    if args.iter().any(|arg| arg == "-v" || arg == "-V") {
        // Apache says its version on standard output.
        let _ = writeln!(io::stdout(), "Server version: {}", apache::PRODUCT);
        return ExitCode::SUCCESS;
    }
    let known = |arg: &String| {
        matches!(
            arg.as_str(),
            "-D" | "FOREGROUND" | "-DFOREGROUND" | "-k" | "start"
        )
    };
    if let Some(arg) = args.iter().find(|arg| !known(arg)) {
        say(&format!("httpd: \"{arg}\" is not in this lab yet\n"));
        return ExitCode::FAILURE;
    }
    say(&format!(
        "AH00558: httpd: Could not reliably determine the server's fully qualified domain name, using {}. \
         Set the 'ServerName' directive globally to suppress this message\n",
        address()
    ));
    serve(Box::new(Apache::new(HTDOCS.to_owned(), 80)), Face::Httpd)
}

/// The configuration's files; `text` stands in for the one at `path`.
struct Files<'a> {
    path: &'a str,
    text: Option<&'a str>,
}

impl Source for Files<'_> {
    fn read(&self, path: &str) -> Result<String, (u32, &'static str)> {
        if let (true, Some(text)) = (path == self.path, self.text) {
            return Ok(text.to_owned());
        }
        fs::read(path)
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .map_err(|error| {
                let Failure { number, words } = Failure::of(&error);
                (number, words)
            })
    }

    fn glob(&self, pattern: &str) -> Vec<String> {
        let Some((folder, names)) = pattern.rsplit_once('/') else {
            return Vec::new();
        };
        let entries = fs::read_dir(format!("{folder}/"))
            .into_iter()
            .flatten()
            .filter_map(Result::ok);
        let names = entries
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter(|name| {
                // As in a shell, a star does not stand for a leading dot.
                tree::fits(names, name) && (!name.starts_with('.') || names.starts_with('.'))
            });
        let mut paths: Vec<String> = names.map(|name| format!("{folder}/{name}")).collect();
        paths.sort();
        paths
    }
}

/// Which program's words are used for what is not a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Face {
    Nginx,
    Httpd,
}

#[cfg(target_os = "wasi")]
fn hostname() -> String {
    guest_kit::machine::hostname()
}

#[cfg(target_os = "wasi")]
fn address() -> String {
    let addresses = guest_kit::machine::addresses();
    let own = addresses.iter().find(|(name, ..)| name != "lo");
    own.map_or_else(|| "127.0.0.1".to_owned(), |(_, address, _)| address.clone())
}

#[cfg(target_os = "wasi")]
fn serve(site: Box<dyn Site>, face: Face) -> ExitCode {
    serve::run(site, face)
}

#[cfg(not(target_os = "wasi"))]
fn hostname() -> String {
    "localhost".to_owned()
}

#[cfg(not(target_os = "wasi"))]
fn address() -> String {
    "127.0.0.1".to_owned()
}

/// Outside of the lab only the configuration can be tried.
#[cfg(not(target_os = "wasi"))]
fn serve(site: Box<dyn Site>, face: Face) -> ExitCode {
    say(&format!(
        "{face:?} would listen on {:?}; it serves only inside the lab\n",
        site.sockets()
    ));
    ExitCode::FAILURE
}
