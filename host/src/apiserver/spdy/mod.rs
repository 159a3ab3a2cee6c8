//! SPDY/3.1 as Kubernetes still speaks it: frames, headers, streams; bytes in, events out.
//!
//! Only what `exec`, `attach` and `port-forward` need: no push, no priorities, and no flow
//! control, which the implementation on the other side (moby/spdystream) does not have either; what
//! is slow is held back by the connection itself. Never opens a connection and never waits.

mod frame;
mod header;
mod wire;

pub(super) use frame::Heard;
pub(super) use wire::{Said, Session, Sink};
