//! `httpd`: its options, its test of a configuration, its signals to itself, and its start.

use std::fs;
use std::io::{self, Write};
use std::process::ExitCode;
use std::rc::Rc;

use guest_nginx::apache::conf::{self, Config, Source};
use guest_nginx::apache::{self, Apache};
use guest_nginx::serve::{Face, signal};

use crate::face::{self, say};
use crate::show;

const ROOT: &str = "/usr/local/apache2";

const USAGE: &str = "Usage: httpd [-D name] [-d directory] [-f file]
             [-C \"directive\"] [-c \"directive\"]
             [-k start|restart|graceful|graceful-stop|stop]
             [-v] [-V] [-h] [-l] [-t] [-S] [-M] [-X]
Options:
  -D name            : define a name for use in <IfDefine name> directives
  -d directory       : specify an alternate initial ServerRoot
  -f file            : specify an alternate ServerConfigFile
  -C \"directive\"     : process directive before reading config files
  -c \"directive\"     : process directive after reading config files
  -v                 : show version number
  -V                 : show compile settings
  -h                 : list available command line options (this page)
  -l                 : list compiled in modules
  -t -D DUMP_VHOSTS  : show parsed vhost settings
  -t -D DUMP_MODULES : show all loaded modules
  -S                 : a synonym for -t -D DUMP_VHOSTS -D DUMP_RUN_CFG
  -M                 : a synonym for -t -D DUMP_MODULES
  -t                 : run syntax check for config files
  -X                 : debug mode (only one worker, do not detach)
";

/// What the command line asks for.
#[derive(Default)]
struct Asked {
    source: Source,
    /// What is done instead of serving: `t`, `v`, `V`, `h`, `l`, `S`, `M`.
    only: Option<char>,
    signal: Option<String>,
    /// Whether it may stay in the foreground without a word.
    foreground: bool,
}

fn asked(args: &[String]) -> Result<Asked, String> {
    let mut asked = Asked::default();
    asked.source.root = ROOT.to_owned();
    asked.source.file = "conf/httpd.conf".to_owned();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let mut chars = arg.strip_prefix('-').unwrap_or_default().chars();
        let Some(flag) = chars.next() else {
            return Err(format!("httpd: \"{arg}\" is no option\n{USAGE}"));
        };
        match flag {
            // The last one that asks for a list is the one that counts.
            't' => asked.only = asked.only.or(Some('t')),
            'v' | 'V' | 'h' | 'l' | 'S' | 'M' => asked.only = Some(flag),
            'X' => asked.foreground = true,
            'f' | 'd' | 'D' | 'c' | 'C' | 'k' => {
                let joined = Some(chars.as_str()).filter(|rest| !rest.is_empty());
                let value = joined.or_else(|| args.next().map(String::as_str));
                let missing = || format!("httpd: option requires an argument -- {flag}\n{USAGE}");
                asked.take(flag, value.ok_or_else(missing)?);
            }
            _ => return Err(format!("httpd: illegal option -- {flag}\n{USAGE}")),
        }
    }
    Ok(asked)
}

impl Asked {
    fn take(&mut self, flag: char, value: &str) {
        let value = value.to_owned();
        match flag {
            'f' => self.source.file = value,
            'd' => self.source.root = value,
            'c' => self.source.after.push(value),
            'C' => self.source.before.push(value),
            'k' => self.signal = Some(value),
            _ => {
                match value.as_str() {
                    "FOREGROUND" | "NO_DETACH" | "ONE_PROCESS" | "DEBUG" => self.foreground = true,
                    "DUMP_VHOSTS" => self.only = Some('S'),
                    "DUMP_MODULES" => self.only = Some('M'),
                    _ => {}
                }
                self.source.defines.push(value);
            }
        }
    }
}

/// Says something on standard output; who does not listen misses it.
fn tell(text: &str) -> ExitCode {
    let _ = io::stdout().write_all(text.as_bytes());
    ExitCode::SUCCESS
}

