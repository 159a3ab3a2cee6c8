//! Starting a program: finding it, giving it its place, running it to its end.
//!
//! Never waits: the program begins when its first turn comes.

use super::{Arrival, Exit, Input, Meter, Outcome, Output, Process, SLICE, Stdio, signal};
use crate::container::{Container, Refused};
use crate::fs::Executable;
use crate::kernel::Kernel;
use crate::program::Program;
use crate::wasi::{Exited, Guest, OutOfMemory, Slain};
use std::sync::Arc;
use wasmtime::{Store, Trap};

/// How many `#!` lines may lead from one to the next.
const SCRIPTS_MAX: usize = 4;
/// Where programs are looked for when `PATH` is not set.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What to start.
#[derive(Clone, Debug)]
pub enum Exec {
    /// A path with a slash, or a name looked up in `PATH`.
    Path(String),
    /// This program, whether or not the container has it.
    Program(Program),
}

/// Lists of variables that many processes have; a name that a process has itself counts there.
pub type SharedEnv = Arc<[Arc<[(String, String)]>]>;

/// How the host starts a process.
#[derive(Clone, Debug)]
pub struct Spawn {
    /// What to start.
    pub exec: Exec,
    /// Its arguments, its own name first.
    pub argv: Vec<String>,
    /// Its environment.
    pub env: Vec<(String, String)>,
    /// Variables that it has beside them, shared with others who have the same.
    pub shared_env: SharedEnv,
    /// The directory it starts in, an absolute path.
    pub cwd: String,
    /// What it reads.
    pub stdin: Input,
    /// Where its output goes.
    pub stdout: Output,
    /// Where its complaints go.
    pub stderr: Output,
}

impl Spawn {
    /// A command with the first word as program, no input, and no output.
    #[must_use]
    pub fn new<S: Into<String>>(argv: impl IntoIterator<Item = S>) -> Self {
        let argv: Vec<String> = argv.into_iter().map(Into::into).collect();
        Self {
            exec: Exec::Path(argv.first().cloned().unwrap_or_default()),
            argv,
            env: Vec::new(),
            shared_env: SharedEnv::default(),
            cwd: "/".to_owned(),
            stdin: Input::null(),
            stdout: Output::null(),
            stderr: Output::null(),
        }
    }
}

/// Why a program did not start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpawnError {
    /// There is no such file.
    #[error("no such file or directory")]
    NotFound,
    /// The file is no program or lacks the execute bit.
    #[error("permission denied")]
    NotExecutable,
    /// The container has as many processes as it may have.
    #[error("resource temporarily unavailable")]
    TooMany,
    /// There is no such container, or its main process has ended.
    #[error("container not running")]
    NotRunning,
}

impl From<Refused> for SpawnError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::TooMany => Self::TooMany,
            Refused::Ended => Self::NotRunning,
        }
    }
}

/// Everything a new process is made of.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) exec: Exec,
    pub(crate) argv: Vec<String>,
    pub(crate) env: Vec<(String, String)>,
    pub(crate) shared_env: SharedEnv,
    pub(crate) cwd: String,
    pub(crate) stdio: Stdio,
    pub(crate) parent: u32,
    pub(crate) ignored: signal::Set,
    pub(crate) reported: bool,
}

/// Starts a process.
pub(crate) fn start(
    kernel: &Arc<Kernel>,
    container: &Arc<Container>,
    mut order: Order,
) -> Result<Arc<Process>, SpawnError> {
    let program = find(container, &mut order)?;
    let meter = Meter::new(kernel.network.clone(), Arc::clone(&container.processor));
    let process = container.add(|pid| Arc::new(Process::new(pid, &order, meter)))?;
    if let Some(tty) = process.tty() {
        tty.attach(&process);
    }
    let turn = kernel.network.scheduler().enter();
    process.set_turn(Arc::clone(&turn));
    let guest = Guest::new(kernel, container, &process, order);
    let fuel = container.spec.fuel_limit;
    let future = Box::pin(run(Arc::clone(kernel), program, guest, fuel));
    let (container, process) = (Arc::clone(container), process);
    let arrival = Arrival {
        turn,
        container,
        process: Arc::clone(&process),
        future,
    };
    kernel.arrivals.lock().push(arrival);
    Ok(process)
}

/// What a process has become: the program and everything it starts with.
#[derive(Debug)]
pub(crate) struct Successor {
    program: Program,
    order: Order,
}

/// The program has ended itself to become another.
#[derive(Debug, thiserror::Error)]
#[error("replaced")]
pub(crate) struct Replaced;

/// Makes a process another program; it begins when the present one has let go of everything.
pub(crate) fn replace(
    container: &Container,
    process: &Process,
    mut order: Order,
) -> Result<Successor, SpawnError> {
    let program = find(container, &mut order)?;
    process.become_program(order.argv.clone());
    Ok(Successor { program, order })
}

