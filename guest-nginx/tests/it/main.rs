//! Ours against Debian's nginx: the same configurations and the same bytes, the same answers.
//! And what no configuration and no request may do to the server.

mod apache;
mod clients;
mod conf;
mod features;
mod fuzz;
mod live;
mod requests;
mod running;
