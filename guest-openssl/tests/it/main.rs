//! Ours against the real openssl: the same words, and each reading what the other wrote.
//! Never beyond this machine's loopback.

mod cases;
mod cross;
