//! The tests of the program and of its rooms from outside: one binary, so that it is linked once, with a module a file. A test that
//! needs a process of its own starts the program (`common::program`).
//!
//! `cargo test --test all NAME::` runs those of one file.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::too_many_lines,
    reason = "tests"
)]

mod acceptance;
mod apart;
mod clinosim;
mod closure;
mod common;
mod declared;
mod demo;
mod detectors;
mod dpc_hub;
mod explained;
mod explore;
mod fhir;
mod house;
mod hub;
mod init;
mod init_outside;
mod intake;
mod joins;
mod keys;
mod lang;
mod layouts;
mod logs;
mod long;
mod memory;
mod messy;
mod mutants;
mod objections;
mod oracle_arx;
mod oracle_arx_models;
mod oracle_arx_risk;
mod oracle_cells;
mod oracle_pycanon;
mod oracle_sdcmicro;
mod pages;
mod parts;
mod program;
mod receipt;
mod receipt_run;
mod record;
mod redact;
mod report;
mod resume;
mod risk_cli;
mod schema;
mod search;
mod sets;
mod source_form;
mod ssmix2;
mod stamps;
mod states;
mod synth;
mod typed;
mod unique;
