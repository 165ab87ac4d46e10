//! What the fuzz targets share: a run over files in memory whose findings must all have good places.
//!
//! `cargo +nightly fuzz run TARGET` runs one; the targets are in `fuzz_targets/`.

use std::sync::Arc;

use loom_plan::addr::RepoPath;
use loom_plan::diag::Diagnostics;
use loom_plan::input::Memory;
use loom_plan::text::Sources;
use loom_plan::{project, story};

/// Reads a project and its stories; every finding must lead to a place that exists.
pub fn read(files: &[(&str, &str)]) {
    let path = |name| RepoPath::new(name).expect("the targets name good paths");
    let input = Memory(
        files
            .iter()
            .map(|(name, text)| (path(name), Arc::from(*text)))
            .collect(),
    );
    let (mut sources, mut found) = (Sources::default(), Diagnostics::default());
    if let Some(project) = project::read::read(&input, &mut sources, &mut found) {
        story::read_all(&project, &input, None, &mut sources, &mut found);
    }
    places_are_good(&sources, &found);
}

/// Every label covers whole characters of its source, and has a position in a file.
pub fn places_are_good(sources: &Sources, found: &Diagnostics) {
    for label in found.iter().flat_map(|found| &found.labels) {
        let outer = sources.outermost(label.span);
        for span in [label.span, outer] {
            assert!(
                sources
                    .get(span.source)
                    .text
                    .get(span.start as usize..span.end as usize)
                    .is_some(),
                "{span:?}"
            );
        }
        assert!(sources.position(label.span).line >= 1);
    }
}
