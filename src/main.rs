//! `kakou`: see the library for what it does.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: kakou::memory::Counted = kakou::memory::Counted;

fn main() -> ExitCode {
    kakou::cli::main()
}
