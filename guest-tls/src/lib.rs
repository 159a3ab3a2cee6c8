//! TLS, keys and certificates for guest programs.
//!
//! Never opens a socket and never reads a clock: streams and times are arguments.
