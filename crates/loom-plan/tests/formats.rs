//! Every format of the ledger that a loom ever wrote is read for ever.
//!
//! The files in `fixtures/formats/ledger-N` are of format N, and are never changed: a new format gets
//! a directory of its own.

#![expect(
    clippy::disallowed_methods,
    reason = "the files that this test reads are the project's own"
)]

use std::fs;
use std::path::Path;

use loom_plan::diag::Diagnostics;
use loom_plan::ledger::{FORMAT, Ledger};

/// The files of a format: what each is called, and its text.
fn of_format(format: u32) -> Vec<(String, String)> {
    let folder = format!(
        "{}/../../fixtures/formats/ledger-{format}",
        env!("CARGO_MANIFEST_DIR")
    );
    let entries = fs::read_dir(Path::new(&folder)).expect("each format has its files");
    let read = |entry: std::io::Result<fs::DirEntry>| {
        let path = entry.expect("a file").path();
        let name = path.file_stem().expect("a name").to_string_lossy();
        (
            name.into_owned(),
            fs::read_to_string(&path).expect("a text"),
        )
    };
    entries.map(read).collect()
}

#[test]
fn each_format_is_read_in_full_and_written_again_as_the_newest() {
    for format in 1..=FORMAT {
        let files = of_format(format);
        assert!(!files.is_empty(), "format {format} has examples");
        for (name, text) in files {
            let mut out = Diagnostics::default();
            let ledger = Ledger::read(&[(name.clone(), text.clone())], &mut out);
            let said: Vec<_> = out.iter().map(|found| &found.message).collect();
            assert!(said.is_empty(), "{name} of format {format}: {said:?}");
            let newest = text.replacen(
                &format!("\"format\":{format}}}"),
                &format!("\"format\":{FORMAT}}}"),
                1,
            );
            assert_eq!(ledger.books[&name].write(), newest, "{name} of {format}");
        }
    }
}
