#![no_main]
use loom_plan::{diag::Diagnostics, ledger::Ledger};

// what was read is written so that it is read again as the same
libfuzzer_sys::fuzz_target!(|text: &str| {
    let read =
        |text: String| Ledger::read(&[("project".to_owned(), text)], &mut Diagnostics::default());
    let first = read(text.to_owned());
    let book = &first.books["project"];
    assert_eq!(read(book.write()).books["project"].inputs, book.inputs);
});
