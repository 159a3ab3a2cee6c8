//! `lab:process`: children, signals, the terminal, the machine, modes of files. Never beyond the container.

use super::bindings::lab::process::{files, machine, process, signals, terminal};
use super::{Guest, Slain};
use crate::pipe::{PIPE_CAPACITY, Pipe};
use crate::process::{
    Exec, Exit, Input, Order, Output, Process, Replaced, SharedEnv, SpawnError, Stdio, replace,
    start,
};
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use wasmtime::Result;
use wasmtime::component::Resource;
use wasmtime_wasi_io::poll::{DynPollable, Pollable, subscribe};
use wasmtime_wasi_io::streams::{DynInputStream, DynOutputStream};

/// A child, held by whoever started it.
#[derive(Debug)]
pub struct Child(Arc<Process>);

#[async_trait::async_trait]
impl Pollable for Child {
    async fn ready(&mut self) {
        poll_fn(|cx| self.0.poll_exit(cx)).await;
    }
}

/// Ready when a signal is queued.
#[derive(Debug)]
struct Signals(Arc<Process>);

#[async_trait::async_trait]
impl Pollable for Signals {
    async fn ready(&mut self) {
        poll_fn(|cx| self.0.poll_signal(cx)).await;
    }
}

impl From<Exit> for process::Exit {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Code(code) => Self::Code(code),
            Exit::Signal(signal) => Self::Signal(signal),
        }
    }
}

impl Guest {
    fn input(&mut self, stdin: process::Stdin) -> Result<Input> {
        Ok(match stdin {
            process::Stdin::Inherit => self.stdio.stdin.clone(),
            process::Stdin::Null => Input::null(),
            process::Stdin::Stream(stream) => Input::given(self.table.delete(stream)?),
        })
    }

    fn output(&mut self, stdout: process::Stdout, inherited: &Output) -> Result<Output> {
        Ok(match stdout {
            process::Stdout::Inherit => inherited.clone(),
            process::Stdout::Null => Output::null(),
            process::Stdout::Stream(stream) => Output::given(self.table.delete(stream)?),
        })
    }
}

impl Guest {
    /// What a process that this one starts, or becomes, is made of.
    fn order(&mut self, args: process::SpawnArgs) -> Result<Order> {
        let mine = self.stdio.clone();
        let stdio = Stdio {
            stdin: self.input(args.stdin)?,
            stdout: self.output(args.stdout, &mine.stdout)?,
            stderr: self.output(args.stderr, &mine.stderr)?,
        };
        Ok(Order {
            exec: Exec::Path(args.program),
            argv: args.argv,
            env: args.env,
            shared_env: SharedEnv::default(),
            cwd: args.cwd,
            stdio,
            parent: self.process.pid,
            ignored: self.process.ignored(),
            reported: false,
        })
    }
}

fn spawn_error(error: SpawnError) -> process::SpawnError {
    match error {
        SpawnError::NotFound => process::SpawnError::NotFound,
        SpawnError::NotExecutable => process::SpawnError::NotExecutable,
        SpawnError::TooMany | SpawnError::NotRunning => process::SpawnError::TooMany,
    }
}

impl process::Host for Guest {
    fn spawn(
        &mut self,
        args: process::SpawnArgs,
    ) -> Result<Result<Resource<Child>, process::SpawnError>> {
        let order = self.order(args)?;
        match start(&self.kernel, &self.container, order) {
            Ok(child) => Ok(Ok(self.table.push(Child(child))?)),
            Err(error) => Ok(Err(spawn_error(error))),
        }
    }

    fn replace(&mut self, args: process::SpawnArgs) -> Result<process::SpawnError> {
        let order = self.order(args)?;
        match replace(&self.container, &self.process, order) {
            Ok(successor) => {
                self.successor = Some(successor);
                Err(Replaced.into())
            }
            Err(error) => Ok(spawn_error(error)),
        }
    }

    fn dup_stdin(&mut self) -> Result<Resource<DynInputStream>> {
        let stream: DynInputStream = Box::new(self.stdio.stdin.clone());
        Ok(self.table.push(stream)?)
    }

    fn dup_stdout(&mut self) -> Result<Resource<DynOutputStream>> {
        let stream: DynOutputStream = Box::new(self.stdio.stdout.clone());
        Ok(self.table.push(stream)?)
    }

    fn dup_stderr(&mut self) -> Result<Resource<DynOutputStream>> {
        let stream: DynOutputStream = Box::new(self.stdio.stderr.clone());
        Ok(self.table.push(stream)?)
    }

    fn pid(&mut self) -> Result<u32> {
        Ok(self.process.pid)
    }

    fn processes(&mut self) -> Result<Vec<process::ProcessInfo>> {
        let me = self.process.pid;
        let info = |process: &Arc<Process>| process::ProcessInfo {
            pid: process.pid,
            ppid: process.parent(),
            argv: process.argv(),
            runnable: process.pid == me || process.is_queued(),
            started: process.started.as_nanos(),
            cpu: u64::try_from(process.meter.total().as_nanos()).unwrap_or(u64::MAX),
            memory: process.memory.load(Ordering::Relaxed),
            terminal: process.tty().is_some(),
        };
        Ok(self.container.processes().iter().map(info).collect())
    }

