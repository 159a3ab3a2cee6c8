//! The binary as a user meets it. Never links its code.

mod authors;
mod broken;
mod cli;
mod course;
mod elsewhere;
mod faults;
mod hostile;
mod identity;
mod ingress;
mod inside;
mod lab;
mod lessons;
mod places;
mod played;
mod pods;
mod proc;
mod rules;
mod screens;
mod seeds;
mod sh;
mod strangers;
mod up;
mod why;
