//! One binary for all targets (each would be linked with the whole program): `KAKOU_TARGET` says which. See fuzz/README.md.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::{Corpus, fuzz_target};

#[path = "../../tests/common/targets.rs"]
mod targets;

static RUN: OnceLock<fn(&[u8])> = OnceLock::new();

fuzz_target!(|bytes: &[u8]| -> Corpus {
    let run = RUN.get_or_init(|| {
        let wanted = std::env::var("KAKOU_TARGET").expect("KAKOU_TARGET names a target");
        // A panic of the library that reads damaged Parquet is caught and told as an error; every other one ends the process.
        let ends = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !kakou::formats::guarded_now() {
                ends(info);
            }
        }));
        let found = targets::TARGETS.into_iter().find(|(name, _)| *name == wanted);
        found.expect("there is such a target").1
    });
    run(bytes);
    Corpus::Keep
});
