//! The shell: everything that touches. It holds one world, the programs that run in it and the
//! conversations with both, and carries out what the world asks for.
//!
//! Never decides: what a Pod is, where a packet goes and whether a lesson holds is decided below
//! the waterline. Start reading at [`driver`], the one loop; then `containers.rs`.

mod attach;
mod calendar;
mod capture;
mod containers;
mod docker;
mod driver;
mod faults;
mod http;
mod images;
mod log;
mod places;
mod plane;
mod player;
mod probes;
mod remote;
mod secure;
mod settle;
mod stage;
mod stream;
mod why;

pub(crate) use attach::{Keyboard, Streams};
pub(crate) use capture::Capture;
pub(crate) use containers::{Conversation, Ends, Terminal};
pub(crate) use driver::Shell;
pub(crate) use faults::{FaultOrder, placeholder};
pub(crate) use images::{Component, image_names};
pub(crate) use log::{LogOptions, LogReader};
pub(crate) use places::Spot;
pub(crate) use plane::Plane;
pub(crate) use player::{Bounds, play};
pub(crate) use settle::{Rest, come_to_rest};
pub(crate) use stream::NetStream;
