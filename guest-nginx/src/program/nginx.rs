//! `nginx`: its options, its test of a configuration, its signals to itself, and its start.

use std::fs;
use std::io::{self, Write};
use std::process::ExitCode;
use std::rc::Rc;

use guest_nginx::conf::model::{Config, Level};
use guest_nginx::conf::{self, ConfError, Prefixes, Source, Texts, tree};
use guest_nginx::files::Failure;
use guest_nginx::net::system;
use guest_nginx::nginx::{log, pages};
use guest_nginx::options::{self, Options};
use guest_nginx::serve::tls::Certificates;
use guest_nginx::serve::{Face, signal};

use crate::face::{self, say};

const CONF: &str = "/etc/nginx/nginx.conf";

/// What holds when the image brings no configuration: the official image's layout.
const BUILT_IN: [(&str, &str); 3] = [
    (CONF, include_str!("../../files/nginx.conf")),
    (
        "/etc/nginx/mime.types",
        include_str!("../../files/mime.types"),
    ),
    (
        "/etc/nginx/conf.d/default.conf",
        include_str!("../../files/default.conf"),
    ),
];

/// Which of nginx's modules this one has and lacks.
const BUILT: &str = "configure arguments: --prefix=/etc/nginx --sbin-path=/usr/sbin/nginx \
    --conf-path=/etc/nginx/nginx.conf --error-log-path=/var/log/nginx/error.log \
    --http-log-path=/var/log/nginx/access.log --pid-path=/var/run/nginx.pid \
    --with-http_gzip_static_module --with-http_ssl_module --with-http_stub_status_module \
    --without-http_ssi_module --without-http_userid_module --without-http_mirror_module \
    --without-http_split_clients_module --without-http_referer_module --without-http_fastcgi_module \
    --without-http_uwsgi_module --without-http_scgi_module --without-http_grpc_module \
    --without-http_memcached_module --without-http_empty_gif_module --without-http_browser_module \
    --without-http_upstream_hash_module --without-http_upstream_random_module --without-http-cache";

const HELP: &str = "Usage: nginx [-?hvVtTq] [-s signal] [-p prefix]
             [-e filename] [-c filename] [-g directives]

Options:
  -?,-h         : this help
  -v            : show version and exit
  -V            : show version and configure options then exit
  -t            : test configuration and exit
  -T            : test configuration, dump it and exit
  -q            : suppress non-error messages during configuration testing
  -s signal     : send signal to a master process: stop, quit, reopen, reload
  -p prefix     : set prefix path (default: /etc/nginx/)
  -e filename   : set error log file (default: /var/log/nginx/error.log)
  -c filename   : set configuration file (default: /etc/nginx/nginx.conf)
  -g directives : set global directives out of configuration file

";

pub(crate) fn main(args: &[String]) -> ExitCode {
    let options = match options::nginx(args) {
        Ok(options) => options,
        Err(message) => {
            say(&format!("nginx: {message}\n"));
            return ExitCode::FAILURE;
        }
    };
    if options.version {
        say(&format!("nginx version: {}\n", pages::product()));
        if options.help {
            say(HELP);
        }
        if options.built {
            say(&format!(
                "built by rustc for wasm32-wasip2\nTLS SNI support enabled\n{BUILT}\n"
            ));
        }
        return ExitCode::SUCCESS;
    }
    let place = Place::of(&options);
    match (&options.signal, options.test) {
        (Some(signal), _) => send(&place, signal),
        (None, true) => test(&place, &options),
        (None, false) => start(place),
    }
}

/// Where the configuration is.
#[derive(Clone)]
struct Place {
    path: String,
    prefixes: Prefixes,
    directives: Option<String>,
}

impl Place {
    fn of(options: &Options) -> Self {
        let mut prefix = options
            .prefix
            .clone()
            .unwrap_or_else(|| "/etc/nginx/".to_owned());
        if !prefix.ends_with('/') {
            prefix.push('/');
        }
        let path = match (&options.conf, &options.prefix) {
            (Some(path), _) if path.starts_with('/') => path.clone(),
            (Some(path), _) => format!("{prefix}{path}"),
            (None, _) => CONF.to_owned(),
        };
        let mut prefixes = Prefixes::of(&path);
        prefixes.prefix = prefix;
        Self {
            path,
            prefixes,
            directives: options.directives.clone(),
        }
    }

    fn read(&self) -> (Result<Config, ConfError>, Texts) {
        let built_in = self.path == CONF && !fs::exists(CONF).unwrap_or(true);
        let files = Files { built_in };
        conf::read(
            &files,
            &self.path,
            &self.prefixes,
            self.directives.as_deref(),
        )
    }

    /// The configuration with its certificates.
    fn load(&self) -> Result<(Config, Certificates), String> {
        let config = self.read().0.map_err(|error| error.0)?;
        let certificates = Certificates::load(&config)?;
        Ok((config, certificates))
    }
}

/// As in the image, where the error log is standard error: once for the log, once for the terminal.
fn emerg(level: Level, message: &str, both: bool) {
    if both {
        let pid = guest_kit::process::pid();
        say(&log::notice(system::wall(), level, pid, message));
    }
    say(&format!("nginx: [{}] {message}\n", level.name()));
}