/// The program an order means; a script turns into an order for its interpreter.
fn find(container: &Container, order: &mut Order) -> Result<Program, SpawnError> {
    for _ in 0..SCRIPTS_MAX {
        let path = match &order.exec {
            Exec::Program(program) => return Ok(program.clone()),
            Exec::Path(path) => path.clone(),
        };
        let (path, executable) = look_up(container, order, &path)?;
        match executable {
            Executable::Program(program) => return Ok(program),
            Executable::Not => return Err(SpawnError::NotExecutable),
            Executable::Script(line) => interpret(order, &path, &line)?,
        }
    }
    Err(SpawnError::NotExecutable)
}

fn interpret(order: &mut Order, script: &str, line: &str) -> Result<(), SpawnError> {
    let (interpreter, argument) = match line.split_once([' ', '\t']) {
        Some((interpreter, argument)) => (interpreter, Some(argument.trim().to_owned())),
        None => (line, None),
    };
    if interpreter.is_empty() {
        return Err(SpawnError::NotExecutable);
    }
    let mut argv = vec![interpreter.to_owned()];
    argv.extend(argument);
    argv.push(script.to_owned());
    argv.extend(order.argv.drain(..).skip(1));
    order.argv = argv;
    order.exec = Exec::Path(interpreter.to_owned());
    Ok(())
}

fn look_up(
    container: &Container,
    order: &Order,
    name: &str,
) -> Result<(String, Executable), SpawnError> {
    let fs = &container.spec.fs;
    if name.contains('/') {
        let found = fs
            .executable(&order.cwd, name)
            .map_err(|_| SpawnError::NotFound)?;
        return Ok((name.to_owned(), found));
    }
    let path = order
        .env
        .iter()
        .find(|(key, _)| key == "PATH")
        .map(|(_, value)| value.as_str());
    let mut error = SpawnError::NotFound;
    for dir in path
        .unwrap_or(DEFAULT_PATH)
        .split(':')
        .filter(|_| !name.is_empty())
    {
        let path = format!("{}/{name}", if dir.is_empty() { "." } else { dir });
        match fs.executable(&order.cwd, &path) {
            Ok(Executable::Not) => error = SpawnError::NotExecutable,
            Ok(found) => return Ok((path, found)),
            Err(_) => {}
        }
    }
    Err(error)
}

/// A process from its first turn to its end, through every program it becomes.
async fn run(kernel: Arc<Kernel>, mut program: Program, mut guest: Guest, limit: u64) -> Outcome {
    let mut fuel = limit;
    loop {
        let (container, process) = (Arc::clone(&guest.container), Arc::clone(&guest.process));
        let stderr = guest.stdio.stderr.clone();
        let mut store = Store::new(kernel.loader.engine(), guest);
        store.limiter(|guest| &mut guest.memory);
        store.set_fuel(fuel).expect("the engine counts fuel");
        store
            .fuel_async_yield_interval(Some(SLICE))
            .expect("the engine counts fuel");
        let result = async {
            let command = program.pre()?.instantiate_async(&mut store).await?;
            command.wasi_cli_run().call_run(&mut store).await
        };
        let result = result.await;
        fuel = store.get_fuel().expect("the engine counts fuel");
        process.meter.used(limit - fuel);
        let successor = store.data_mut().successor.take();
        drop(store);
        let Some(successor) = successor else {
            return ended(result, &stderr);
        };
        program = successor.program;
        guest = Guest::new(&kernel, &container, &process, successor.order);
    }
}

fn ended(result: wasmtime::Result<Result<(), ()>>, stderr: &Output) -> Outcome {
    let code = |code| Outcome {
        exit: Exit::Code(code),
        oom: false,
    };
    match result {
        Ok(Ok(())) => code(0),
        Ok(Err(())) => code(1),
        Err(err) => outcome(&err, stderr),
    }
}

fn outcome(err: &wasmtime::Error, stderr: &Output) -> Outcome {
    if let Some(Exited(code)) = err.downcast_ref() {
        return Outcome {
            exit: Exit::Code(*code),
            oom: false,
        };
    }
    if let Some(Slain(signal)) = err.downcast_ref() {
        return Outcome {
            exit: Exit::Signal(*signal),
            oom: false,
        };
    }
    if err.is::<OutOfMemory>() {
        return Outcome {
            exit: Exit::Signal(signal::KILL),
            oom: true,
        };
    }
    let number = match err.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel) => signal::XCPU,
        Some(Trap::UnreachableCodeReached) => signal::ABRT,
        Some(Trap::IntegerDivisionByZero | Trap::IntegerOverflow) => signal::FPE,
        Some(_) => signal::SEGV,
        None => {
            stderr.say(&format!("runtime: {err:#}\n"));
            signal::ABRT
        }
    };
    Outcome {
        exit: Exit::Signal(number),
        oom: false,
    }
}
