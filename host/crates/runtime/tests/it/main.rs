//! Programs as a world sees them: real components, a bare network, virtual time.

mod containers;
mod files;
mod network;
mod processes;
mod time;
mod world;