fn test(place: &Place, options: &Options) -> ExitCode {
    let path = &place.path;
    let (config, texts) = place.read();
    let loaded = config.map_err(|error| error.0).and_then(|config| {
        Certificates::load(&config)?;
        Ok(config)
    });
    let config = match loaded {
        Ok(config) => config,
        Err(message) => {
            if ConfError(message.clone()).is_late() && !options.quiet {
                say(&format!(
                    "nginx: the configuration file {path} syntax is ok\n"
                ));
            }
            emerg(Level::Emerg, &message, false);
            say(&format!("nginx: configuration file {path} test failed\n"));
            return ExitCode::FAILURE;
        }
    };
    for warning in &config.warnings {
        emerg(Level::Warn, warning, false);
    }
    if !options.quiet {
        say(&format!(
            "nginx: the configuration file {path} syntax is ok\n"
        ));
        say(&format!(
            "nginx: configuration file {path} test is successful\n"
        ));
    }
    if options.dump {
        for (path, text) in texts {
            // Whoever asked for it reads it or does not.
            let _ = write!(io::stdout(), "# configuration file {path}:\n{text}\n");
        }
    }
    ExitCode::SUCCESS
}

/// Sends a signal to the server whose number the configuration's file holds.
fn send(place: &Place, word: &str) -> ExitCode {
    let fail = |message: &str| {
        emerg(Level::Error, message, false);
        ExitCode::FAILURE
    };
    let config = match place.read().0 {
        Ok(config) => config,
        Err(error) => {
            emerg(Level::Emerg, &error.0, false);
            return ExitCode::FAILURE;
        }
    };
    let path = pid_path(place, &config);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) => {
            let Failure { number, words } = Failure::of(&error);
            return fail(&format!("open() \"{path}\" failed ({number}: {words})"));
        }
    };
    let Ok(pid) = text.trim().parse::<u32>() else {
        return fail(&format!(
            "invalid PID number \"{}\" in \"{path}\"",
            text.trim()
        ));
    };
    let number = match word {
        "stop" => signal::TERM,
        "quit" => signal::QUIT,
        "reopen" => signal::USR1,
        _ => signal::HUP,
    };
    if guest_kit::process::kill(pid, number) {
        ExitCode::SUCCESS
    } else {
        emerg(
            Level::Alert,
            &format!("kill({pid}, {number}) failed (3: No such process)"),
            false,
        );
        ExitCode::FAILURE
    }
}

fn pid_path(place: &Place, config: &Config) -> String {
    if config.pid.starts_with('/') {
        config.pid.clone()
    } else {
        format!("{}{}", place.prefixes.prefix, config.pid)
    }
}

fn start(place: Place) -> ExitCode {
    let (config, certificates) = match place.load() {
        Ok(loaded) => loaded,
        Err(message) => {
            emerg(Level::Emerg, &message, true);
            return ExitCode::FAILURE;
        }
    };
    for warning in &config.warnings {
        emerg(Level::Warn, warning, true);
    }
    let pid_file = pid_path(&place, &config);
    let written = pid_file.clone();
    let cannot = |address, (number, words), left| {
        let message = format!("bind() to {address} failed ({number}: {words})");
        emerg(Level::Emerg, &message, true);
        if left == 0 {
            emerg(Level::Emerg, "still could not bind()", true);
        }
    };
    let started = move || {
        // A container without such a folder has nobody who would look there.
        let _ = fs::write(&written, format!("{}\n", guest_kit::process::pid()));
    };
    let reload = Box::new(move || match place.load() {
        Ok((config, certificates)) => {
            for warning in &config.warnings {
                emerg(Level::Warn, warning, true);
            }
            Some(Face::Nginx(Rc::new(config), Rc::new(certificates)))
        }
        Err(message) => {
            let pid = guest_kit::process::pid();
            say(&log::notice(system::wall(), Level::Emerg, pid, &message));
            None
        }
    });
    let face = Face::Nginx(Rc::new(config), Rc::new(certificates));
    let code = face::serve(face, 5, cannot, started, reload);
    // It is gone when somebody removed it, or never was.
    let _ = fs::remove_file(pid_file);
    code
}

/// The configuration's files; the image's stand in for those at their places when it brings none.
struct Files {
    built_in: bool,
}

impl Source for Files {
    fn read(&self, path: &str) -> Result<String, (u32, &'static str)> {
        if let (true, Some((_, text))) =
            (self.built_in, BUILT_IN.iter().find(|(own, _)| *own == path))
            && !fs::exists(path).unwrap_or(true)
        {
            return Ok((*text).to_owned());
        }
        fs::read(path)
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .map_err(|error| {
                let Failure { number, words } = Failure::of(&error);
                (number, words)
            })
    }

    fn glob(&self, pattern: &str) -> Vec<String> {
        let mut paths = tree::glob(pattern);
        if self.built_in && paths.is_empty() {
            let fits = |(path, _): &&(&str, &str)| {
                tree::fits(pattern, path) && !path.ends_with("nginx.conf")
            };
            paths.extend(
                BUILT_IN
                    .iter()
                    .filter(fits)
                    .map(|(path, _)| (*path).to_owned()),
            );
        }
        paths
    }
}
