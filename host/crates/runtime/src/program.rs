//! A WebAssembly component, ready to be started any number of times.
//!
//! Never compiled twice: equal bytes are one program. Never loads machine code that came from
//! anywhere but this binary, and never loads that twice: it runs where it lies, so that all worlds
//! of a process share it.

use crate::wasi::bindings::CommandPre;
use crate::wasi::{self, Guest};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ptr::NonNull;
use std::sync::{Arc, OnceLock};
use wasmtime::Engine;
use wasmtime::component::{Component, Linker};

/// What every WebAssembly component begins with; the rest of a program's bytes is not kept.
const MAGIC: [u8; 8] = [0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00];

/// A program that can be started; a clone is the same one.
#[derive(Clone)]
pub struct Program(Arc<Loaded>);

struct Loaded {
    /// Made when the program is first started: a container lays out many and starts few.
    pre: OnceLock<CommandPre<Guest>>,
    code: Code,
    size: u64,
}

enum Code {
    /// Somebody's component, compiled and linked when it came.
    Brought,
    /// Machine code from this binary's build script, and what loads it.
    Built(&'static [u8], Arc<Machinery>),
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Program")
            .field("size", &self.0.size)
            .finish_non_exhaustive()
    }
}

impl Program {
    pub(crate) fn size(&self) -> u64 {
        self.0.size
    }

    /// What an instance is made from; loaded on the first call.
    pub(crate) fn pre(&self) -> wasmtime::Result<&CommandPre<Guest>> {
        // Whoever comes second finds it loaded: wasmtime knows a place of code once.
        static LOADING: Mutex<()> = Mutex::new(());
        if let Some(pre) = self.0.pre.get() {
            return Ok(pre);
        }
        let _alone = LOADING.lock();
        if let Some(pre) = self.0.pre.get() {
            return Ok(pre);
        }
        let Code::Built(code, machinery) = &self.0.code else {
            unreachable!("what was brought is linked when it comes");
        };
        let pre = machinery.link(&machinery.deserialize(code)?)?;
        Ok(self.0.pre.get_or_init(|| pre))
    }

    /// What `cat` sees: something that looks like a component of this size.
    pub(crate) fn read(&self, from: usize, max: usize) -> Vec<u8> {
        let size = usize::try_from(self.0.size).unwrap_or(usize::MAX);
        let from = from.min(size);
        let to = from.saturating_add(max).min(size);
        (from..to)
            .map(|at| MAGIC.get(at).copied().unwrap_or(0))
            .collect()
    }
}

/// Why bytes are no program.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// They are a WebAssembly module, not a component.
    #[error("this is a core WebAssembly module, not a component: build it for wasm32-wasip2")]
    Module,
    /// They are not WebAssembly at all.
    #[error("this is not a WebAssembly component")]
    NotWasm,
    /// The component cannot be compiled.
    #[error("this component is broken: {0}")]
    Broken(String),
    /// The component wants something no program here gets.
    #[error("this component cannot run here: {0}")]
    Import(String),
    /// The machine code was made by another version or configuration.
    #[error("this machine code was made by another build: {0}")]
    Stale(String),
}

/// The engine and what programs may call.
struct Machinery {
    engine: Engine,
    linker: Linker<Guest>,
}

impl Machinery {
    /// The one of this process.
    fn shared() -> wasmtime::Result<Arc<Self>> {
        static SHARED: Mutex<Option<Arc<Machinery>>> = Mutex::new(None);
        let mut shared = SHARED.lock();
        if let Some(machinery) = &*shared {
            return Ok(Arc::clone(machinery));
        }
        let engine = engine::engine()?;
        let mut linker = Linker::new(&engine);
        wasi::add_to_linker(&mut linker)?;
        let machinery = Arc::new(Self { engine, linker });
        *shared = Some(Arc::clone(&machinery));
        Ok(machinery)
    }

    fn link(&self, component: &Component) -> wasmtime::Result<CommandPre<Guest>> {
        self.linker
            .instantiate_pre(component)
            .and_then(CommandPre::new)
    }

    fn deserialize(&self, code: &'static [u8]) -> wasmtime::Result<Component> {
        // SAFETY: the bytes must be the unmodified output of `Engine::precompile_component`.
        // They are static, that is part of this binary, and only its build script puts
        // machine code there; wasmtime itself refuses another version or configuration.
        // Being static, they also stay as they are for as long as a component may use them.
        #[allow(unsafe_code, reason = "wasmtime cannot check machine code")]
        let component = unsafe {
            if engine::can_run(code) {
                Component::deserialize_raw(&self.engine, NonNull::from(code))
            } else {
                Component::deserialize(&self.engine, code)
            }
        };
        component
    }
}

/// The programs whose machine code lies in this binary, by where it lies.
static BUILT: Mutex<BTreeMap<usize, Program>> = Mutex::new(BTreeMap::new());

/// Every program so far, and what makes new ones.
pub(crate) struct Loader {
    machinery: Arc<Machinery>,
    compiled: Mutex<BTreeMap<(usize, u64), Program>>,
}

impl Loader {
    pub(crate) fn new() -> wasmtime::Result<Self> {
        Ok(Self {
            machinery: Machinery::shared()?,
            compiled: Mutex::default(),
        })
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.machinery.engine
    }

    /// Compiles a component.
    pub(crate) fn compile(&self, bytes: &[u8]) -> Result<Program, LoadError> {
        let mut hasher = DefaultHasher::new();
        bytes.hash(&mut hasher);
        let key = (bytes.len(), hasher.finish());
        if let Some(program) = self.compiled.lock().get(&key) {
            return Ok(program.clone());
        }
        match bytes.get(..8) {
            Some(start) if start == MAGIC => {}
            Some(start) if start[..4] == MAGIC[..4] => return Err(LoadError::Module),
            _ => return Err(LoadError::NotWasm),
        }
        let component = Component::new(self.engine(), bytes)
            .map_err(|err| LoadError::Broken(first_line(&err)))?;
        let pre = self
            .machinery
            .link(&component)
            .map_err(|err| LoadError::Import(format!("{err:#}")))?;
        let program = Program(Arc::new(Loaded {
            pre: OnceLock::from(pre),
            code: Code::Brought,
            size: bytes.len() as u64,
        }));
        self.compiled.lock().insert(key, program.clone());
        Ok(program)
    }

    /// Takes machine code made from a component when this binary was built; it is loaded when it
    /// is first started.
    pub(crate) fn load_precompiled(&self, code: &'static [u8]) -> Result<Program, LoadError> {
        if Engine::detect_precompiled(code).is_none() {
            return Err(LoadError::Stale("it is no precompiled component".into()));
        }
        let mut built = BUILT.lock();
        let program = built.entry(code.as_ptr().addr()).or_insert_with(|| {
            Program(Arc::new(Loaded {
                pre: OnceLock::new(),
                code: Code::Built(code, Arc::clone(&self.machinery)),
                size: code.len() as u64,
            }))
        });
        Ok(program.clone())
    }
}

fn first_line(err: &wasmtime::Error) -> String {
    format!("{err:#}")
        .lines()
        .next()
        .unwrap_or_default()
        .to_owned()
}
