//! The tools of the workstation that are neither curl nor kubectl: `docker`, `minikube`, `ssh`,
//! and `git`, which is not here and says so.
//!
//! Each is a client: engines, nodes and the API server are elsewhere in the lab, and every byte to
//! them is in a packet. Nothing here pretends to an answer it did not get.

mod balancers;
mod docker;
mod http;
mod minikube;
mod net;
mod remote;
mod ssh;
mod table;
mod term;

pub use term::Term;

/// Runs the program that the first argument names; its exit code.
pub fn run(args: &[String]) -> i32 {
    let mut term = Term::system();
    let code = run_on(&mut term, args);
    term.flush();
    code
}

/// The same with given outputs and variables, for tests.
pub fn run_on(term: &mut Term<'_>, args: &[String]) -> i32 {
    let name = args.first().map_or("", String::as_str);
    let name = name.rsplit('/').next().unwrap_or(name);
    let rest = args.get(1..).unwrap_or_default();
    match name {
        "docker" => docker::run(term, rest),
        "minikube" => minikube::run(term, rest),
        "ssh" => ssh::run(term, rest),
        "git" => {
            term.say_error("git: not in this lab: there is nothing to fetch from; the lessons bring their files");
            127
        }
        other => {
            term.say_error(&format!("{other}: not in this lab"));
            127
        }
    }
}
