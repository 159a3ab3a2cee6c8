//! What is typed, and what it means: options, URLs, patterns. Words were recorded from curl 7.88.1.
//! Transfers are tried inside the lab, where there is a network.

mod glob;
mod options;
mod url;