pub(crate) fn main(args: &[String]) -> ExitCode {
    let asked = match asked(args) {
        Ok(asked) => asked,
        Err(message) => {
            say(&message);
            return ExitCode::FAILURE;
        }
    };
    match asked.only {
        Some('v') => return tell(&format!("Server version: {}\n", apache::PRODUCT)),
        Some('V') => {
            let text = format!(
                "Server version: {}\nServer built:   by rustc for wasm32-wasip2\nServer MPM:     event\n \
                 -D HTTPD_ROOT=\"{ROOT}\"\n -D SERVER_CONFIG_FILE=\"conf/httpd.conf\"\n",
                apache::PRODUCT
            );
            return tell(&text);
        }
        Some('h') => {
            say(USAGE);
            return ExitCode::FAILURE;
        }
        Some('l') => return tell("Compiled in modules:\n  core.c\n  mod_so.c\n  http_core.c\n"),
        _ => {}
    }
    let config = match conf::read(&asked.source) {
        Ok(config) => config,
        Err(message) => {
            say(&format!("{message}\n"));
            return ExitCode::FAILURE;
        }
    };
    for warning in &config.warnings {
        say(&format!("[core:warn] {warning}\n"));
    }
    if config.hosts[0].name.is_empty() {
        say(&format!(
            "AH00558: httpd: Could not reliably determine the server's fully qualified domain name, using {}. \
             Set the 'ServerName' directive globally to suppress this message\n",
            address()
        ));
    }
    match (asked.only, asked.signal.as_deref()) {
        (Some('S'), _) => tell(&show::hosts(&config, &address())),
        (Some('M'), _) => tell(&show::modules(&config)),
        (Some(_), _) => {
            say("Syntax OK\n");
            ExitCode::SUCCESS
        }
        (None, None | Some("start")) => start(config, asked),
        (None, Some("restart" | "graceful")) if running(&config).is_none() => {
            say("httpd not running, trying to start\n");
            start(config, asked)
        }
        (None, Some(word)) => send(&config, word),
    }
}

/// The number that the configuration's file holds.
fn running(config: &Config) -> Option<u32> {
    let text = fs::read_to_string(config.pid.as_deref()?).ok()?;
    text.trim().parse().ok()
}

/// Sends a signal to the server whose number the configuration's file holds.
fn send(config: &Config, word: &str) -> ExitCode {
    let number = match word {
        "stop" => signal::TERM,
        "graceful-stop" => signal::WINCH,
        "restart" => signal::HUP,
        "graceful" => signal::USR1,
        _ => {
            say(&format!("httpd: invalid -k option: {word}\n{USAGE}"));
            return ExitCode::FAILURE;
        }
    };
    match running(config) {
        Some(pid) if guest_kit::process::kill(pid, number) => ExitCode::SUCCESS,
        Some(pid) => {
            say(&format!("httpd (pid {pid}?) not running\n"));
            ExitCode::FAILURE
        }
        None => {
            say("httpd (no pid file) not running\n");
            ExitCode::SUCCESS
        }
    }
}

fn start(config: Config, asked: Asked) -> ExitCode {
    let pid = config.pid.clone();
    let site = match Apache::with(config) {
        Ok(site) if !site.config().listens.is_empty() => Rc::new(site),
        Ok(_) => {
            say("no listening sockets available, shutting down\nAH00015: Unable to open logs\n");
            return ExitCode::FAILURE;
        }
        Err(message) => {
            say(&format!("{message}\n"));
            return ExitCode::FAILURE;
        }
    };
    let cannot = |address, (number, words), _| {
        say(&format!(
            "({number}){words}: AH00072: make_sock: could not bind to address {address}\n\
             no listening sockets available, shutting down\nAH00015: Unable to open logs\n"
        ));
    };
    let written = pid.clone();
    let started = move || {
        if let Some(path) = &written {
            // A container without such a folder has nobody who would look there.
            let _ = fs::write(path, format!("{}\n", guest_kit::process::pid()));
        }
    };
    if !asked.foreground {
        say("httpd: going to the background is not in this lab; end the line with & for that\n");
    }
    let reload = Box::new(
        move || match conf::read(&asked.source).and_then(Apache::with) {
            Ok(site) => Some(Face::Httpd(Rc::new(site))),
            Err(message) => {
                say(&format!("{message}\n"));
                None
            }
        },
    );
    let code = face::serve(Face::Httpd(site), 1, cannot, started, reload);
    if let Some(path) = pid {
        // It is gone when somebody removed it, or never was.
        let _ = fs::remove_file(path);
    }
    code
}

fn address() -> String {
    let addresses = guest_kit::machine::addresses();
    let own = addresses.iter().find(|(name, ..)| name != "lo");
    own.map_or_else(|| "127.0.0.1".to_owned(), |(_, address, _)| address.clone())
}
