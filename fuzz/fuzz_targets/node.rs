#![no_main]
use loom_plan::{diag::Diagnostics, node, text::Sources};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let (mut sources, mut found) = (Sources::default(), Diagnostics::default());
    let id = sources.add("a.yaml", text);
    node::parse(&sources, id, &mut found);
    loom_fuzz::places_are_good(&sources, &found);
});
