//! The terminal of this process, when it has one.

use crate::system;

/// Columns and rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Characters in a line.
    pub columns: u16,
    /// Lines.
    pub rows: u16,
}

/// Nothing when standard input and output are not a terminal.
pub fn size() -> Option<Size> {
    system::terminal_size().map(|size| Size {
        columns: if size.columns == 0 { 80 } else { size.columns },
        rows: if size.rows == 0 { 24 } else { size.rows },
    })
}

/// Raw: bytes arrive as typed, without echo. Cooked: by lines, echoed. False without a terminal.
pub fn set_raw(raw: bool) -> bool {
    system::set_raw(raw)
}
