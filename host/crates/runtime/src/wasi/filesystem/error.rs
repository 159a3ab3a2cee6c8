//! errno in WASI's words, and nothing else.

use crate::fs::FileError;
use crate::wasi::bindings::wasi::filesystem::types::ErrorCode;
use wasmtime::component::ResourceTableError;

/// A file call's failure: the program's, or ours.
#[derive(Debug)]
pub enum FsError {
    /// What the program learns.
    Code(ErrorCode),
    /// What ends the program.
    Trap(wasmtime::Error),
}

impl From<ErrorCode> for FsError {
    fn from(code: ErrorCode) -> Self {
        Self::Code(code)
    }
}

impl From<FileError> for FsError {
    fn from(err: FileError) -> Self {
        Self::Code(code(err))
    }
}

impl From<wasmtime::Error> for FsError {
    fn from(err: wasmtime::Error) -> Self {
        Self::Trap(err)
    }
}

impl From<ResourceTableError> for FsError {
    fn from(err: ResourceTableError) -> Self {
        match err {
            ResourceTableError::Full => Self::Code(ErrorCode::InsufficientMemory),
            err => Self::Trap(err.into()),
        }
    }
}

/// errno in WASI's words.
pub(super) fn code(err: FileError) -> ErrorCode {
    match err {
        FileError::NoEntry => ErrorCode::NoEntry,
        FileError::Exists => ErrorCode::Exist,
        FileError::NotDirectory => ErrorCode::NotDirectory,
        FileError::IsDirectory => ErrorCode::IsDirectory,
        FileError::NotEmpty => ErrorCode::NotEmpty,
        FileError::ReadOnly => ErrorCode::ReadOnly,
        FileError::NoSpace => ErrorCode::InsufficientSpace,
        FileError::Loop => ErrorCode::Loop,
        FileError::Invalid => ErrorCode::Invalid,
        FileError::CrossDevice => ErrorCode::CrossDevice,
        FileError::Busy => ErrorCode::Busy,
        FileError::NameTooLong => ErrorCode::NameTooLong,
        FileError::BadDescriptor => ErrorCode::BadDescriptor,
        FileError::TooManyOpen => ErrorCode::InsufficientMemory,
    }
}
