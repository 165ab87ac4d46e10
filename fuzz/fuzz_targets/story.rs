#![no_main]

const PROJECT: &str = "loom: 1\nproject: fuzz\nenvironments: { staging: {}, production: {} }\nservices: { api: { port: 80 } }\n";

libfuzzer_sys::fuzz_target!(|text: &str| {
    loom_fuzz::read(&[
        ("loom.yaml", PROJECT),
        ("stories/a.yaml", text),
        ("stories/b.json", text),
    ]);
});
