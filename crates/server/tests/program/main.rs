//! The program as a user runs it: the built binary on free ports, its commands, its signals, its words.

mod commands;
mod configuration;
mod running;
mod serving;
mod stopped;
mod transfer;
