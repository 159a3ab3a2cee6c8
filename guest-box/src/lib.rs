//! One program that is many: a shell and the small tools beside it.
//!
//! The name it is called by chooses the applet; `busybox APPLET …` does too. Applets read
//! arguments and streams and return an exit code; they never call one another's insides.
//! Start with [`applets`] for the table and [`sh`] for the shell.

mod applets;
mod sh;

/// Every name this program answers to, for whoever lays out an image's `/bin`.
pub fn names() -> Vec<&'static str> {
    applets::names()
}

/// Runs the applet that the first argument names and ends the process.
pub fn main() {
    guest_kit::init();
    let mut args: Vec<String> = std::env::args().collect();
    let name = |args: &[String]| {
        let name = args.first().map_or("busybox", String::as_str);
        let name = name.rsplit('/').next().unwrap_or(name);
        name.trim_start_matches('-')
            .trim_end_matches(".wasm")
            .to_owned()
    };
    let mut applet = name(&args);
    if matches!(applet.as_str(), "busybox" | "guest-box") {
        args.remove(0);
        if args.is_empty() || args[0] == "--help" {
            applets::list();
            guest_kit::exit(0);
        }
        if args[0] == "--list" {
            applets::list_names();
            guest_kit::exit(0);
        }
        applet = name(&args);
    }
    let status = if matches!(applet.as_str(), "sh" | "ash") {
        sh::main(&args)
    } else {
        applets::main(&applet, args)
    };
    guest_kit::exit(status.to_le_bytes()[0]);
}
