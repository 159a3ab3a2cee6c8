//! Both ends of TLS against each other, and the verifier against OpenSSL's.
//! Never over a network: ends are joined by socket pairs.

mod ends;
mod handshake;
mod hostile;
mod verifier;
