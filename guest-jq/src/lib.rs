//! jq as a component, by the jaq crates; called `yq` it reads and writes YAML.
//!
//! [`options`] reads the arguments, [`filter`] runs the program, [`output`] and [`yaml`] print.
//! jaq's own error texts and its few differences from jq are kept: they are in the cases.

mod filter;
mod options;
mod output;
mod yaml;

use std::io::Write;

/// Runs the program with these arguments, its own name first; its exit code.
pub fn run(args: &[String]) -> i32 {
    let name = args.first().map_or("jq", String::as_str);
    let name = name.rsplit('/').next().unwrap_or(name);
    let yaml = name.starts_with("yq");
    let read = if yaml {
        options::yq(args)
    } else {
        options::jq(args)
    };
    match read {
        Ok(options) => filter::main(&options),
        Err(options::Stop::Help(text)) => {
            // Nobody reads it when it cannot be written.
            let _ = std::io::stdout().write_all(text.as_bytes());
            0
        }
        Err(options::Stop::Wrong(text)) => {
            let _ = std::io::stderr().write_all(text.as_bytes());
            2
        }
    }
}
