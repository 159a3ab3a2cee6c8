//! Machine code that runs where it lies in the binary, so that only the pages of it that run are
//! ever read, and none are copied.
//!
//! Never makes anything writable. On systems other than Linux wasmtime copies as it always does.

use std::sync::Arc;
use wasmtime::{CustomCodeMemory, Result};

/// Whether code at this place may be made executable without moving it.
#[must_use]
pub fn can_run(code: &[u8]) -> bool {
    cfg!(target_os = "linux")
        && code
            .as_ptr()
            .addr()
            .is_multiple_of(rustix::param::page_size())
}

pub(crate) fn publisher() -> Option<Arc<dyn CustomCodeMemory>> {
    cfg!(target_os = "linux").then(|| Arc::new(InPlace) as Arc<dyn CustomCodeMemory>)
}

struct InPlace;

impl InPlace {
    fn protect(start: *const u8, length: usize, how: rustix::mm::MprotectFlags) -> Result<()> {
        // SAFETY: wasmtime names the pages of code that it owns, or that `deserialize_raw` was
        // promised to be code for ever; they are read and run, never written.
        #[allow(unsafe_code, reason = "pages become executable by no other means")]
        let done = unsafe { rustix::mm::mprotect(start.cast_mut().cast(), length, how) };
        Ok(done?)
    }
}

impl CustomCodeMemory for InPlace {
    fn required_alignment(&self) -> usize {
        rustix::param::page_size()
    }

    fn publish_executable(&self, start: *const u8, length: usize) -> Result<()> {
        use rustix::mm::MprotectFlags;
        Self::protect(start, length, MprotectFlags::READ | MprotectFlags::EXEC)
    }

    fn unpublish_executable(&self, start: *const u8, length: usize) -> Result<()> {
        Self::protect(start, length, rustix::mm::MprotectFlags::READ)
    }
}
