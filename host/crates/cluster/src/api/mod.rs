//! The Kubernetes API as a function of a request. Never speaks HTTP.

mod request;

pub use request::{Body, Method, Request, Response, StreamRequest, WatchId, WatchPoll};
