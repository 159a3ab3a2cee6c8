//! Putting values into words and columns: times, elastic tabs, Go's JSON.
//!
//! Pure functions over strings and values; nothing here prints.

pub(crate) mod base64;
pub(crate) mod json;
pub(crate) mod order;
pub(crate) mod quantity;
pub(crate) mod sort;
pub(crate) mod tabs;
pub(crate) mod tar;
pub(crate) mod time;
