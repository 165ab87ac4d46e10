#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    // the same text as the project, an include and the stack: each reader takes its own part of it
    loom_fuzz::read(&[
        ("loom.yaml", text),
        ("include/loom.yaml", text),
        (loom_plan::project::read::STACK_FILE, text),
    ]);
});
