//! `wasi:cli`: arguments, environment, standard streams, the exit code.

use super::bindings::wasi::cli::{
    environment, exit, stderr, stdin, stdout, terminal_input, terminal_output, terminal_stderr,
    terminal_stdin, terminal_stdout,
};
use super::{Exited, Guest};
use wasmtime::Result;
use wasmtime::component::Resource;
use wasmtime_wasi_io::streams::{DynInputStream, DynOutputStream};

/// Says that standard input is a terminal.
#[derive(Debug)]
pub struct TerminalInput;

/// Says that standard output or error is a terminal.
#[derive(Debug)]
pub struct TerminalOutput;

impl environment::Host for Guest {
    fn get_environment(&mut self) -> Result<Vec<(String, String)>> {
        let mut all = self.env.clone();
        let shared = self.shared_env.iter().flat_map(|list| list.iter());
        let own = |name: &str| self.env.iter().any(|(other, _)| other == name);
        all.extend(shared.filter(|(name, _)| !own(name)).cloned());
        Ok(all)
    }

    fn get_arguments(&mut self) -> Result<Vec<String>> {
        Ok(self.argv.clone())
    }

    fn initial_cwd(&mut self) -> Result<Option<String>> {
        Ok(Some(self.cwd.clone()))
    }
}

impl exit::Host for Guest {
    fn exit(&mut self, status: Result<(), ()>) -> Result<()> {
        Err(Exited(u8::from(status.is_err())).into())
    }

    fn exit_with_code(&mut self, code: u8) -> Result<()> {
        Err(Exited(code).into())
    }
}

impl stdin::Host for Guest {
    fn get_stdin(&mut self) -> Result<Resource<DynInputStream>> {
        let stream: DynInputStream = Box::new(self.stdio.stdin.clone());
        Ok(self.table.push(stream)?)
    }
}

impl stdout::Host for Guest {
    fn get_stdout(&mut self) -> Result<Resource<DynOutputStream>> {
        let stream: DynOutputStream = Box::new(self.stdio.stdout.clone());
        Ok(self.table.push(stream)?)
    }
}

impl stderr::Host for Guest {
    fn get_stderr(&mut self) -> Result<Resource<DynOutputStream>> {
        let stream: DynOutputStream = Box::new(self.stdio.stderr.clone());
        Ok(self.table.push(stream)?)
    }
}

impl terminal_input::Host for Guest {}
impl terminal_input::HostTerminalInput for Guest {
    fn drop(&mut self, terminal: Resource<TerminalInput>) -> Result<()> {
        self.table.delete(terminal)?;
        Ok(())
    }
}

impl terminal_output::Host for Guest {}
impl terminal_output::HostTerminalOutput for Guest {
    fn drop(&mut self, terminal: Resource<TerminalOutput>) -> Result<()> {
        self.table.delete(terminal)?;
        Ok(())
    }
}

impl terminal_stdin::Host for Guest {
    fn get_terminal_stdin(&mut self) -> Result<Option<Resource<TerminalInput>>> {
        let terminal = self.stdio.stdin.tty().map(|_| TerminalInput);
        Ok(terminal
            .map(|terminal| self.table.push(terminal))
            .transpose()?)
    }
}

impl terminal_stdout::Host for Guest {
    fn get_terminal_stdout(&mut self) -> Result<Option<Resource<TerminalOutput>>> {
        let terminal = self.stdio.stdout.tty().map(|_| TerminalOutput);
        Ok(terminal
            .map(|terminal| self.table.push(terminal))
            .transpose()?)
    }
}

impl terminal_stderr::Host for Guest {
    fn get_terminal_stderr(&mut self) -> Result<Option<Resource<TerminalOutput>>> {
        let terminal = self.stdio.stderr.tty().map(|_| TerminalOutput);
        Ok(terminal
            .map(|terminal| self.table.push(terminal))
            .transpose()?)
    }
}
