//! The binary `native-kubectl`: the same as `lab kubectl`, built in seconds, for comparing it with
//! the stock client. Never decides anything.

use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    ExitCode::from(native_kubectl::run(&args))
}
