//! `httpd`: its options and its start.

use std::io::{self, Write};
use std::process::ExitCode;
use std::rc::Rc;

use guest_nginx::apache::{self, Apache};
use guest_nginx::serve::Face;

use crate::face::{self, say};

const HTDOCS: &str = "/usr/local/apache2/htdocs";

pub(crate) fn main(args: &[String]) -> ExitCode {
    if args.iter().any(|arg| arg == "-v" || arg == "-V") {
        // Apache says its version on standard output; who does not listen misses it.
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
    let cannot = |address, (number, words), _| {
        say(&format!(
            "({number}){words}: AH00072: make_sock: could not bind to address {address}\n\
             no listening sockets available, shutting down\nAH00015: Unable to open logs\n"
        ));
    };
    let site = Rc::new(Apache::new(HTDOCS.to_owned(), 80));
    let again = Rc::clone(&site);
    let reload = Box::new(move || Some(Face::Httpd(Rc::clone(&again))));
    face::serve(Face::Httpd(site), 1, cannot, || {}, reload)
}

fn address() -> String {
    let addresses = guest_kit::machine::addresses();
    let own = addresses.iter().find(|(name, ..)| name != "lo");
    own.map_or_else(|| "127.0.0.1".to_owned(), |(_, address, _)| address.clone())
}
