#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    // only a sealed file is a plan, and chance seals none
    drop(loom_plan::plan::file::read("plan", text));
});