    fn kill(&mut self, pid: u32, signal: u8) -> Result<bool> {
        let process = self.container.process(pid);
        if let Some(process) = &process {
            process.signal(signal);
        }
        // Who ends itself does not come back from the call.
        match self.process.doom() {
            Some(doom) if pid == self.process.pid => Err(Slain(doom).into()),
            _ => Ok(process.is_some()),
        }
    }
}

impl process::HostPipe for Guest {
    fn new(&mut self) -> Result<Resource<Pipe>> {
        Ok(self.table.push(Pipe::new(PIPE_CAPACITY))?)
    }

    fn reader(&mut self, pipe: Resource<Pipe>) -> Result<Resource<DynInputStream>> {
        let reader: DynInputStream = Box::new(self.table.get(&pipe)?.reader());
        Ok(self.table.push(reader)?)
    }

    fn writer(&mut self, pipe: Resource<Pipe>) -> Result<Resource<DynOutputStream>> {
        let writer: DynOutputStream = Box::new(self.table.get(&pipe)?.writer());
        Ok(self.table.push(writer)?)
    }

    fn drop(&mut self, pipe: Resource<Pipe>) -> Result<()> {
        self.table.delete(pipe)?;
        Ok(())
    }
}

impl process::HostChild for Guest {
    fn pid(&mut self, child: Resource<Child>) -> Result<u32> {
        Ok(self.table.get(&child)?.0.pid)
    }

    async fn wait(&mut self, child: Resource<Child>) -> Result<process::Exit> {
        let child = &self.table.get(&child)?.0;
        Ok(poll_fn(|cx| child.poll_exit(cx)).await.into())
    }

    fn try_wait(&mut self, child: Resource<Child>) -> Result<Option<process::Exit>> {
        Ok(self.table.get(&child)?.0.exit().map(Into::into))
    }

    fn kill(&mut self, child: Resource<Child>, signal: u8) -> Result<()> {
        self.table.get(&child)?.0.signal(signal);
        Ok(())
    }

    fn subscribe(&mut self, child: Resource<Child>) -> Result<Resource<DynPollable>> {
        subscribe(&mut self.table, child)
    }

    fn drop(&mut self, child: Resource<Child>) -> Result<()> {
        self.table.delete(child)?;
        Ok(())
    }
}

impl signals::Host for Guest {
    fn handle(&mut self, signals: Vec<u8>) -> Result<()> {
        self.process.handle(&signals);
        Ok(())
    }

    fn ignore(&mut self, signal: u8) -> Result<()> {
        self.process.ignore(signal);
        Ok(())
    }

    fn next(&mut self) -> Result<Option<u8>> {
        Ok(self.process.next_signal())
    }

    fn subscribe(&mut self) -> Result<Resource<DynPollable>> {
        let signals = self.table.push(Signals(Arc::clone(&self.process)))?;
        subscribe(&mut self.table, signals)
    }
}

impl terminal::Host for Guest {
    fn get_size(&mut self) -> Result<Option<terminal::Size>> {
        let size = self.process.tty().map(|tty| tty.size());
        Ok(size.map(|size| terminal::Size {
            columns: size.columns,
            rows: size.rows,
        }))
    }

    fn set_raw(&mut self, raw: bool) -> Result<bool> {
        let tty = self.process.tty();
        if let Some(tty) = &tty {
            tty.set_raw(raw);
        }
        Ok(tty.is_some())
    }
}

impl machine::Host for Guest {
    fn hostname(&mut self) -> Result<String> {
        Ok(self.container.spec.hostname.clone())
    }

    fn addresses(&mut self) -> Result<Vec<(String, String, u8)>> {
        let host = self.container.spec.host;
        let links = self.kernel.network.with(|net, _| net.links(host));
        let addresses = links.into_iter().flat_map(|link| {
            let name = link.name;
            link.addresses
                .into_iter()
                .map(move |(address, prefix)| (name.clone(), address.to_string(), prefix))
        });
        Ok(addresses.collect())
    }

    fn get_stats(&mut self) -> Result<machine::Stats> {
        let network = &self.kernel.network;
        let [one, five, fifteen] = network.load();
        let memory = &self.container.memory;
        let processes_max = self.container.spec.processes_max;
        Ok(machine::Stats {
            uptime: network.now().as_nanos(),
            load: (one, five, fifteen),
            memory_limit: memory.limit(),
            memory_used: memory.used(),
            processes_max: u32::try_from(processes_max).unwrap_or(u32::MAX),
            last_pid: self.container.last_pid(),
        })
    }

    fn mounts(&mut self) -> Result<Vec<machine::Mount>> {
        let mounts = self.container.spec.fs.mounts().list().into_iter();
        Ok(mounts
            .map(|mount| machine::Mount {
                path: mount.path,
                read_only: mount.read_only,
                size: mount.size,
                used: mount.used,
            })
            .collect())
    }
}

impl files::Host for Guest {
    fn mode(&mut self, path: String) -> Result<Option<u32>> {
        Ok(self.container.spec.fs.mode(&path).ok())
    }

    fn set_mode(&mut self, path: String, mode: u32) -> Result<bool> {
        Ok(self.container.spec.fs.set_mode(&path, mode).is_ok())
    }
}
